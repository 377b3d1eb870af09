"""dot: matrix products of any number type by scalar code."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["DotSpec"]


@record
class DotSpec(KernelSpec):
    """out[m, n] = sum_k a[m, k] * b[k, n] for each matrix of a batch; integers wrap.

    args: out a b m n k k_step n_step a_batch b_batch. Steps are bytes in b, or from matrix to
    matrix. range: rows of the whole batch.
    """

    dtype: DType

    @property
    def name(self) -> str:
        """E.g. `dot_i64`."""
        return f"dot_{self.dtype}"
