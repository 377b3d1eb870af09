"""fft: the discrete Fourier transform of lines of complex numbers."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["FftSpec"]


@record
class FftSpec(KernelSpec):
    """out[j] = sum over i of x[i] * w^(i j), w = e^(-2 pi i / n), or its inverse without 1 / n.

    args: out, x, roots, factors (addresses); count, n (elements); scratch, share
    Numbers are pairs of `dtype`. `roots` holds the n powers of w, also for the inverse; `factors`
    the `count` i32 factors whose product is n. A thread needs room for n numbers.
    range: lines of n numbers.
    """

    dtype: DType
    inverse: bool

    @property
    def name(self) -> str:
        """E.g. `fft_f32_forward`."""
        return f"fft_{self.dtype}_{'inverse' if self.inverse else 'forward'}"
