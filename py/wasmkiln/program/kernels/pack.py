"""pack: a matrix into panels of columns, zero beyond the last one."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["PackSpec"]


@record
class PackSpec(KernelSpec):
    """out[panel][k][j] = in[k, panel * columns + j], for each matrix of a batch; 4-byte elements.

    columns: of a panel, a multiple of 4.
    transposed: neighbours along k are neighbours in memory, else neighbours along the columns.

    args: out in k n step panels in_batch. step: bytes from row to row of the matrix as it lies in
    memory. range: panels, over the batch.
    """

    columns: int
    transposed: bool

    @property
    def name(self) -> str:
        """E.g. `pack_8_t`."""
        return f"pack_{self.columns}{'_t' if self.transposed else ''}"
