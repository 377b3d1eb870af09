"""Compress: the slices of a tensor for which a condition holds.

If the condition is known while compiling, that is a choice of slices. If not, a kernel fills a
buffer as large as the result can get, and the host trims it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, I64
from ..ir.shape import normalize_axis, numel
from ..ir.types import TensorType
from .base import INTERNAL, Op, register
from .blocks import pick
from .compose import reshape, standard, transpose
from .gather import Take
from .host import Trim
from .movement import StridedSlice, Transpose, constant_ints
from .nonzero import NonZeroBounded

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("Compress", since=9)
class Compress(Op):
    """The input's slices along an axis (without one: its elements) for which a condition holds."""

    moves_only = True
    axis: int | None = None

    def infer(self, x: TensorType, condition: TensorType) -> tuple[TensorType, ...]:
        """As many slices as the condition holds for; a condition of a run is used in parts."""
        if condition.value is None:
            raise UnsupportedOperatorError("how many slices remain depends on the data")
        if self.axis is None:
            return (TensorType(x.dtype, (len(self._chosen(x.size, condition)),)),)
        axis = normalize_axis(self.axis, x.rank)
        count = len(self._chosen(x.shape[axis], condition))
        return (TensorType(x.dtype, (*x.shape[:axis], count, *x.shape[axis + 1 :])),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The chosen slices."""
        x, condition = inputs
        assert x is not None and condition is not None
        if self.axis is None:
            x = x.reshaped((numel(x.shape),))
        axis = normalize_axis(self.axis or 0, len(x.shape))
        return (pick(x, axis, self._chosen(x.shape[axis], TensorType.of(condition))),)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The padded result, trimmed; its axis is first until then."""
        padded, count = g.add_all(CompressBounded(axis=self.axis), inputs, n_outputs=2)
        out = g.add(Trim(), padded, count)
        return (g.add(FirstTo(axis=self.axis), out) if self.axis else out,)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Take."""
        x, condition = inputs
        t, known = g.type(x), g.type(condition)
        axis = 0 if self.axis is None else normalize_axis(self.axis, t.rank)
        if self.axis is None:
            x = reshape(g, x, (t.size,))
        size = g.shape(x)[axis]
        return (g.add(Take(axis=axis, indices=self._chosen(size, known)), x),)

    def _chosen(self, size: int, condition: TensorType) -> tuple[int, ...]:
        flags = constant_ints(condition, "the size of the output")
        if condition.rank != 1 or any(flags[size:]):
            raise ShapeError(f"condition {condition} does not suit {size} elements")
        return tuple(i for i, flag in enumerate(flags) if flag)


@register("CompressBounded", domain=INTERNAL)
class CompressBounded(Op):
    """The slices for which a condition holds, the axis being first, then others; their number.

    What the condition says beyond the end of the axis does not matter.
    """

    moves_only = True
    axis: int | None

    def infer(self, x: TensorType, condition: TensorType) -> tuple[TensorType, ...]:
        """As many slices as there are conditions."""
        if condition.dtype != BOOL or condition.rank != 1:
            raise ShapeError(f"condition is {condition}, bool[N] is expected")
        flat = (x.size,) if self.axis is None else x.shape
        axis = normalize_axis(self.axis or 0, len(flat))
        n = min(condition.size, flat[axis])
        shape = (n, *flat[:axis], *flat[axis + 1 :])
        return TensorType(x.dtype, shape), TensorType(I64, (1,))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gather of the places where the condition holds, and then of the first slice."""
        x, condition = inputs
        if self.axis is None:
            x = reshape(g, x, (g.type(x).size,))
        rank = g.type(x).rank
        axis = normalize_axis(self.axis or 0, rank)
        x = transpose(g, x, (axis, *(d for d in range(rank) if d != axis)))
        n = min(g.type(condition).size, g.shape(x)[0])
        if n < g.type(condition).size:
            condition = g.add(StridedSlice(starts=(0,), steps=(1,), sizes=(n,)), condition)
        rows, count = g.add_all(NonZeroBounded(), (condition,), n_outputs=2)
        if n:  # else there is no first slice
            x = standard(g, "Gather", x, reshape(g, rows, (n,)))
        elif g.shape(x)[0]:
            nothing = (0, *g.shape(x)[1:])
            x = g.add(StridedSlice(starts=(0,) * rank, steps=(1,) * rank, sizes=nothing), x)
        return x, count


@register("FirstTo", domain=INTERNAL)
class FirstTo(Op):
    """The input with its first dimension moved to another place."""

    moves_only = True
    axis: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The permuted shape."""
        return Transpose(perm=self._perm(x.rank)).infer(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Transpose."""
        (x,) = inputs
        return (transpose(g, x, self._perm(g.type(x).rank)),)

    def _perm(self, rank: int) -> tuple[int, ...]:
        axis = normalize_axis(self.axis, rank)
        return (*range(1, axis + 1), 0, *range(axis + 1, rank))
