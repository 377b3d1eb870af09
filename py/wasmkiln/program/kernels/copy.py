"""copy, transpose, iota: kernels that move elements or write known ones."""

from __future__ import annotations

from typing import ClassVar

from ...record import record
from .base import KernelSpec

__all__ = ["CopySpec", "IotaSpec", "TransposeSpec"]


@record
class CopySpec(KernelSpec):
    """target[i0, .., i(R-1)] = source[i0, .., i(R-1)] by byte strides; target rows are contiguous.

    itemsize: bytes per element. rank: R >= 1.
    inner: how the source advances along the last dim: 'c' contiguous, 'b' one element for all,
    's' strided.

    args: target, source; d0 .. d(R-1) (sizes); for each dim but the last its strides in bytes in
    target and source; where inner is 's', the source's stride along the last dim.
    range: indices of dim 0.
    """

    itemsize: int
    rank: int
    inner: str

    @property
    def name(self) -> str:
        """E.g. `copy4_2d_c`."""
        return f"copy{self.itemsize}_{self.rank}d_{self.inner}"


@record
class TransposeSpec(KernelSpec):
    """target[o.., m, n] = source[o.., n, m] for 4-byte elements, by tiles.

    Along m the source is contiguous, along n the target is.
    outer: number of further dims, which may lie anywhere in memory.

    args: target, source, M, N, target's stride along m, source's stride along n (bytes); for each
    outer dim its size, and its strides in bytes in target and source.
    range: indices m.
    """

    TILE: ClassVar[int] = 16  # indices m that a share starts at a multiple of, for speed

    outer: int

    @property
    def name(self) -> str:
        """E.g. `transpose4_1`."""
        return f"transpose4_{self.outer}"


@record
class IotaSpec(KernelSpec):
    """target[i] = i, in i64.

    args: target. range: elements.
    """

    @property
    def name(self) -> str:
        """`iota`."""
        return "iota"
