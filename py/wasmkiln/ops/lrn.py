"""LRN: local response normalization."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir.builder import GraphBuilder
from ..ir.dtype import F32
from ..ir.expr import Expr, arg, call
from ..ir.types import TensorType
from ..program.kernels.lrn import LrnSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .compose import cast_to, moved_last, transpose

__all__ = ["LocalNorm"]

# Elements worth giving to a thread.
GRAIN = 4096


@register("LocalNorm", domain=INTERNAL)
class LocalNorm(Op):
    """LRN of f32 with its channels on any axis."""

    axis: int
    size: int
    result: Expr

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        return (TensorType(x.dtype, x.shape),)

    def permuted(self, perm: Sequence[int]) -> Op | None:
        """The same along the channels' new place."""
        return self.with_(axis=list(perm).index(self.axis))

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Channels last."""
        (x,) = inputs
        rank = g.type(x).rank
        if self.axis == rank - 1:
            return None
        perm, back = moved_last(self.axis, rank)
        y = g.add(self.with_(axis=rank - 1), transpose(g, x, perm))
        return (transpose(g, y, back),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One lrn kernel over the pixels."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        c = x.type.shape[-1]
        before = (self.size - 1) // 2
        args: list[Word] = [lw.write(out), lw.read(x), c, before, self.size - 1 - before]
        pixels = x.type.size // max(1, c)
        lw.call(LrnSpec(self.result), args, pixels, max(1, GRAIN // max(1, c)))


@register("LRN", since=1)
class LRN(Op):
    """x / (bias + alpha / size * sum of squares of neighbouring channels) ** beta."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank < 2:
            raise ShapeError(f"the input {x} has no channels")
        if self.size < 1:
            raise ShapeError(f"size is {self.size}, at least 1 is needed")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A LocalNorm."""
        (x,) = inputs
        dtype = g.type(x).dtype
        base = arg(1, F32) * (self.alpha / self.size) + self.bias
        result = arg(0, F32) / _power(base, self.beta)
        y = g.add(LocalNorm(axis=1, size=self.size, result=result), cast_to(g, x, F32))
        return (cast_to(g, y, dtype),)


def _power(x: Expr, exponent: float) -> Expr:
    """A positive number's power, by roots where these give it."""
    if exponent == 1:
        return x
    root = call("sqrt", x)
    if exponent == 0.5:
        return root
    if exponent == 0.75:
        return root * call("sqrt", root)
    return call("exp", call("log", x) * exponent)
