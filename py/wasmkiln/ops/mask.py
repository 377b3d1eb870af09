"""Operators made of comparisons of indices: EyeLike, Trilu and OneHot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.dtype import I32, I64
from ..ir.expr import Expr, arg, call, cast, clamp, const, select
from ..ir.shape import Shape
from ..ir.types import TensorType
from .base import Op, register
from .cast import dtype_of
from .map import Map
from .movement import Iota, StridedSlice, View, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


def _diagonals(g: GraphBuilder, shape: Shape) -> tuple[str, str]:
    """The indices of rows, as a column, and of columns, as a row; i32, which has vector code."""
    narrow = Map(expr=cast(arg(0, I64), I32))
    rows = g.add(narrow, g.add(Iota(count=shape[-2])))
    return g.add(View(shape=(shape[-2], 1)), rows), g.add(narrow, g.add(Iota(count=shape[-1])))


@register("EyeLike", since=9)
class EyeLike(Op):
    """Ones on the k-th diagonal of a matrix, zeros elsewhere."""

    moves_only = True
    dtype: int | None = None
    k: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape, and its dtype unless another one is asked for."""
        if x.rank != 2:
            raise ShapeError(f"{x} is not a matrix")
        return (TensorType(x.dtype if self.dtype is None else dtype_of(self.dtype), x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Where the column's index is the row's plus k."""
        t = self.infer(g.type(inputs[0]))[0]
        hit = call("eq", arg(1, I32), arg(0, I32) + self.k)
        return (g.add(Map(expr=cast(hit, t.dtype)), *_diagonals(g, t.shape)),)


@register("Trilu", since=14)
class Trilu(Op):
    """The part of matrices above the k-th diagonal, or below it, with the diagonal."""

    moves_only = True
    upper: bool = True

    def infer(self, x: TensorType, k: TensorType | None = None) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank < 2:
            raise ShapeError(f"{x} is not a batch of matrices")
        if k is not None and not (k.size == 1 and k.dtype.is_int):
            raise ShapeError(f"k is {k}, one integer is expected")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A selection by the indices."""
        x, k = (*inputs, "")[:2]
        t = g.type(x)
        operands = [x, *_diagonals(g, t.shape)]
        row, column = arg(1, I32), arg(2, I32)
        if k:
            operands.append(g.add(View(shape=()), k))
            diagonal = clamp(arg(3, g.type(k).dtype), -t.shape[-2], t.shape[-1])
            row = row + cast(diagonal, I32)
        keep = column >= row if self.upper else column <= row
        expr = select(keep, arg(0, t.dtype), const(0, t.dtype))
        return (g.add(Map(expr=expr), *operands),)


@register("OneHot", since=9)
class OneHot(Op):
    """Along a new axis, the second of two values at the place of the index, elsewhere the first."""

    moves_only = True
    axis: int = -1

    def infer(
        self, indices: TensorType, depth: TensorType, values: TensorType
    ) -> tuple[TensorType, ...]:
        """The indices' shape with an axis of `depth` places."""
        (size,) = constant_ints(depth, "the depth")
        rank = indices.rank + 1
        if values.shape != (2,) or not -rank <= self.axis < rank or size < 0:
            raise ShapeError(f"values {values}, axis {self.axis}, depth {size} for {indices}")
        axis = self.axis % rank
        return (TensorType(values.dtype, (*indices.shape[:axis], size, *indices.shape[axis:])),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A comparison of the indices with the places; negative ones count from the end."""
        indices, _, values = inputs
        t, (out,) = g.type(indices), self.infer(*map(g.type, inputs))
        axis = self.axis % (t.rank + 1)
        size = out.shape[axis]
        places = g.add(View(shape=(size,) + (1,) * (t.rank - axis)), g.add(Iota(count=size)))
        columns = g.add(View(shape=(*t.shape[:axis], 1, *t.shape[axis:])), indices)
        off, on = (
            g.add(View(shape=()), g.add(StridedSlice(starts=(i,), steps=(1,), sizes=(1,)), values))
            for i in (0, 1)
        )
        index: Expr = cast(arg(0, t.dtype), I64)
        if t.dtype.kind != "u":
            index = select(index < 0, index + size, index)
        expr = select(call("eq", index, arg(1, I64)), arg(2, out.dtype), arg(3, out.dtype))
        return (g.add(Map(expr=expr), columns, places, on, off),)
