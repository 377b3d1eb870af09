"""Softmax, LogSoftmax and Hardmax."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, I64
from ..ir.expr import arg, call, cast
from ..ir.shape import normalize_axis
from ..ir.types import TensorType
from ..program.kernels.softmax import SoftmaxSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .argreduce import ArgReduce
from .base import INTERNAL, Op, register
from .compose import apply, moved_last, reshape, transpose
from .reduce import Reduce

__all__ = ["RowSoftmax"]

# Elements worth giving to a thread; an exponential costs about as much as eight additions.
GRAIN = 2048


@register("RowSoftmax", domain=INTERNAL)
class RowSoftmax(Op):
    """Softmax (or its logarithm) of f32 along the last axis."""

    log: bool = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        return (TensorType(x.dtype, x.shape),)

    def permuted(self, perm: Sequence[int]) -> Op | None:
        """The same, if the last axis stays last."""
        return self if perm[-1] == len(perm) - 1 else None

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One softmax kernel over the rows."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        r = x.type.shape[-1]
        rows = x.type.size // max(1, r)
        args: list[Word] = [lw.write(out), lw.read(x), r]
        lw.call(SoftmaxSpec(self.log), args, rows, max(1, GRAIN // max(1, r)), [(out, x)])


def _along(g: GraphBuilder, x: str, axis: int, log: bool) -> str:
    """Softmax along one axis; transposed so that it is the last, other dtypes by reductions."""
    t = g.type(x)
    if t.dtype == F32:
        perm, back = moved_last(axis, t.rank)
        y = g.add(RowSoftmax(log=log), transpose(g, x, perm))
        return transpose(g, y, back)
    e = arg(0, t.dtype)
    top = g.add(Reduce(axes=(axis,), fold="max"), x)
    shifted = apply(g, e - arg(1, t.dtype), x, top)
    total = g.add(Reduce(axes=(axis,), fold="sum", pre=call("exp", e)), shifted)
    whole = arg(1, t.dtype)
    result = e - call("log", whole) if log else call("exp", e) / whole
    return apply(g, result, shifted, total)


def _hardmax(g: GraphBuilder, x: str, axis: int) -> str:
    """1 at the first largest element along the axis, 0 elsewhere."""
    t = g.type(x)
    best = g.add(ArgReduce(axis=axis, fold="max"), x)
    size = t.shape[axis]
    shape = tuple(size if i == axis else 1 for i in range(axis, t.rank))
    places = g.const(Const.of(I64, shape, range(size)), "places")
    one = cast(call("eq", arg(0, I64), arg(1, I64)), t.dtype)
    return apply(g, one, best, places)


def _apply(g: GraphBuilder, kind: str, x: str, axis: int) -> str:
    if not g.type(x).size:
        return x
    return _hardmax(g, x, axis) if kind == "Hardmax" else _along(g, x, axis, kind == "LogSoftmax")


class _Softmax(Op):
    """Before opset 13: of the input as a matrix, whose columns begin at `axis`."""

    axis: int = 1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if self.axis != x.rank:
            normalize_axis(self.axis, x.rank)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Along the rows of the matrix."""
        (x,) = inputs
        shape = g.shape(x)
        axis = self.axis if self.axis == len(shape) else normalize_axis(self.axis, len(shape))
        kept = [i for i in range(axis, len(shape)) if shape[i] != 1]
        if len(kept) == 1:
            return (_apply(g, self.op_type, x, kept[0]),)
        flat = reshape(g, x, (prod(shape[:axis]), prod(shape[axis:])))
        return (reshape(g, _apply(g, self.op_type, flat, 1), shape),)


class _Softmax13(Op):
    """Since opset 13: along one axis."""

    axis: int = -1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        normalize_axis(self.axis, x.rank)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Along the axis."""
        (x,) = inputs
        return (_apply(g, self.op_type, x, normalize_axis(self.axis, g.type(x).rank)),)


for _name in ("Softmax", "LogSoftmax", "Hardmax"):
    register(_name, since=1)(type(_name, (_Softmax,), {"__doc__": _Softmax.__doc__}))
    register(_name, since=13)(type(_name, (_Softmax13,), {"__doc__": _Softmax13.__doc__}))
