"""onnxruntime's CropAndResize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import F32
from ..ir.expr import Expr, arg, call, const, select
from ..ir.types import TensorType
from .base import MICROSOFT, Op, create, register
from .compose import apply, expand_to, reshape, standard
from .heads import cut
from .movement import constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("CropAndResize", domain=MICROSOFT)
class CropAndResize(Op):
    """Regions of images, each resized to one size; outside of an image lies a given value.

    rois: [R, 4], first and last row and column as parts of the image's size.
    """

    extrapolation_value: float = 0.0
    mode: str = "bilinear"

    def infer(
        self, x: TensorType, rois: TensorType, batch_indices: TensorType, crop_size: TensorType
    ) -> tuple[TensorType, ...]:
        """An image for each region."""
        if self.mode != "bilinear":
            raise UnsupportedOperatorError(f"mode '{self.mode}' is not supported")
        size = constant_ints(crop_size, "the size")
        count = rois.shape[0] if rois.rank else 0
        fits = rois.shape == (count, 4) and batch_indices.shape == (count,)
        if x.rank != 4 or not fits or len(size) != 2 or min(size) < 1 or 0 in x.shape:
            raise ShapeError(f"regions {rois} of size {size} do not suit {x}")
        return (TensorType(x.dtype, (count, x.shape[1], *size)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A GridSample of the images that regions belong to, and the value outside."""
        x, rois, batch_indices, crop_size = inputs
        height, width = constant_ints(g.type(crop_size), "the size")
        count = g.shape(rois)[0]
        y = self._places(g, rois, 0, height, (count, height, 1, 1))
        x_places = self._places(g, rois, 1, width, (count, 1, width, 1))
        pairs = [expand_to(g, p, (count, height, width, 1)) for p in (x_places, y)]
        grid = apply(g, arg(0) * 2.0 - 1.0, standard(g, "Concat", *pairs, axis=3))
        images = standard(g, "Gather", x, batch_indices)
        sample = create("", "GridSample", 16, {"align_corners": True, "padding_mode": "border"})
        inner = g.add(sample, images, grid)
        inside: Expr = call("and", _within(arg(1)), _within(arg(2)))
        return (
            apply(
                g, select(inside, arg(0), const(self.extrapolation_value)), inner,
                reshape(g, y, (count, 1, height, 1)), reshape(g, x_places, (count, 1, 1, width)),
            ),
        )  # fmt: skip

    def _places(
        self, g: GraphBuilder, rois: str, axis: int, size: int, shape: tuple[int, ...]
    ) -> str:
        """Where the rows or columns of each region lie, 0 to 1 being the image."""
        first, last = (cut(g, rois, 1, axis + i, 1) for i in (0, 2))
        if size == 1:
            return reshape(g, apply(g, (arg(0) + arg(1)) * 0.5, first, last), shape)
        steps = g.const(Const.of(F32, (1, size), [i / (size - 1) for i in range(size)]), "steps")
        place = arg(0) + (arg(1) - arg(0)) * arg(2)
        return reshape(g, apply(g, place, first, last, steps), shape)


def _within(place: Expr) -> Expr:
    return call("and", place >= 0.0, place <= 1.0)
