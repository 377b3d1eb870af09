"""distance: squared Euclidean distances between the rows of two matrices."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["DistanceSpec"]


@record
class DistanceSpec(KernelSpec):
    """out[n, s] = sum over f of (a[n, f] - b[s, f])^2, of f32.

    The differences are formed: squares of large numbers would cancel.

    args: out, a, b (addresses); S, F (elements)
    range: rows of a.
    """

    @property
    def name(self) -> str:
        """`distance_f32`."""
        return "distance_f32"
