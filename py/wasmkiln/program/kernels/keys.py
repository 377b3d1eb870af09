"""keys: which of a list of numbers each element equals."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["KeysSpec"]


@record
class KeysSpec(KernelSpec):
    """out[i] = places[k] where keys[k] equals x[i], as i64; found by bisection.

    args: out, x, keys (addresses); places (address, i32); count, absent, nan
    keys: rising, without NaN. absent, nan: what stands for an element that equals none, or is NaN.
    range: elements.
    """

    dtype: DType

    @property
    def name(self) -> str:
        """E.g. `keys_i64`."""
        return f"keys_{self.dtype}"
