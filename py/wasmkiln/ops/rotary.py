"""RotaryEmbedding: pairs of elements, turned by an angle that depends on their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import I64
from ..ir.expr import arg, cast
from ..ir.shape import Shape
from ..ir.types import TensorType
from .base import MICROSOFT, Op, register
from .compose import apply, expand_to, reshape, standard, transpose
from .movement import Iota, StridedSlice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["ContribRotaryEmbedding"]


@register("RotaryEmbedding", since=23)
class RotaryEmbedding(Op):
    """The first `rotary_embedding_dim` elements of each head turned in pairs; 0: all of them.

    Pairs are neighbours where `interleaved`, else elements of the first and the second half.
    """

    interleaved: bool = False
    num_heads: int | None = None
    rotary_embedding_dim: int = 0

    def infer(
        self,
        x: TensorType,
        cos: TensorType,
        sin: TensorType,
        position_ids: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        batch, length, _, size = self._split(x)
        turned = self.rotary_embedding_dim or size
        wanted = (turned // 2,) if position_ids else (batch, length, turned // 2)
        if turned > size or turned % 2:
            raise ShapeError(f"rotary_embedding_dim {turned} for heads of {size}")
        for t in (cos, sin):
            if t.rank != (2 if position_ids else 3) or t.shape[-len(wanted) :] != wanted:
                raise ShapeError(f"the table {t} does not fit {x}")
        if position_ids is not None and position_ids.shape != (batch, length):
            raise ShapeError(f"the places {position_ids} do not fit {x}")
        return (TensorType(x.dtype, x.shape),)

    def _split(self, x: TensorType) -> Shape:
        """[batch, length, heads, size] of the input."""
        if x.rank == 4:
            batch, heads, length, size = x.shape
            return (batch, length, heads, size)
        if x.rank != 3 or not self.num_heads or x.shape[2] % self.num_heads:
            raise ShapeError(f"{x} does not split into {self.num_heads} heads")
        return (*x.shape[:2], self.num_heads, x.shape[2] // self.num_heads)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Slices, products with the tables, and their concatenation."""
        x, cos, sin, places = (*inputs, "")[:4]
        shape = g.shape(x)
        batch, length, heads, size = split = self._split(g.type(x))
        x = transpose(g, x, (0, 2, 1, 3)) if len(shape) == 4 else reshape(g, x, split)
        if places:
            cos, sin = (standard(g, "Gather", table, places) for table in (cos, sin))
        half = (self.rotary_embedding_dim or size) // 2
        cos, sin = (reshape(g, table, (batch, length, 1, half)) for table in (cos, sin))
        step, second = (2, 1) if self.interleaved else (1, half)
        a, b = (_cut(g, x, start, step, half) for start in (0, second))
        p, q, c, s = (arg(i, g.type(x).dtype) for i in range(4))
        parts = [apply(g, p * c - q * s, a, b, cos, sin), apply(g, p * s + q * c, a, b, cos, sin)]
        if self.interleaved:
            pairs = [reshape(g, part, (batch, length, heads, half, 1)) for part in parts]
            whole = standard(g, "Concat", *pairs, axis=4)
            parts = [reshape(g, whole, (batch, length, heads, 2 * half))]
        if size > 2 * half:
            parts.append(_cut(g, x, 2 * half, 1, size - 2 * half))
        y = parts[0] if len(parts) == 1 else standard(g, "Concat", *parts, axis=3)
        return (transpose(g, y, (0, 2, 1, 3)) if len(shape) == 4 else reshape(g, y, shape),)


def _cut(g: GraphBuilder, x: str, start: int, step: int, count: int) -> str:
    """`count` of the last axis's elements."""
    sizes = (*g.shape(x)[:3], count)
    return g.add(StridedSlice(starts=(0, 0, 0, start), steps=(1, 1, 1, step), sizes=sizes), x)


@register("RotaryEmbedding", domain=MICROSOFT)
class ContribRotaryEmbedding(Op):
    """onnxruntime's form, whose places come second: one for each element, or that of the first."""

    interleaved: bool = False
    is_packed_batching: bool = False
    num_heads: int = 0
    rotary_embedding_dim: int = 0
    scale: float = 1.0

    def infer(
        self, x: TensorType, position_ids: TensorType, cos: TensorType, sin: TensorType
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        if self.is_packed_batching or self.scale != 1.0:
            raise UnsupportedOperatorError("is_packed_batching and a scale are not supported")
        batch, length = self._places(x)
        if position_ids.size != 1 and position_ids.shape != (batch, length):
            raise ShapeError(f"the places {position_ids} do not fit {x}")
        places = TensorType(position_ids.dtype, (batch, length))
        return self._newer(x, cos).infer(x, cos, sin, places)

    def _places(self, x: TensorType) -> tuple[int, int]:
        if x.rank not in (3, 4):
            raise ShapeError(f"{x} has neither 3 nor 4 dimensions")
        return x.shape[0], x.shape[-2]

    def _newer(self, x: TensorType, cos: TensorType) -> RotaryEmbedding:
        heads = self.num_heads
        if not heads and x.rank == 3:
            heads = x.shape[2] // max(1, 2 * cos.shape[-1])
        return RotaryEmbedding(
            interleaved=self.interleaved,
            num_heads=heads,
            rotary_embedding_dim=self.rotary_embedding_dim,
        )

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """ONNX's own RotaryEmbedding."""
        x, at, cos, sin = inputs
        batch, length = self._places(g.type(x))
        if g.type(at).size == 1 and (batch, length) != (1, 1):
            first = reshape(g, at, (1, 1))
            steps = reshape(g, g.add(Iota(count=length)), (1, length))
            plus = cast(arg(0, g.type(at).dtype), I64) + arg(1, I64)
            at = expand_to(g, apply(g, plus, first, steps), (batch, length))
        return (g.add(self._newer(g.type(x), g.type(cos)), x, cos, sin, at),)
