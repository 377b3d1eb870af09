"""Places of elements that are not zero: dtypes, ranks and densities against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.nonzero import emit_nonzero
from wasmkiln.ir.dtype import BOOL, F16, F32, F64, I8, I64, U16, DType
from wasmkiln.program.kernels.nonzero import NonZeroSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


def nonzero(x: Any, dtype: DType, target: Target) -> Any:
    """The rows found; those behind them are checked to be zero."""
    out = np.full((x.size, x.ndim), -1, np.int64)
    count = np.full(1, -1, np.int64)
    args = [out, count, x, *x.shape]
    out, count = run_kernel(emit_nonzero, NonZeroSpec(dtype, x.ndim), target, args, 1, (0, 1))
    assert not out[count[0] :].any()
    return out[: count[0]]


@pytest.mark.parametrize("dtype", [BOOL, F16, F32, F64, I8, I64, U16])
@pytest.mark.parametrize("shape", [(1,), (37,), (3, 5), (2, 1, 41), (3, 2, 1, 7)])
def test_places(shape: tuple[int, ...], dtype: DType) -> None:
    rng = np.random.default_rng(len(shape))
    for target, share in itertools.product(TARGETS, (0.1, 0.8)):
        x = (rng.random(shape) < share) * rng.integers(1, 99, shape)
        x = x.astype(dtype.full)
        np.testing.assert_array_equal(nonzero(x, dtype, target), np.argwhere(x))


@pytest.mark.parametrize("value", [0, 1])
def test_none_and_all(value: int) -> None:
    x = np.full((3, 19), value, np.float32)
    np.testing.assert_array_equal(nonzero(x, F32, TARGETS[0]), np.argwhere(x))


@pytest.mark.parametrize("dtype", [F16, F32, F64])
def test_negative_zero_is_zero_and_nan_is_not(dtype: DType) -> None:
    x = np.array([-0.0, np.nan, 0.0, 1e-7, -np.inf, -0.0], dtype.full)
    np.testing.assert_array_equal(nonzero(x, dtype, TARGETS[0])[:, 0], [1, 3, 4])


def test_names_tell_structure() -> None:
    assert NonZeroSpec(F32, 3).name == "nonzero_f32_3d"
