"""Convolutions by their definition, in double precision, channels last."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from wasmkiln.ops.pool import Axis

__all__ = ["axis", "convolve", "deconvolve"]


def axis(size: int, window: int, stride: int = 1, dilation: int = 1, pads: int = 0) -> Axis:
    """The course of a window with equal padding on both sides."""
    out = (size + 2 * pads - (window - 1) * dilation - 1) // stride + 1
    return Axis(size, window, stride, dilation, pads, out, (0, size))


def convolve(x: Any, w: Any, axes: Sequence[Axis], groups: int = 1) -> Any:
    """x [N, spatial..., C], w [filters, C / groups, kernel...]."""
    n, *_, channels = x.shape
    depth, filters = channels // groups, w.shape[0]
    out = np.zeros((n, *(a.out for a in axes), filters))
    places = list(product(*(range(a.out) for a in axes)))
    for tap in product(*(range(a.window) for a in axes)):
        for place in places:
            at = [_source(a, o, k) for a, o, k in zip(axes, place, tap, strict=True)]
            if any(i < 0 or i >= a.size for i, a in zip(at, axes, strict=True)):
                continue
            pixel = x[(slice(None), *at)].astype(np.float64).reshape(n, groups, depth)
            weight = w[(slice(None), slice(None), *tap)].reshape(groups, filters // groups, depth)
            out[(slice(None), *place)] += np.einsum("ngd,gfd->ngf", pixel, weight).reshape(n, -1)
    return out


def deconvolve(x: Any, w: Any, axes: Sequence[Axis], groups: int = 1) -> Any:
    """x [N, spatial..., C], w [C, filters / groups, kernel...]; the axes say size of x and out."""
    n, *_, channels = x.shape
    depth, filters = channels // groups, w.shape[1]
    out = np.zeros((n, *(a.out for a in axes), groups * filters))
    places = list(product(*(range(a.size) for a in axes)))
    for tap in product(*(range(a.window) for a in axes)):
        for place in places:
            at = [_source(a, i, k) for a, i, k in zip(axes, place, tap, strict=True)]
            if any(o < 0 or o >= a.out for o, a in zip(at, axes, strict=True)):
                continue
            pixel = x[(slice(None), *place)].astype(np.float64).reshape(n, groups, depth)
            weight = w[(slice(None), slice(None), *tap)].reshape(groups, depth, filters)
            out[(slice(None), *at)] += np.einsum("ngd,gdf->ngf", pixel, weight).reshape(n, -1)
    return out


def _source(a: Axis, place: int, tap: int) -> int:
    return place * a.stride - a.begin + tap * a.dilation
