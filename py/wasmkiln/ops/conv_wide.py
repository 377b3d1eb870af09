"""Convolutions in f64: matrix products with what each tap of the window reads, or adds to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from ..ir.expr import arg
from ..ir.shape import Shape
from .col2im import Col2Im
from .compose import apply, reshape, standard, transpose
from .movement import StridedSlice
from .pool import Axis

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["convolve", "convolve_transposed", "filter_columns"]


def convolve(g: GraphBuilder, x: str, w: str, bias: str, axes: Sequence[Axis], group: int) -> str:
    """Conv of x [N, C, spatial...] and w [M, C / group, kernel...]."""
    batch, channels, *_ = g.shape(x)
    out = tuple(a.out for a in axes)
    reach = [(a.out - 1) * a.stride + (a.window - 1) * a.dilation + 1 for a in axes]
    behind = [max(0, r - a.begin - a.size) for r, a in zip(reach, axes, strict=True)]
    x = standard(g, "Pad", x, g.ints([0, 0, *(a.begin for a in axes), 0, 0, *behind]))
    steps, sizes = (1, 1, *(a.stride for a in axes)), (batch, channels, *out)
    taps = []
    for tap in product(*(range(a.window) for a in axes)):
        starts = (0, 0, *(i * a.dilation for i, a in zip(tap, axes, strict=True)))
        cut = g.add(StridedSlice(starts=starts, steps=steps, sizes=sizes), x)
        taps.append(reshape(g, cut, (batch, channels, 1, prod(out))))
    columns = taps[0] if len(taps) == 1 else standard(g, "Concat", *taps, axis=2)
    return filter_columns(g, columns, w, bias, group, out)


def filter_columns(g: GraphBuilder, columns: str, w: str, bias: str, group: int, out: Shape) -> str:
    """The product of filters and columns [N, C, taps, positions], as [N, M, out...]."""
    batch, channels, taps, positions = g.shape(columns)
    filters, rows = g.shape(w)[0], channels // group * taps
    columns = reshape(g, columns, (batch, group, rows, positions))
    weights = reshape(g, w, (1, group, filters // group, rows))
    y = reshape(g, standard(g, "MatMul", weights, columns), (batch, filters, *out))
    return _with_bias(g, y, bias)


def convolve_transposed(
    g: GraphBuilder, x: str, w: str, bias: str, axes: Sequence[Axis], group: int
) -> str:
    """ConvTranspose of x [N, C, spatial...] and w [C, M / group, kernel...]."""
    batch, channels, *spatial = g.shape(x)
    _, filters, *kernel = g.shape(w)
    rows = channels // group
    weights = reshape(g, w, (1, group, rows, filters * prod(kernel)))
    x = reshape(g, x, (batch, group, rows, prod(spatial)))
    columns = standard(g, "MatMul", transpose(g, weights, (0, 1, 3, 2)), x)
    columns = reshape(g, columns, (batch, group * filters * prod(kernel), prod(spatial)))
    ends = (
        (a.size - 1) * a.stride + (a.window - 1) * a.dilation + 1 - a.begin - a.out for a in axes
    )
    op = Col2Im(
        dilations=tuple(a.dilation for a in axes),
        pads=(*(a.begin for a in axes), *ends),
        strides=tuple(a.stride for a in axes),
    )
    y = g.add(op, columns, g.ints([a.out for a in axes]), g.ints(kernel))
    return _with_bias(g, y, bias)


def _with_bias(g: GraphBuilder, y: str, bias: str) -> str:
    t = g.type(y)
    if not bias:
        return y
    each = reshape(g, bias, (t.shape[1], *(1,) * (t.rank - 2)))
    return apply(g, arg(0, t.dtype) + arg(1, t.dtype), y, each)
