"""nonzero: the places of elements that are not zero."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["NonZeroSpec"]


@record
class NonZeroSpec(KernelSpec):
    """One row of `rank` i64 coordinates for each element that is not zero, in row-major order.

    The output has room for a row per element; rows that are not used become zero.

    args: out, count (one i64), x (addresses); size of each dim
    range: one unit.
    """

    dtype: DType
    rank: int

    @property
    def name(self) -> str:
        """E.g. `nonzero_f32_3d`."""
        return f"nonzero_{self.dtype}_{self.rank}d"
