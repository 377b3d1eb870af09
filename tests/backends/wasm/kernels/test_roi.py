"""Bins of regions, in shares as threads would compute them, against plain loops."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.dtype import F32, F64
from wasmkiln.ops.roi import MaxRoiPool, RoiAlign10
from wasmkiln.program.kernels.roi import RoiAlignSpec, RoiPoolSpec

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.lowered import run_op

X = np.random.default_rng(0).standard_normal((2, 3, 7, 5))
ROIS = np.array([[0, 0, 4, 6], [1.2, 0.4, 3.1, 5.9], [-3, 2, 9, 4]])
BATCHES = np.array([1, 0, 1], np.int64)


def between(plane: Any, y: float, x: float) -> float:
    """A place between pixels, by the definition."""
    rows, columns = plane.shape
    if not (-1 <= y <= rows and -1 <= x <= columns):
        return 0.0
    y, x = min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)
    top, left = floor(y), floor(x)
    bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
    v, h = y - top, x - left
    upper = plane[top, left] * (1 - h) + plane[top, right] * h
    return float(upper * (1 - v) + (plane[bottom, left] * (1 - h) + plane[bottom, right] * h) * v)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shares", [1, 5])
def test_means(shares: int, dtype: Any, target: Target) -> None:
    op = RoiAlign10(output_height=2, output_width=3, sampling_ratio=2)
    got = run_op(op, [X.astype(dtype), ROIS.astype(dtype), BATCHES], target, shares)
    for r, (x1, y1, x2, y2) in enumerate(ROIS):
        high, wide = max(y2 - y1, 1) / 4, max(x2 - x1, 1) / 6  # a sample's part of the region
        for c, i, j in np.ndindex(3, 2, 3):
            places = [
                (y1 + (2 * i + v + 0.5) * high, x1 + (2 * j + h + 0.5) * wide)
                for v in (0, 1)
                for h in (0, 1)
            ]
            want = np.mean([between(X[BATCHES[r], c], *p) for p in places])
            assert got[r, c, i, j] == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("shares", [1, 4])
def test_greatest_pixels(shares: int, target: Target) -> None:
    rois = np.concatenate([BATCHES[:, None], np.round(ROIS)], 1).astype(np.float32)
    op = MaxRoiPool(pooled_shape=(3, 2))
    got = run_op(op, [X.astype(np.float32), rois], target, shares)
    for r, (n, x1, y1, x2, y2) in enumerate(rois.astype(int)):
        high, wide = (y2 - y1 + 1) / 3, (x2 - x1 + 1) / 2
        for c, i, j in np.ndindex(3, 3, 2):
            rows = slice(max(0, y1 + floor(i * high)), max(0, y1 + ceil((i + 1) * high)))
            columns = slice(max(0, x1 + floor(j * wide)), max(0, x1 + ceil((j + 1) * wide)))
            part = X[n, c, rows, columns]
            want = part.max() if part.size else 0
            assert got[r, c, i, j] == pytest.approx(want, abs=1e-6)


def test_names_tell_structure() -> None:
    assert RoiAlignSpec(F32, True, False).name == "roi_align_f32_max_free"
    assert RoiPoolSpec(F64).name == "roi_pool_f64"
