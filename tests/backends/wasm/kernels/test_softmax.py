"""Softmax against NumPy in f64, over odd lengths and extreme values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.softmax import emit_softmax
from wasmkiln.program.kernels.softmax import SoftmaxSpec

from tests.backends.wasm.harness import RELAXED, TARGETS, run_kernel

Array = np.ndarray[Any, Any]


def oracle(x: Array, log: bool) -> Array:
    shifted = x.astype("d") - x.max(-1, keepdims=True)
    total = np.exp(shifted).sum(-1, keepdims=True)
    result: Array = shifted - np.log(total) if log else np.exp(shifted) / total
    return result


def run(x: Array, log: bool, target: Target, shares: tuple[int, ...] = ()) -> Array:
    args = [np.zeros_like(x), x, x.shape[1]]
    result: Array = run_kernel(
        emit_softmax, SoftmaxSpec(log), target, args, x.shape[0], output=0, shares=shares
    )
    return result


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("r", [1, 2, 3, 4, 5, 7, 8, 17, 127, 1000, 1001])
def test_rows(r: int, log: bool, target: Target) -> None:
    x = np.random.default_rng(r).normal(0, 5, (5, r)).astype("f")
    np.testing.assert_allclose(run(x, log, target, (2, 3)), oracle(x, log), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("log", [False, True])
def test_large_values_do_not_overflow(log: bool) -> None:
    x = np.array([[1e30, 1e30, -1e30, 88.0, -104.0], [-1e4, -1e4 - 1, -1e4, -3e38, -1e4]], "f")
    np.testing.assert_allclose(run(x, log, RELAXED), oracle(x, log), rtol=2e-6)


def test_minus_infinity_has_probability_zero_and_nan_spreads() -> None:
    x = np.array([[0, -np.inf, 0, 1, 2], [0, np.nan, 1, 2, 3]], "f")
    out = run(x, False, RELAXED)
    assert out[0, 1] == 0
    np.testing.assert_allclose(out[0].sum(), 1, rtol=1e-6)
    assert np.isnan(out[1]).all()
