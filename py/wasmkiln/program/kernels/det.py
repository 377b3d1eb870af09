"""det: determinants of square matrices."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["DetSpec"]


@record
class DetSpec(KernelSpec):
    """The determinant of each matrix, computed in f64.

    args: out, x (addresses); n (rows); scratch, share
    A thread needs room for n * n f64.
    range: matrices.
    """

    dtype: DType

    @property
    def name(self) -> str:
        """E.g. `det_f32`."""
        return f"det_{self.dtype}"
