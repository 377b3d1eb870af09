"""MaxUnpool: the greatest elements put back where MaxPool found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.dtype import I64
from ..ir.shape import Shape, numel, show
from ..ir.types import TensorType
from .base import Op, register
from .compose import reshape, standard
from .movement import constant_ints, filled
from .scatter import ScatterElements

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("MaxUnpool", since=9)
class MaxUnpool(Op):
    """Zeros, but x at flat indices into the shape that MaxPool would have reduced to x's.

    A greater output_shape has more zeros at the ends, which the indices do not count.
    """

    kernel_shape: tuple[int, ...]
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def _pooled(self, x: TensorType) -> Shape:
        rank = len(self.kernel_shape)
        strides, pads = self.strides or (1,) * rank, self.pads or (0,) * (2 * rank)
        if x.rank != rank + 2 or len(strides) != rank or len(pads) != 2 * rank:
            raise ShapeError(f"a window {show(self.kernel_shape)}, its strides or pads for {x}")
        spatial = (
            (x.shape[2 + d] - 1) * strides[d] - pads[d] - pads[rank + d] + self.kernel_shape[d]
            for d in range(rank)
        )
        return (*x.shape[:2], *spatial)

    def infer(
        self, x: TensorType, indices: TensorType, output_shape: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The output shape, if it is given."""
        pooled = self._pooled(x)
        if indices.shape != x.shape or indices.dtype != I64:
            raise ShapeError(f"the indices are {indices} for the elements {x}")
        if output_shape is None:
            return (TensorType(x.dtype, pooled),)
        shape = constant_ints(output_shape, "output_shape")
        if len(shape) != len(pooled) or any(a < b for a, b in zip(shape, pooled, strict=True)):
            raise ShapeError(f"output_shape is {show(shape)}, at least {show(pooled)} is needed")
        return (TensorType(x.dtype, shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A ScatterElements, and a Pad."""
        x, indices, *rest = inputs
        t = g.type(x)
        (out,) = self.infer(t, *(g.type(i) if i else None for i in (indices, *rest)))  # type: ignore[arg-type]
        pooled = self._pooled(t)
        empty = filled(g, Const.scalar(t.dtype, 0), (numel(pooled),))
        flat = (reshape(g, v, (t.size,)) for v in (indices, x))
        y = reshape(g, g.add(ScatterElements(), empty, *flat), pooled)
        if out.shape != pooled:
            missing = [a - b for a, b in zip(out.shape, pooled, strict=True)]
            y = standard(g, "Pad", y, g.ints([0] * len(pooled) + missing))
        return (y,)
