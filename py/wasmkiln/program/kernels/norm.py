"""norm: rows divided by their deviation from the mean, or by the root of their mean square."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["NormSpec"]


@record
class NormSpec(KernelSpec):
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, for each row of an f32 matrix [M, R].

    centred: as above; else the mean counts as 0, which makes the variance the mean square.
    scale, bias: whether there are such vectors, of R elements. May run in place.

    args: out, x, scale, bias (addresses); R (elements); 1 / R, epsilon (floats)
    range: rows.
    """

    centred: bool
    scale: bool
    bias: bool

    @property
    def name(self) -> str:
        """E.g. `layernorm_f32_sb`."""
        vectors = "s" * self.scale + "b" * self.bias
        return f"{'layer' if self.centred else 'rms'}norm_f32{vectors and '_' + vectors}"
