"""Sums of the parts of a transposed convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.expr import arg
from wasmkiln.ops.conv_transpose import Col2Im
from wasmkiln.ops.pool import Axis

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.convolution import deconvolve
from tests.backends.wasm.kernels.lowered import run_op


def up(size: int, window: int, stride: int = 1, dilation: int = 1, pad: int = 0) -> Axis:
    """A transposed window with equal padding on both sides, and one more position at the end."""
    out = stride * (size - 1) + (window - 1) * dilation + 2 - 2 * pad
    return Axis(size, window, stride, dilation, pad, out, (0, size))


POINT = Axis(1, 1, 1, 1, 0, 1, (0, 1))
CASES = [
    (POINT, up(3, 3), up(4, 2)),
    (POINT, up(3, 2, 2), up(5, 2, 2)),
    (POINT, up(4, 4, 2, pad=1), up(3, 3, 3, pad=1)),
    (POINT, up(2, 3, 2, dilation=2), up(3, 3, 1, dilation=3, pad=2)),
    (up(2, 2), up(2, 3, 2), up(3, 2, 3, pad=1)),
]


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("axes", CASES)
@pytest.mark.parametrize(("groups", "filters"), [(1, 1), (1, 8), (2, 5), (3, 4)])
def test_sums(target: Target, axes: tuple[Axis, ...], groups: int, filters: int) -> None:
    x = random(2, *(a.size for a in axes), groups * 3)
    w = random(groups * 3, filters, *(a.window for a in axes))
    bias = random(groups * filters)
    taps = w.reshape(groups, 3, filters, -1).astype(np.float64)
    parts = np.einsum("pgd,gdft->pgtf", x.reshape(-1, groups, 3), taps).astype(np.float32)
    op = Col2Im(axes=axes, batch=2, filters=filters, groups=groups, bias=True, epilogue=-arg(0))
    inputs = [parts.reshape(1, parts.shape[0], -1), bias]
    got = run_op(op, inputs, target, shares=3)
    want = -(deconvolve(x, w, axes, groups) + bias)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-5)
