"""Packing of panels, and products by scalar code."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ops.matmul import Dot
from wasmkiln.ops.packed import PackPanels

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.lowered import run_op
from tests.backends.wasm.kernels.matrices import panels_of


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("columns", [4, 8])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("k", [1, 2, 9])
@pytest.mark.parametrize("n", [1, 4, 7, 8, 17])
def test_panels(target: Target, columns: int, transposed: bool, k: int, n: int) -> None:
    b = np.arange(1, 3 * k * n + 1, dtype=np.float32).reshape(3, k, n)
    source = np.ascontiguousarray(b.transpose(0, 2, 1)) if transposed else b
    op = PackPanels(transposed=transposed, columns=columns)
    got = run_op(op, [source], target, shares=2)
    np.testing.assert_array_equal(got, panels_of(b, columns))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("transposed", [False, True])
def test_integer_products_wrap(dtype: str, transposed: bool) -> None:
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    a = rng.integers(info.min, info.max, (2, 3, 5), dtype, endpoint=True)
    b = rng.integers(info.min, info.max, (2, 5, 4), dtype, endpoint=True)
    source = np.ascontiguousarray(b.transpose(0, 2, 1)) if transposed else b
    got = run_op(Dot(transposed=transposed), [a, source], TARGETS[0], shares=2)
    np.testing.assert_array_equal(got, a @ b)


def test_double_products_share_one_left_matrix() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((1, 3, 5)), rng.standard_normal((4, 5, 2))
    got = run_op(Dot(), [a, b], TARGETS[0], shares=3)
    np.testing.assert_allclose(got, a @ b, rtol=1e-12)
