"""roi_align and roi_pool: regions of images reduced to grids of bins."""

from __future__ import annotations

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["RoiAlignSpec", "RoiPoolSpec"]


@record
class RoiAlignSpec(KernelSpec):
    """Each bin's mean (or greatest) of places read between pixels.

    args: out, x, rois, batches (addresses); images, channels, height, width, rows, columns,
          samples (elements); scale, offset (f32)
    out [rois, channels, rows, columns], x [images, channels, height, width], rois [rois, 4] as
    x1, y1, x2, y2, batches [rois] in i64. A bin has samples x samples places; samples 0: as many as
    its size has pixels. at_least_one: regions are a pixel or larger.
    range: bins of all regions.
    """

    dtype: DType
    greatest: bool
    at_least_one: bool

    @property
    def name(self) -> str:
        """E.g. `roi_align_f32_max_free`."""
        size = "whole" if self.at_least_one else "free"
        return f"roi_align_{self.dtype}_{'max' if self.greatest else 'avg'}_{size}"


@record
class RoiPoolSpec(KernelSpec):
    """Each bin's greatest pixel; 0 where a bin has none.

    args: out, x, rois (addresses); images, channels, height, width, rows, columns (elements);
          scale (f32)
    As for RoiAlignSpec, but rois [rois, 5] begin with the image's number.
    range: bins of all regions.
    """

    dtype: DType

    @property
    def name(self) -> str:
        """E.g. `roi_pool_f32`."""
        return f"roi_pool_{self.dtype}"
