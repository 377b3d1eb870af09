"""topk: the largest or smallest elements along an axis."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["TopKSpec"]


@record
class TopKSpec(KernelSpec):
    """The k best elements of each line, best first, and their i64 indices.

    Of equal elements the one with the lower index is better. NaN is greater than any number.

    args: values, indices, x (addresses); R, k, inner (elements); scratch, share
    A line has R elements in x, and k in the outputs; they lie as in [outer, R, inner]. 0 < k <= R.
    A thread needs room for k words.
    range: lines.
    """

    dtype: DType
    largest: bool

    @property
    def name(self) -> str:
        """E.g. `topk_f32_largest`."""
        return f"topk_{self.dtype}_{'largest' if self.largest else 'smallest'}"
