"""Winograd's convolution by tiles: borders, blocks, shares, finishes, and how exact it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.expr import arg, call, clamp
from wasmkiln.ops.conv_packed import ConvPacked
from wasmkiln.ops.pool import Axis
from wasmkiln.ops.winograd import Winograd, WinogradFilters
from wasmkiln.program.kernels.winograd import filter_rows

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.convolution import axis, convolve
from tests.backends.wasm.kernels.lowered import lowered_call, run_op
from tests.backends.wasm.kernels.matrices import panels_of

# (channels, filters, height, width, padding): parts of tiles, one tile, no and much padding
CASES = [
    (8, 8, 4, 4, 1),
    (8, 16, 1, 1, 1),
    (16, 8, 7, 5, 1),
    (8, 24, 9, 11, 0),
    (24, 8, 3, 13, 2),
    (16, 16, 6, 8, 3),
]


def filters_of(w: Any, size: int) -> Any:
    """G w Gt of filters [M, C, 3, 3], as panels [side * side, P, C, 8]."""
    g = np.array(filter_rows(size))
    u = np.einsum("ai,mcij,bj->abcm", g, w.astype(np.float64), g)
    return panels_of(u.reshape(-1, w.shape[1], w.shape[0]).astype(np.float32))


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def case_of(
    channels: int, filters: int, height: int, width: int, pads: int, batch: int = 1
) -> tuple[tuple[Axis, Axis], Any, Any]:
    """Axes, input and filters, scaled so that results are around 1."""
    w = random(filters, channels, 3, 3) / np.float32(np.sqrt(9 * channels))
    axes = axis(height, 3, pads=pads), axis(width, 3, pads=pads)
    return axes, random(batch, height, width, channels), w


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize(("filters", "channels"), [(8, 1), (24, 5)])
def test_filters(target: Target, size: int, filters: int, channels: int) -> None:
    w = random(filters, channels, 3, 3)
    got = run_op(WinogradFilters(size=size), [w], target, shares=2)
    np.testing.assert_allclose(got, filters_of(w, size), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("case", CASES)
def test_borders(target: Target, size: int, case: tuple[int, int, int, int, int]) -> None:
    axes, x, w = case_of(*case, batch=2)
    op = Winograd(axes=axes, n=case[1], size=size)
    got = run_op(op, [x, filters_of(w, size)], target)
    np.testing.assert_allclose(got, convolve(x, w, axes), rtol=0, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("shares", [2, 5])
def test_shares(threads: int, shares: int) -> None:
    """Many threads share the panels of few tiles, few threads share the tiles."""
    axes, x, w = case_of(16, 40, 13, 9, 1)
    inputs = [x, filters_of(w, 4)]
    op = Winograd(axes=axes, n=40)
    by_tiles = lowered_call(op, inputs, threads)[0].extent == 12
    assert by_tiles == (threads == 1)
    got = run_op(op, inputs, TARGETS[0], shares, threads, thread=threads - 1)
    np.testing.assert_allclose(got, convolve(x, w, axes), rtol=0, atol=1e-5)


def test_many_tiles_take_several_blocks() -> None:
    axes, x, w = case_of(128, 128, 18, 21, 1)
    got = run_op(Winograd(axes=axes, n=128), [x, filters_of(w, 4)], TARGETS[0], shares=2)
    np.testing.assert_allclose(got, convolve(x, w, axes), rtol=0, atol=2e-5)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("heavy", [False, True])
def test_finish(size: int, heavy: bool) -> None:
    axes, x, w = case_of(16, 24, 7, 10, 1)
    plain = convolve(x, w, axes)
    bias, full, column = random(24), random(*plain.shape), random(1, 24)
    inputs = [x, filters_of(w, size), bias, full, column]
    sums = plain + bias
    if heavy:
        epilogue = call("tanh", arg(0)) * 1.5
        inputs, n_extra, expected = inputs[:3], 0, np.tanh(sums) * 1.5
    else:
        epilogue, n_extra = clamp(arg(0) + arg(1) * arg(2), 0.0, 6.0), 2
        expected = np.clip(sums + full * column[0], 0, 6)
    op = Winograd(axes=axes, n=24, size=size, bias=True, epilogue=epilogue, n_extra=n_extra)
    got = run_op(op, inputs, TARGETS[0])
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("size", "bound"), [(2, 3.0), (4, 8.0)])
@pytest.mark.parametrize("channels", [16, 128])
def test_error_against_the_definition_in_f32(size: int, bound: float, channels: int) -> None:
    """The error is a few times that of sums of products in f32, which is about 1e-7 of them."""
    axes, x, w = case_of(channels, 16, 14, 14, 1)
    exact = convolve(x, w, axes)
    got = run_op(Winograd(axes=axes, n=16, size=size), [x, filters_of(w, size)], TARGETS[0])
    plain = ConvPacked(axes=(axis(1, 1), *axes), n=16)
    packed = panels_of(np.ascontiguousarray(w.transpose(2, 3, 1, 0).reshape(1, -1, 16)))
    by_definition = run_op(plain, [x[:, None], packed], TARGETS[0])
    ours = np.sqrt(np.mean((got - exact) ** 2))
    theirs = np.sqrt(np.mean((by_definition - exact[:, None]) ** 2))
    assert ours < bound * theirs
