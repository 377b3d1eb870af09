"""scatter: kernels that write elements or rows to places given by indices which are data.

Indices are treated as in the gather kernels. Two may name one place, so that a call must be a
single share.
"""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec, expr_tag

__all__ = ["ScatterElementsSpec", "ScatterNDSpec"]


@record
class ScatterElementsSpec(KernelSpec):
    """target[i.. by strides, plus indices[i..] along an axis] = updates[i..].

    reduce: if given, what is stored is its value for the old element and the update.

    args: target, updates, indices, size of the axis, its stride in bytes; d0 .. d(R-1) (sizes of
    updates and indices, both contiguous); for each dim its stride in bytes in the target, the axis
    not counted.
    range: indices of dim 0.
    """

    itemsize: int
    indices: DType
    rank: int
    reduce: Expr | None = None

    @property
    def name(self) -> str:
        """E.g. `scatter_elements4_i64_2d`."""
        kind = f"_{self.reduce.dtype}" if self.reduce else ""
        tag = f"{self.itemsize}_{self.indices}_{self.rank}d{kind}{expr_tag(self.reduce)}"
        return f"scatter_elements{tag}"


@record
class ScatterNDSpec(KernelSpec):
    """target[indices[r, 0], .., indices[r, depth - 1], :] = updates[r, :].

    itemsize: bytes of an element. reduce: as above, for each element of a row.

    args: target, updates, indices, bytes of a row; for each coordinate the size of its axis, and
    the stride in bytes.
    range: rows of the updates.
    """

    itemsize: int
    indices: DType
    depth: int
    reduce: Expr | None = None

    @property
    def name(self) -> str:
        """E.g. `scatter_nd4_i64_2`."""
        kind = f"_{self.reduce.dtype}" if self.reduce else ""
        tag = f"{self.itemsize}_{self.indices}_{self.depth}{kind}{expr_tag(self.reduce)}"
        return f"scatter_nd{tag}"
