"""Depthwise convolution: tiles and the general form, tails of channels, borders, shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.dtype import I16
from wasmkiln.ir.expr import arg, call, cast, clamp
from wasmkiln.ops.conv_packed import Depthwise
from wasmkiln.ops.pool import Axis

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.convolution import axis, convolve
from tests.backends.wasm.kernels.lowered import lowered_call, run_op
from tests.backends.wasm.kernels.matrices import panels_of

TILED = [
    (axis(5, 3, pads=1), axis(7, 3, pads=1)),
    (axis(6, 3, pads=1), axis(14, 3, pads=1)),
    (axis(4, 3, pads=1), axis(23, 3, pads=1)),
    (axis(9, 3, 2, pads=1), axis(29, 3, 2, pads=1)),
    (axis(5, 5, pads=2), axis(5, 5, pads=2)),
    (axis(8, 5, 2, pads=2), axis(17, 5, 2, pads=2)),
    (axis(3, 2), axis(4, 4)),
    (axis(1, 1), axis(12, 7, pads=3)),
    (axis(5, 3, 3, 2, pads=2), axis(10, 3, 3)),
    (axis(1, 3, pads=1), axis(2, 3, pads=1)),
    (axis(2, 5, pads=4), axis(2, 5, pads=4)),
]
GENERAL = [
    (axis(7, 3, pads=2), axis(9, 3, dilation=2, pads=2)),
    (axis(3, 3, pads=1), axis(30, 13, pads=6)),
    (axis(1, 3, pads=3), axis(1, 3, pads=3)),
]


def packed_filters(w: Any) -> Any:
    """Filters [C, 1, kh, kw] as [1, ceil(C / 4), taps, 4]."""
    rows = w.reshape(1, w.shape[0], -1)
    return panels_of(np.ascontiguousarray(rows.transpose(0, 2, 1)), 4)


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def operands(channels: int, axes: tuple[Axis, Axis], batch: int = 1) -> tuple[Any, Any]:
    """The input and the filters of a case."""
    x = random(batch, axes[0].size, axes[1].size, channels)
    return x, random(channels, 1, axes[0].window, axes[1].window)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("channels", [1, 4, 7, 12])
@pytest.mark.parametrize("axes", TILED + GENERAL)
def test_windows(target: Target, channels: int, axes: tuple[Axis, Axis]) -> None:
    x, w = operands(channels, axes, batch=2)
    got = run_op(Depthwise(axes=axes), [x, packed_filters(w)], target)
    np.testing.assert_allclose(got, convolve(x, w, axes, channels), rtol=1e-5, atol=2e-5)


def test_which_windows_are_tiled() -> None:
    for axes in TILED + GENERAL:
        x, w = operands(4, axes)
        call, _, _ = lowered_call(Depthwise(axes=axes), [x, packed_filters(w)])
        assert ("_any" in call.kernel.name) == (axes in GENERAL), call.kernel.name


@pytest.mark.parametrize("shares", [2, 3, 7])
def test_blocks_of_channels_and_shares(shares: int) -> None:
    """So many channels that they take several blocks, the last one not full."""
    axes = TILED[0]
    x, w = operands(1030, axes)
    call, _, _ = lowered_call(Depthwise(axes=axes), [x, packed_filters(w)])
    assert call.extent > axes[0].out
    got = run_op(Depthwise(axes=axes), [x, packed_filters(w)], TARGETS[0], shares, 2, thread=1)
    np.testing.assert_allclose(got, convolve(x, w, axes, 1030), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("axes", [TILED[2], GENERAL[0]])
@pytest.mark.parametrize("channels", [6, 8])
def test_finish(axes: tuple[Axis, Axis], channels: int) -> None:
    x, w = operands(channels, axes)
    plain = convolve(x, w, axes, channels)
    bias, full, column = random(channels), random(*plain.shape), random(1, 1, channels)
    epilogue = clamp((arg(0) + arg(1)) * arg(2), -1.0, 1.0)
    op = Depthwise(axes=axes, bias=True, epilogue=epilogue, n_extra=2)
    got = run_op(op, [x, packed_filters(w), bias, full, column], TARGETS[0])
    want = np.clip((plain + bias + full) * column, -1, 1)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("axes", [TILED[2], GENERAL[0]])
@pytest.mark.parametrize("channels", [6, 8])
def test_heavy_finish(axes: tuple[Axis, Axis], channels: int) -> None:
    x, w = operands(channels, axes)
    column = random(channels)
    op = Depthwise(axes=axes, epilogue=call("tanh", arg(0) + arg(1)), n_extra=1)
    got = run_op(op, [x, packed_filters(w), None, column], TARGETS[0])
    want = np.tanh(convolve(x, w, axes, channels) + column)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("axes", [*TILED, GENERAL[0]])
@pytest.mark.parametrize("channels", [3, 4, 12])
def test_integers(target: Target, axes: tuple[Axis, Axis], channels: int) -> None:
    rng = np.random.default_rng(channels)
    x = rng.integers(-255, 256, (2, axes[0].size, axes[1].size, channels)).astype(np.int16)
    w = rng.integers(-127, 128, (channels, 1, axes[0].window, axes[1].window)).astype(np.float32)
    sums = convolve(x, w, axes, channels)
    packed = packed_filters(w)
    got = run_op(Depthwise(axes=axes, integer=True), [x, packed], target)
    np.testing.assert_array_equal(got, sums)
    if channels % 4 == 0:
        scales = rng.random(channels, np.float32) / 100
        steps = cast(clamp(call("round", arg(0) * arg(1)), -128, 127), I16)
        op = Depthwise(axes=axes, integer=True, epilogue=steps, n_extra=1)
        got = run_op(op, [x, packed, None, scales], target)
        assert got.dtype == np.int16
        want = np.clip(np.round(sums.astype(np.float32) * scales), -128, 127)
        np.testing.assert_array_equal(got, want)
