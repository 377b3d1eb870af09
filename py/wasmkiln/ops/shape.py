"""Operators that read an input's shape and not its data: Shape and Size."""

from __future__ import annotations

from ..ir.const import Const
from ..ir.dtype import I64
from ..ir.types import TensorType
from .base import Op, register

__all__: list[str] = []


@register("Shape", since=1)
class Shape(Op):
    """The sizes of the input's dimensions, or of those in [start, end)."""

    moves_only = True
    start: int = 0
    end: int | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """A vector whose value is known."""
        dims = x.shape[slice(_clip(self.start, x.rank), _clip(self.end, x.rank))]
        return (TensorType.of(Const.of(I64, (len(dims),), dims)),)


def _clip(at: int | None, rank: int) -> int:
    """Where a slice of the shape starts or ends; out of range means the nearest end."""
    return rank if at is None else max(0, min(at + rank if at < 0 else at, rank))


@register("Size", since=1)
class Size(Op):
    """The number of the input's elements."""

    moves_only = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """A scalar whose value is known."""
        return (TensorType.of(Const.scalar(I64, x.size)),)
