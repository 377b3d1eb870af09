"""Picking and mixing positions against NumPy's indexing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.resample import emit_bilinear, emit_pick, emit_resample
from wasmkiln.ir.dtype import BY_NAME
from wasmkiln.program.kernels.resample import BilinearSpec, PickSpec, ResampleSpec

from tests.backends.wasm.harness import RELAXED, TARGETS, run_kernel

Array = np.ndarray[Any, Any]
SIZES = [1, 2, 3, 4, 5, 7, 8, 16, 17, 35]


@pytest.mark.parametrize("nbytes", [*SIZES, 12, 64, 1500])
def test_pick(nbytes: int) -> None:
    rng = np.random.default_rng(nbytes)
    x = rng.integers(0, 256, (2, 3, 4, nbytes)).astype("u1")
    rows, columns = np.array([0, 0, 2, 1, 2]), np.array([3, 0, 0, 1, 2, 3, 3])
    unit = nbytes if nbytes in (1, 2, 4, 8, 16) else 0
    out = run_kernel(
        emit_pick,
        PickSpec(unit),
        RELAXED,
        [
            np.zeros((2, 5, 7, nbytes), "u1"),
            x,
            (rows * 4 * nbytes).astype("<i4"),
            (columns * nbytes).astype("<i4"),
            *(5, 7, 12 * nbytes, nbytes),
        ],
        10,
        output=0,
        shares=(3, 5),
    )
    np.testing.assert_array_equal(out, x[:, rows][:, :, columns])


def bilinear_table(index: Array, weights: Array, step: int) -> Array:
    """Records of two offsets and two weights."""
    return np.concatenate([(index * step).astype("<i4"), weights.astype("<f4").view("<i4")], 1)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("c", SIZES)
def test_bilinear(c: int, target: Target) -> None:
    rng = np.random.default_rng(c)
    x = rng.normal(size=(2, 3, 4, c)).astype("f")
    rows, columns = rng.integers(0, 3, (5, 2)), rng.integers(0, 4, (7, 2))
    u, v = rng.uniform(size=(5, 2)).astype("f"), rng.uniform(size=(7, 2)).astype("f")
    out = run_kernel(
        emit_bilinear,
        BilinearSpec(),
        target,
        [
            np.zeros((2, 5, 7, c), "f"),
            x,
            bilinear_table(rows, u, 16 * c),
            bilinear_table(columns, v, 4 * c),
            *(5, 7, c, 48 * c),
        ],
        10,
        output=0,
        shares=(1, 7),
    )
    mixed = np.einsum("nhawbc,ha,wb->nhwc", x[:, rows][:, :, :, columns], u, v)
    np.testing.assert_allclose(out, mixed, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("taps", [1, 2, 4, 7])
@pytest.mark.parametrize("inner", SIZES)
def test_resample(inner: int, taps: int, dtype: str, target: Target) -> None:
    t = BY_NAME[dtype]
    rng = np.random.default_rng(inner)
    x = rng.normal(size=(3, 6, inner)).astype(t.full)
    index, weights = rng.integers(0, 6, (5, taps)), rng.normal(size=(5, taps)).astype(t.full)
    step = inner * t.itemsize
    out = run_kernel(
        emit_resample,
        ResampleSpec(t),
        target,
        [
            np.zeros((3, 5, inner), t.full),
            x,
            (index * step).astype("<i4"),
            weights,
            *(5, inner, taps, 6 * step),
        ],
        15,
        output=0,
        shares=(4, 11),
    )
    mixed = np.einsum("noti,ot->noi", x[:, index], weights)
    np.testing.assert_allclose(out, mixed, rtol=1e-5, atol=1e-5)
