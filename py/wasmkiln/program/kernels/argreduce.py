"""argreduce: the index of the largest or smallest element along one dimension."""

from __future__ import annotations

from typing import Literal

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["ArgReduceSpec"]


@record
class ArgReduceSpec(KernelSpec):
    """Of x [outer, R, inner], the i64 index along R of the extreme element, [outer, inner].

    last: of equal elements the last one wins, else the first.

    args: out, x (addresses); R, inner (elements)
    range: outputs, outer * inner.
    """

    fold: Literal["max", "min"]
    last: bool
    dtype: DType

    @property
    def name(self) -> str:
        """E.g. `argmax_f32`, `argmin_last_i32`."""
        return f"arg{self.fold}_{'last_' if self.last else ''}{self.dtype}"
