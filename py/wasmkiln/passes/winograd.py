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
from ..ops.winograd import Winograd, WinogradFilters
from ..options import CompileOptions
from ..program.kernels.gemm import NR
from ..program.kernels.winograd import REACH
from .partition import static_values

__all__ = ["tile_size", "use_winograd"]

# What takes the time, in multiply-accumulates, measured in Chromium: to transform an element of a
# patch or of a tile's products, there and back, and to fetch a byte of the filters once for all
# tiles, from a cache that holds them or from further away. Filters grow fourfold for tiles of 4,
# and 16 / 9 times for tiles of 2.
TRANSFORM, FETCH_NEAR, FETCH_FAR = 7, 1.0, 2.1
NEAR_BYTES = 4 << 20

# What each saves must be worth its larger filters, and its rounding.
WORTH = 0.9


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
        size = tile_size(t, b.type(w), axes, options.any_size)
        if not size or w not in static or x in static:
            return None
        new = Winograd(
            axes=(axes[0], axes[1]), n=b.shape(w)[0], size=size, bias=bool(bias),
            epilogue=op.epilogue, n_extra=op.n_extra,
        )  # fmt: skip
        return (b.add(new, x, b.add(WinogradFilters(size=size), w), bias or "", *extras),)

    return rewrite(g, visit)


def tile_size(x: TensorType, w: TensorType, axes: Sequence[Axis], any_size: bool = False) -> int:
    """The size of tiles that is fastest, 4 or 2; 0 for the convolution by its definition.

    any_size: by the filters alone, as all sizes of maps share them.
    """
    if x.dtype != F32 or len(axes) != 2:
        return 0
    if any((a.window, a.stride, a.dilation) != (3, 1, 1) for a in axes):
        return 0
    filters, channels = w.shape[:2]
    if filters % NR or channels % NR:
        return 0
    if any_size:
        return 4 if 4 * 36 * filters * channels <= NEAR_BYTES else 2
    height, width = (a.out for a in axes)
    best, chosen = _cost(9, filters, channels, x.shape[0] * height * width), 0
    for size in (2, 4):
        tiles = x.shape[0] * -(-height // size) * -(-width // size)
        values = (size + REACH) ** 2
        cost = _cost(values, filters, channels, tiles)
        cost += TRANSFORM * values * tiles * (filters + channels)
        if cost < WORTH * best:
            best, chosen = cost, size
    return chosen


def _cost(values: int, filters: int, channels: int, rows: int) -> float:
    """Of products of rows with as many matrices of filters as there are values."""
    size = values * filters * channels
    fetch = FETCH_NEAR if 4 * size <= NEAR_BYTES else FETCH_FAR
    return size * (rows + 4 * fetch)
