"""Det: sizes, batches, singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError

from tests.ops.check import check_op
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 11])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_sizes(n: int, dtype: Any) -> None:
    x = rng.standard_normal((3, n, n))
    (y,) = run_op("Det", x.astype(dtype))
    assert y.dtype == dtype
    want = np.linalg.det(x.astype(dtype).astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(y, want, 1e-12 if dtype == np.float64 else 1e-3)


def test_batches() -> None:
    check_op("Det", rng.standard_normal((2, 3, 4, 4)).astype(np.float32), rtol=1e-4)
    check_op("Det", rng.standard_normal((5, 5)).astype(np.float32), rtol=1e-4)


@pytest.mark.parametrize("opset", [11, 22])
def test_singular(opset: int) -> None:
    x = np.array([[[0, 0], [0, 0]], [[0, 2], [3, 0]], [[1, 2], [2, 4]]], np.float32)
    check_reference("Det", x, opset=opset)


def test_empty() -> None:
    (y,) = run_op("Det", np.zeros((2, 0, 0), np.float32))
    np.testing.assert_array_equal(y, [1, 1])
    (y,) = run_op("Det", np.zeros((0, 3, 3), np.float32))
    assert y.shape == (0,)


def test_matrices_must_be_square() -> None:
    with pytest.raises(ShapeError, match=r"f32\[2,3\] holds no square matrices"):
        run_op("Det", np.zeros((2, 3), np.float32))
