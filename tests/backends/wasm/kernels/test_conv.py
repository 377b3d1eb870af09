"""Dense and grouped convolution, through pointers and copied patches, by pixels and by panels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.expr import arg, clamp
from wasmkiln.ops.conv_packed import ConvPacked
from wasmkiln.ops.pool import Axis

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.convolution import axis, convolve
from tests.backends.wasm.kernels.lowered import lowered_call, run_op
from tests.backends.wasm.kernels.matrices import panels_of

POINT = axis(1, 1)

# (channels, filters, groups, axes): tails of channels, filters and pixels, all kinds of windows
CASES = [
    (1, 1, 1, (POINT, axis(5, 3), axis(6, 3))),
    (3, 9, 1, (POINT, axis(9, 3, 2, pads=1), axis(11, 3, 2, pads=1))),
    (3, 17, 1, (POINT, axis(7, 5, pads=2), axis(5, 5, pads=2))),
    (4, 8, 1, (POINT, axis(4, 3, dilation=2, pads=2), axis(9, 3, dilation=2, pads=2))),
    (8, 8, 1, (POINT, axis(3, 3, pads=1), axis(3, 3, pads=1))),
    (13, 21, 1, (POINT, axis(6, 3, pads=1), axis(7, 2))),
    (12, 10, 2, (POINT, axis(5, 3, pads=1), axis(5, 3, pads=1))),
    (9, 27, 9, (POINT, axis(4, 2), axis(4, 3, 3, pads=1))),
    (8, 5, 1, (axis(4, 2, pads=1), axis(3, 3, pads=1), axis(5, 2, 2))),
    (16, 8, 1, (POINT, axis(7, 1, 2), axis(7, 1, 2))),
    (8, 3, 1, (POINT, POINT, axis(20, 7, 2, pads=5))),
]


def packed_filters(w: Any, groups: int) -> Any:
    """Filters [filters, C / groups, kernel...] as panels, K running over taps, then channels."""
    filters = w.shape[0]
    rows = np.moveaxis(w, 1, -1).reshape(groups, filters // groups, -1)
    return panels_of(np.ascontiguousarray(rows.transpose(0, 2, 1)))


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def operands(
    channels: int, filters: int, groups: int, axes: tuple[Axis, ...], batch: int
) -> tuple[Any, Any]:
    """The input and the filters of a case."""
    x = random(batch, *(a.size for a in axes), channels)
    return x, random(filters, channels // groups, *(a.window for a in axes))


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize(("channels", "filters", "groups", "axes"), CASES)
def test_windows(
    target: Target, channels: int, filters: int, groups: int, axes: tuple[Axis, ...]
) -> None:
    x, w = operands(channels, filters, groups, axes, batch=2)
    op = ConvPacked(axes=axes, n=filters // groups, groups=groups)
    got = run_op(op, [x, packed_filters(w, groups)], target)
    np.testing.assert_allclose(got, convolve(x, w, axes, groups), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("shares", [2, 5])
@pytest.mark.parametrize("case", [1, 5, 6])
def test_shares(threads: int, shares: int, case: int) -> None:
    """Several threads split so few pixels by panels, one by pixels."""
    channels, filters, groups, axes = CASES[case]
    x, w = operands(channels, filters, groups, axes, batch=1)
    op = ConvPacked(axes=axes, n=filters // groups, groups=groups)
    inputs = [x, packed_filters(w, groups)]
    got = run_op(op, inputs, TARGETS[0], shares, threads, thread=threads - 1)
    np.testing.assert_allclose(got, convolve(x, w, axes, groups), rtol=1e-5, atol=2e-5)


def test_many_pixels_take_several_blocks() -> None:
    axes = (POINT, axis(70, 3, pads=1), axis(70, 3, pads=1))
    for channels in (3, 8):
        x, w = operands(channels, 8, 1, axes, batch=1)
        op = ConvPacked(axes=axes, n=8)
        packed = packed_filters(w, 1)
        call, _, _ = lowered_call(op, [x, packed])
        assert call.extent == 4900
        got = run_op(op, [x, packed], TARGETS[0], shares=3)
        np.testing.assert_allclose(got, convolve(x, w, axes), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("case", [1, 5, 6])
def test_finish(case: int) -> None:
    channels, filters, groups, axes = CASES[case]
    x, w = operands(channels, filters, groups, axes, batch=1)
    plain = convolve(x, w, axes, groups)
    bias, full = random(filters), random(*plain.shape)
    op = ConvPacked(
        axes=axes, n=filters // groups, groups=groups, bias=True,
        epilogue=clamp(arg(0) + arg(1), 0.0, 6.0), n_extra=1,
    )  # fmt: skip
    got = run_op(op, [x, packed_filters(w, groups), bias, full], TARGETS[0])
    np.testing.assert_allclose(got, np.clip(plain + bias + full, 0, 6), rtol=1e-5, atol=2e-5)
