"""gather: kernels that pick elements or rows by indices which are data.

An index counts from the end if it is negative. One outside of the axis is clamped into it, and the
word at address 16 is set to 1, so that the host can raise an error after the run.
"""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["STATUS_ADDRESS", "GatherElementsSpec", "GatherNDSpec", "GatherSpec"]

STATUS_ADDRESS = 16


@record
class GatherSpec(KernelSpec):
    """target[o, i, :] = source[o, indices[i], :].

    itemsize: bytes of a row where rows are single elements, else 0. indices: i32 or i64.

    args: target, source, indices, number of indices, size of the axis, bytes of a row.
    range: rows of the target, (o, i) counted row-major.
    """

    itemsize: int
    indices: DType

    @property
    def name(self) -> str:
        """E.g. `gather_rows_i64`, `gather4_i32`."""
        return f"gather{self.itemsize or '_rows'}_{self.indices}"


@record
class GatherElementsSpec(KernelSpec):
    """target[i..] = source[i.. by strides, plus indices[i..] along an axis].

    args: target, source, indices, size of the axis, its stride in bytes; d0 .. d(R-1) (sizes of
    target and indices, both contiguous); for each dim its stride in bytes in the source, the axis
    not counted.
    range: indices of dim 0.
    """

    itemsize: int
    indices: DType
    rank: int

    @property
    def name(self) -> str:
        """E.g. `gather_elements4_i64_2d`."""
        return f"gather_elements{self.itemsize}_{self.indices}_{self.rank}d"


@record
class GatherNDSpec(KernelSpec):
    """target[r, :] = source[batch of r][indices[r, 0], .., indices[r, depth - 1], :].

    itemsize: bytes of a row where rows are single elements, else 0.

    args: target, source, indices, target rows per batch, bytes of a batch in the source, bytes of
    a row; for each coordinate the size of its axis, and the stride in bytes.
    range: rows of the target.
    """

    itemsize: int
    indices: DType
    depth: int

    @property
    def name(self) -> str:
        """E.g. `gather_nd4_i64_2`."""
        return f"gather_nd{self.itemsize or '_rows'}_{self.indices}_{self.depth}"
