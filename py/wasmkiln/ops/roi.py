"""RoiAlign and MaxRoiPool: regions of images reduced to grids of bins."""

from __future__ import annotations

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F32, F64, I64
from ..ir.types import TensorType
from ..program.kernels.roi import RoiAlignSpec, RoiPoolSpec
from ..program.lowering import Lowering
from ..program.program import F32Word, Slot, Word
from .base import Op, register

__all__: list[str] = []

# Elements of the output worth giving to a thread.
GRAIN = 1024


def _check(x: TensorType, rois: TensorType, columns: int, bins: tuple[int, ...]) -> None:
    if x.rank != 4 or rois.rank != 2 or rois.shape[1] != columns or rois.dtype != x.dtype:
        raise ShapeError(f"the regions are {rois} of the images {x}")
    if not x.dtype.is_float:
        raise UnsupportedOperatorError(f"regions of {x.dtype}")
    if min(bins) < 1 or (rois.shape[0] and 0 in (x.shape[0], *x.shape[2:])):
        raise ShapeError(f"{bins[0]} x {bins[1]} bins of the images {x}")


class _RoiAlign(Op):
    """What the versions share: the mean or the greatest of places between pixels, for each bin."""

    mode: str = "avg"
    output_height: int = 1
    output_width: int = 1
    sampling_ratio: int = 0
    spatial_scale: float = 1.0

    def _half_pixel(self) -> bool:
        return False

    def infer(
        self, x: TensorType, rois: TensorType, batch_indices: TensorType
    ) -> tuple[TensorType, ...]:
        """[regions, channels, bins]."""
        bins = (self.output_height, self.output_width)
        _check(x, rois, 4, bins)
        if batch_indices.shape != rois.shape[:1] or batch_indices.dtype != I64:
            raise ShapeError(f"batch_indices are {batch_indices} for the regions {rois}")
        if self.mode not in ("avg", "max"):
            raise UnsupportedOperatorError(f"mode '{self.mode}' is unknown")
        return (TensorType(x.dtype, (rois.shape[0], x.shape[1], *bins)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over the bins of all regions."""
        (x, rois, batches), (out,) = inputs, outputs
        assert x is not None and rois is not None and batches is not None
        assert x.type.dtype in (F32, F64)
        half = self._half_pixel()
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(rois), lw.read(batches)]
        args += [*x.type.shape, self.output_height, self.output_width, max(0, self.sampling_ratio)]
        args += [F32Word(self.spatial_scale), F32Word(0.5 if half else 0.0)]
        spec = RoiAlignSpec(x.type.dtype, self.mode == "max", not half)
        channels = max(1, x.type.shape[1])
        lw.call(spec, args, out.type.size // channels, max(1, GRAIN // channels))


@register("RoiAlign", since=10)
class RoiAlign10(_RoiAlign):
    """Regions whose corners are those of pixels' middles."""


@register("RoiAlign", since=16)
class RoiAlign(_RoiAlign):
    """Regions moved by half a pixel, unless their corners are those of pixels' middles."""

    coordinate_transformation_mode: str = "half_pixel"

    def _half_pixel(self) -> bool:
        if self.coordinate_transformation_mode not in ("half_pixel", "output_half_pixel"):
            name = self.coordinate_transformation_mode
            raise UnsupportedOperatorError(f"coordinate_transformation_mode '{name}' is unknown")
        return self.coordinate_transformation_mode == "half_pixel"


@register("MaxRoiPool", since=1)
class MaxRoiPool(Op):
    """The greatest pixel of each bin of regions, which begin with the number of their image."""

    pooled_shape: tuple[int, ...]
    spatial_scale: float = 1.0

    def infer(self, x: TensorType, rois: TensorType) -> tuple[TensorType, ...]:
        """[regions, channels, bins]."""
        if len(self.pooled_shape) != 2:
            raise ShapeError(f"pooled_shape is {self.pooled_shape}, two sizes are expected")
        _check(x, rois, 5, self.pooled_shape)
        return (TensorType(x.dtype, (rois.shape[0], x.shape[1], *self.pooled_shape)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over the bins of all regions."""
        (x, rois), (out,) = inputs, outputs
        assert x is not None and rois is not None and x.type.dtype in (F32, F64)
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(rois)]
        args += [*x.type.shape, *self.pooled_shape, F32Word(self.spatial_scale)]
        channels = max(1, x.type.shape[1])
        spec = RoiPoolSpec(x.type.dtype)
        lw.call(spec, args, out.type.size // channels, max(1, GRAIN // channels))
