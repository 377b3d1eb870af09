"""Attention whose values or mask have another dtype than its queries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.reference import run_op

rng = np.random.default_rng(0)
Q, K = (rng.standard_normal((2, 2, n, 5)).astype(np.float32) for n in (3, 4))
V = rng.standard_normal((2, 2, 4, 6))


@pytest.mark.parametrize("dtypes", [("f4", "f8"), ("f8", "f4"), ("f2", "f8"), ("f2", "f4")])
def test_values_of_another_dtype(dtypes: tuple[str, str]) -> None:
    q, k, v = Q.astype(dtypes[0]), K.astype(dtypes[0]), V.astype(dtypes[1])
    y, key, value = run_op("Attention", q, k, v, run_time=(0, 1, 2), outputs=3, opset=23)
    (want,) = run_op("Attention", Q, K, V.astype("f4"), opset=23)
    assert (y.dtype, key.dtype, value.dtype) == (q.dtype, k.dtype, v.dtype)
    np.testing.assert_allclose(y, want, 1e-2, 1e-2 if dtypes[0] == "f2" else 1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float64, np.float16])
def test_masks_of_another_dtype(dtype: Any) -> None:
    mask = rng.integers(0, 5, (3, 4))
    v = V.astype(np.float32)
    (y,) = run_op("Attention", Q, K, v, mask.astype(dtype), run_time=(0, 3), opset=23)
    (want,) = run_op("Attention", Q, K, v, mask.astype(np.float32), run_time=(0, 3), opset=23)
    np.testing.assert_allclose(y, want, 1e-5, 1e-6)
