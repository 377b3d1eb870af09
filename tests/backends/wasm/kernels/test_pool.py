"""Pooling against a loop over windows, over channels, windows, padding, dilation and dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.pool import emit_pool
from wasmkiln.ir.dtype import BY_NAME, F32
from wasmkiln.ir.expr import arg, clamp
from wasmkiln.ops.pool import Axis, window_axes
from wasmkiln.program.kernels.pool import PoolSpec

from tests.backends.wasm.harness import RELAXED, TARGETS, run_kernel

Array = np.ndarray[Any, Any]


def oracle(kind: str, x: Array, h: Axis, w: Axis) -> Array:
    """x [N, H, W, C]; averages divide by the taps that count."""
    n, _, _, c = x.shape
    out = np.zeros((n, h.out, w.out, c), x.dtype)
    for i in range(h.out):
        rows = [i * h.stride - h.begin + k * h.dilation for k in range(h.window)]
        for j in range(w.out):
            columns = [j * w.stride - w.begin + k * w.dilation for k in range(w.window)]
            taps = [
                x[:, r, s] for r in rows for s in columns if 0 <= r < h.size and 0 <= s < w.size
            ]
            if kind == "max":
                out[:, i, j] = np.max(taps, 0)
            else:
                down = sum(h.counted[0] <= r < h.counted[1] for r in rows)
                across = sum(w.counted[0] <= s < w.counted[1] for s in columns)
                out[:, i, j] = np.sum(taps, 0) / (down * across if kind == "avg" else 1)
    return out


def run(
    spec: PoolSpec, x: Array, h: Axis, w: Axis, target: Target = RELAXED, *extras: Array
) -> Array:
    n, _, _, c = x.shape
    pixel = c * x.itemsize
    row = w.size * pixel
    tables = [np.frombuffer(t, "<i4") for t in (h.records(row), w.records(pixel))]
    out = np.zeros((n, h.out, w.out, c), x.dtype)
    words = [h.out, w.out, c, row, pixel, h.size * row, h.dilation * row, w.dilation * pixel]
    args = [out, x, *tables, *words, *extras]
    units = n * h.out
    result: Array = run_kernel(
        emit_pool, spec, target, args, units, output=0, shares=(units // 2,) if units > 1 else ()
    )
    return result


def image(c: int, size: tuple[int, int] = (9, 11), dtype: str = "f4") -> Array:
    x = np.random.default_rng(c).normal(0, 30, (2, *size, c))
    return (np.abs(x) if dtype == "u1" else x).astype(dtype)


def axes(
    kernel: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    pads: tuple[int, ...] = (0, 0, 0, 0),
    dilations: tuple[int, int] = (1, 1),
    ceil_mode: bool = False,
    include: bool = False,
) -> tuple[Axis, Axis]:
    h, w = window_axes((9, 11), kernel, strides, pads, dilations, "NOTSET", ceil_mode, include)
    return h, w


WINDOWS = [
    axes((3, 3), (2, 2), (1, 1, 1, 1)),
    axes((3, 3), (1, 1), (1, 1, 1, 1), include=True),
    axes((2, 2), (2, 2), ceil_mode=True),
    axes((3, 3), (2, 2), (0, 1, 1, 0), (2, 2), ceil_mode=True, include=True),
    axes((1, 1), (2, 3)),
    axes((5, 2), (3, 1), (2, 0, 2, 1), (1, 3)),
    axes((9, 11)),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("kind", ["max", "avg", "sum"])
@pytest.mark.parametrize("window", range(len(WINDOWS)))
@pytest.mark.parametrize("c", [1, 2, 3, 4, 5, 8, 16, 17, 19, 37])
def test_f32(c: int, window: int, kind: Any, target: Target) -> None:
    h, w = WINDOWS[window]
    x = image(c)
    shape = (h.window, w.window)
    unrolled = shape if shape in ((2, 2), (3, 3)) else None
    out = run(PoolSpec(kind, F32, unrolled), x, h, w, target)
    np.testing.assert_allclose(out, oracle(kind, x, h, w), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", ["i8", "u8", "f64"])
@pytest.mark.parametrize("c", [1, 7, 15, 16, 17, 65])
@pytest.mark.parametrize("unrolled", [(3, 3), None])
def test_largest_of_other_dtypes(unrolled: Any, c: int, dtype: str) -> None:
    h, w = WINDOWS[0]
    t = BY_NAME[dtype]
    x = image(c, dtype=np.dtype(t.full).str[1:])
    out = run(PoolSpec("max", t, unrolled), x, h, w)
    np.testing.assert_array_equal(out, oracle("max", x, h, w))


@pytest.mark.parametrize("c", [1, 3, 6])
def test_mean_of_f64(c: int) -> None:
    h, w = WINDOWS[1]
    x = image(c, dtype="f8")
    out = run(PoolSpec("avg", BY_NAME["f64"], (3, 3)), x, h, w)
    np.testing.assert_allclose(out, oracle("avg", x, h, w), rtol=1e-12)


@pytest.mark.parametrize("c", [1, 3, 4, 18])
def test_epilogue_with_operands(c: int) -> None:
    h, w = WINDOWS[0]
    x = image(c)
    y = oracle("avg", x, h, w)
    full, column, scalar = np.sin(y), np.cos(y[0, 0, 0]), np.array([0.5], "f")
    epilogue = clamp(arg(0) * arg(3) + arg(1), -5, 5) + arg(2)
    spec = PoolSpec("avg", F32, (3, 3), epilogue, ("full", "column", "scalar"))
    out = run(spec, x, h, w, RELAXED, full, column, scalar)
    np.testing.assert_allclose(out, np.clip(y * 0.5 + full, -5, 5) + column, rtol=1e-5, atol=1e-5)
