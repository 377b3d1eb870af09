"""Normalization of rows against NumPy in f64, over odd lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.norm import emit_norm
from wasmkiln.program.kernels.norm import NormSpec

from tests.backends.wasm.harness import RELAXED, TARGETS, run_kernel

Array = np.ndarray[Any, Any]

EPSILON = 1e-5


def oracle(spec: NormSpec, x: Array, scale: Array, bias: Array) -> Array:
    wide = x.astype("d")
    centred = wide - wide.mean(-1, keepdims=True) if spec.centred else wide
    y = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    result: Array = y * (scale if spec.scale else 1) + (bias if spec.bias else 0)
    return result


def run(
    spec: NormSpec, x: Array, scale: Array, bias: Array, target: Target, shares: tuple[int, ...]
) -> Array:
    r = x.shape[1]
    vectors = [scale if spec.scale else 0, bias if spec.bias else 0]
    args = [np.zeros_like(x), x, *vectors, r, 1.0 / r, EPSILON]
    result: Array = run_kernel(emit_norm, spec, target, args, len(x), output=0, shares=shares)
    return result


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("r", [1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 64, 127, 768, 1001])
def test_rows(r: int, centred: bool, target: Target) -> None:
    random = np.random.default_rng(r)
    x = random.normal(3, 2, (5, r)).astype("f")
    scale, bias = (random.normal(0, 1, r).astype("f") for _ in range(2))
    for has_scale, has_bias in ((True, True), (True, False), (False, True), (False, False)):
        spec = NormSpec(centred, has_scale, has_bias)
        out = run(spec, x, scale, bias, target, (2, 3))
        np.testing.assert_allclose(out, oracle(spec, x, scale, bias), rtol=1e-5, atol=5e-6)


def test_a_large_mean_does_not_cancel() -> None:
    x = (np.arange(64, dtype="f") + 4096.0).reshape(1, 64)
    spec = NormSpec(True, False, False)
    np.testing.assert_allclose(
        run(spec, x, x[0], x[0], RELAXED, ()), oracle(spec, x, x[0], x[0]), rtol=1e-5
    )


def test_nan_stays_in_its_row() -> None:
    x = np.ones((3, 6), "f")
    x[1, 2] = np.nan
    out = run(NormSpec(True, False, False), x, x[0], x[0], RELAXED, ())
    assert np.isnan(out[1]).all()
    np.testing.assert_array_equal(out[[0, 2]], 0)
