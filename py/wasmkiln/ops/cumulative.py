"""CumSum and CumProd."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import BF16, F16, F32, F64, I32, I64, U32, U64
from ..ir.shape import normalize_axis
from ..ir.types import TensorType
from ..program.kernels.cumulative import CumulativeSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .movement import constant_ints

__all__ = ["Running"]

Fold = Literal["add", "mul"]

# Elements of scalar code worth giving to a thread.
GRAIN = 8192


def _axis(x: TensorType, axis: TensorType) -> int:
    values = constant_ints(axis, "the axis")
    if len(values) != 1:
        raise ShapeError(f"the axis is {axis}, one number is expected")
    return normalize_axis(values[0], x.rank)


class _Cumulative(Op):
    """The fold of all elements up to each, along an axis."""

    fold: ClassVar[Fold] = "add"

    exclusive: bool = False
    reverse: bool = False

    def infer(self, x: TensorType, axis: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        _axis(x, axis)
        if x.dtype not in (F16, BF16, F32, F64, I32, I64, U32, U64):
            raise UnsupportedOperatorError(f"{x.dtype} is not supported")
        return (TensorType(x.dtype, x.shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The values in plain Python."""
        x, axis = inputs
        if x is None or axis is None or not x.dtype.is_int:
            return None
        t = TensorType.of(x)
        at = _axis(t, TensorType.of(axis))
        r, inner = x.shape[at], prod(x.shape[at + 1 :])
        values = list(x.ints())
        for line in range(t.size // max(1, r)):
            first = line // inner * r * inner + line % inner
            row = values[first : first + r * inner : inner]
            row = row[::-1] if self.reverse else row
            made, total = [], 0 if self.fold == "add" else 1
            for value in row:
                after = total + value if self.fold == "add" else total * value
                made.append(total if self.exclusive else after)
                total = after
            values[first : first + r * inner : inner] = made[::-1] if self.reverse else made
        return (Const.of(x.dtype, x.shape, values),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Along a known axis."""
        x, axis = inputs
        at = _axis(g.type(x), g.type(axis))
        op = Running(axis=at, exclusive=self.exclusive, reverse=self.reverse, fold=self.fold)
        return (g.add(op, x),)


@register("CumSum", since=11)
class CumSum11(_Cumulative):
    """The sum of all elements up to each, along an axis."""


@register("CumSum", since=14)
class CumSum(_Cumulative):
    """The sum of all elements up to each, along an axis."""


@register("CumProd", since=26)
class CumProd(_Cumulative):
    """The product of all elements up to each, along an axis."""

    fold = "mul"


@register("Running", domain=INTERNAL)
class Running(Op):
    """CumSum or CumProd along an axis that is counted from the front."""

    axis: int
    exclusive: bool
    reverse: bool
    fold: Fold = "add"

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        return (TensorType(x.dtype, x.shape),)

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same along the axis' new place."""
        return self.with_(axis=list(perm).index(self.axis))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all lines."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        r, inner = x.type.shape[self.axis], prod(x.type.shape[self.axis + 1 :])
        step = inner * x.type.dtype.itemsize
        args: list[Word] = [lw.write(out), lw.read(x), r, inner]
        args += [step * (r - 1), -step] if self.reverse else [0, step]
        spec = CumulativeSpec(x.type.dtype, self.exclusive, self.fold)
        lw.call(spec, args, x.type.size // max(1, r), max(1, GRAIN // max(1, r)), [(out, x)])
