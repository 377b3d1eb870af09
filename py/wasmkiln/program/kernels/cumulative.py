"""cumulative: running sums or products along an axis."""

from __future__ import annotations

from typing import Literal

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["CumulativeSpec"]


@record
class CumulativeSpec(KernelSpec):
    """Sums or products of all elements of a line up to each of them, in scalar code.

    exclusive: without the element itself.

    args: out, x (addresses); R, inner (elements); first, step (bytes)
    A line has R elements, `step` bytes apart; it starts `first` bytes behind its lowest element, so
    that it may run backwards. The lines lie as in [outer, R, inner].
    range: lines.
    """

    dtype: DType
    exclusive: bool
    fold: Literal["add", "mul"] = "add"

    @property
    def name(self) -> str:
        """E.g. `cumulative_add_f32_exclusive`."""
        return f"cumulative_{self.fold}_{self.dtype}{'_exclusive' if self.exclusive else ''}"
