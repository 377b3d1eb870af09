"""Let 3 by 3 convolutions that are large enough run after Winograd."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder, rewrite
from ..ir.dtype import F32
from ..ir.graph import Graph, Node
from ..ir.types import TensorType
from ..ops.conv import Conv
from ..ops.epilogue import split_inputs
from ..ops.pool import Axis
from ..ops.winograd import Winograd, transformed_filters
from ..options import CompileOptions
from ..program.kernels.gemm import NR
from ..program.kernels.winograd import REACH
from .partition import static_values

__all__ = ["tile_size", "use_winograd"]

# Below, the transforms cost as much as they save.
LEAST_CHANNELS = 16

# The filters, which grow fourfold for tiles of 4 and 16 / 9 times for tiles of 2, pass by once for
# all tiles: few tiles suffice if the caches hold them, else many have to share the time.
NEAR_BYTES = 4 << 20
FEW_TILES, MANY_TILES = 4, 24


def use_winograd(g: Graph, options: CompileOptions) -> Graph:
    """Replace the convolutions for which `tile_size` has one; filters must be constant."""
    if not options.winograd:
        return g
    static = static_values(g)

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        op = node.op
        if type(op) is not Conv or not op.channels_last or op.group != 1:
            return None
        (x, w, bias), extras = split_inputs(node.inputs, op.n_extra, 3)
        assert x and w
        t = b.type(x)
        axes = op.axes(t, b.type(w))
        size = tile_size(t, b.type(w), axes)
        if not size or w not in static or x in static:
            return None
        new = Winograd(
            axes=(axes[0], axes[1]), n=b.shape(w)[0], size=size, bias=bool(bias),
            epilogue=op.epilogue, n_extra=op.n_extra,
        )  # fmt: skip
        return (b.add(new, x, transformed_filters(b, w, size), bias or "", *extras),)

    return rewrite(g, visit)


def tile_size(x: TensorType, w: TensorType, axes: Sequence[Axis]) -> int:
    """The size of tiles that is fastest, 4 or 2; 0 for the convolution by its definition.

    Measured in Chromium: tiles of 4 are 1.5 to 3.3 times as fast as the definition for 16 and more
    channels on maps from 6 by 6 on, tiles of 2 up to 1.9 times.
    """
    if x.dtype != F32 or len(axes) != 2:
        return 0
    if any((a.window, a.stride, a.dilation) != (3, 1, 1) for a in axes):
        return 0
    filters, channels = w.shape[:2]
    if filters % NR or channels % NR or min(filters, channels) < LEAST_CHANNELS:
        return 0
    height, width = (a.out for a in axes)
    for size in (4, 2):
        products = (size + REACH) ** 2
        tiles = x.shape[0] * -(-height // size) * -(-width // size)
        halved = 9 * x.shape[0] * height * width >= 2 * products * tiles
        near = 4 * products * filters * channels <= NEAR_BYTES
        if halved and tiles >= (FEW_TILES if near else MANY_TILES):
            return size
    return 0
