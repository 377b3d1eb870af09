"""softmax: exp(x - max) / sum of that, along rows."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["SoftmaxSpec"]


@record
class SoftmaxSpec(KernelSpec):
    """Softmax or its logarithm of each row of an f32 matrix [M, R]; may run in place.

    log: x - max - log(sum(exp(x - max))) instead.

    args: out, x (addresses); R (elements)
    range: rows.
    """

    log: bool = False

    @property
    def name(self) -> str:
        """`softmax_f32` or `logsoftmax_f32`."""
        return "logsoftmax_f32" if self.log else "softmax_f32"
