"""resample: each output position along one or two axes mixes, or picks, positions of the input."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["BilinearSpec", "PickSpec", "ResampleSpec"]


@record
class PickSpec(KernelSpec):
    """out[o, i, j] = x[o, rows[i], columns[j]], where an element is a run of bytes.

    unit: bytes of an element if it is 1, 2, 4, 8 or 16; 0 for any number of them.

    args: out, x, rows, columns (addresses); OH, OW; bytes of an image of x, of an element
    rows, columns: tables of OH and OW offsets in bytes.
    range: rows of the output, outer * OH.
    """

    unit: int

    @property
    def name(self) -> str:
        """`pick` with the element's bytes."""
        return f"pick_{self.unit or 'n'}"


@record
class BilinearSpec(KernelSpec):
    """Each output pixel is a weighted sum of 2x2 input pixels of f32 vectors [H, W, C].

    args: out, x, rows, columns (addresses); OH, OW, C (elements); bytes of an image of x
    rows, columns: tables of OH and OW records: two offsets in bytes, two f32 weights.
    range: rows of the output, outer * OH.
    """

    @property
    def name(self) -> str:
        """`bilinear_f32`."""
        return "bilinear_f32"


@record
class ResampleSpec(KernelSpec):
    """out[o, i] = sum_t weight[i, t] * x[o, index[i, t]], of vectors of `inner` elements.

    args: out, x, index, weights (addresses); out size, inner (elements), T; bytes of x[o]
    index: offsets in bytes, T a position; weights: as many of the dtype.
    range: vectors of the output, outer * out size.
    """

    dtype: DType

    @property
    def name(self) -> str:
        """E.g. `resample_f32`."""
        return f"resample_{self.dtype}"
