"""ArgMax and ArgMin."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, Literal

from ..errors import ShapeError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import I64
from ..ir.shape import normalize_axis
from ..ir.types import TensorType
from ..program.kernels.argreduce import ArgReduceSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .compose import reshape

__all__ = ["ArgReduce"]

Fold = Literal["max", "min"]

# Elements worth giving to a thread.
GRAIN = 8192


@register("ArgReduce", domain=INTERNAL)
class ArgReduce(Op):
    """The i64 index of the extreme element along an axis, which stays as 1."""

    axis: int
    fold: Fold
    last: bool = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Indices, with 1 at the axis."""
        if x.shape[self.axis] == 0:
            raise ShapeError(f"axis {self.axis} of {x} is empty")
        shape = tuple(1 if i == self.axis else d for i, d in enumerate(x.shape))
        return (TensorType(I64, shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The indices in plain Python."""
        (x,) = inputs
        if x is None or not x.is_inline:
            return None
        (t,) = self.infer(TensorType.of(x))
        r, inner = x.shape[self.axis], prod(x.shape[self.axis + 1 :])
        values = x.values()
        found = []
        for at in range(t.size):
            first = at // inner * r * inner + at % inner
            row = values[first : first + r * inner : inner]
            best = max(row) if self.fold == "max" else min(row)
            found.append(r - 1 - row[::-1].index(best) if self.last else row.index(best))
        return (Const.of(I64, t.shape, found),)

    def permuted(self, perm: Sequence[int]) -> Op | None:
        """The same along the axis' new place."""
        return self.with_(axis=list(perm).index(self.axis))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One argreduce kernel over [outer, R, inner]."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        r, inner = x.type.shape[self.axis], prod(x.type.shape[self.axis + 1 :])
        spec = ArgReduceSpec(self.fold, self.last, x.type.dtype)
        args: list[Word] = [lw.write(out), lw.read(x), r, inner]
        lw.call(spec, args, out.type.size, max(1, GRAIN // r))


class _Arg(Op):
    """The index along an axis of the extreme element."""

    fold: ClassVar[Fold]
    axis: int = 0
    keepdims: bool = True
    select_last_index: bool = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Indices; the axis vanishes unless keepdims is set."""
        axis = normalize_axis(self.axis, x.rank)
        dims = (1 if i == axis else d for i, d in enumerate(x.shape) if self.keepdims or i != axis)
        return (TensorType(I64, tuple(dims)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """An ArgReduce."""
        (x,) = inputs
        t = g.type(x)
        axis = normalize_axis(self.axis, t.rank)
        y = g.add(ArgReduce(axis=axis, fold=self.fold, last=self.select_last_index), x)
        return (reshape(g, y, self.infer(t)[0].shape),)


@register("ArgMax", since=1)
class ArgMax(_Arg):
    """The index of the largest element."""

    fold = "max"


@register("ArgMin", since=1)
class ArgMin(_Arg):
    """The index of the smallest element."""

    fold = "min"
