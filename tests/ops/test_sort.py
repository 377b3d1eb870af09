"""TopK against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.options import CompileOptions

from .check import Array, build, check_op, node, run_ours

VARIANTS = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (1, 3)]


def values(*shape: int, dtype: str = "f4") -> Array:
    """Few distinct ones, so that indices of equal elements matter."""
    return np.random.default_rng(shape).integers(-9, 9, shape).astype(dtype)


def top(
    x: Array, k: int, opset: int = 21, fixed: tuple[int, ...] = (1,), **attributes: Any
) -> None:
    check_op("TopK", x, np.array([k]), const=fixed, outputs=2, opset=opset, **attributes)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_attributes(k: int, largest: int, axis: int) -> None:
    top(values(3, 4, 5), k, axis=axis, largest=largest)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 31, 200])
@pytest.mark.parametrize("largest", [0, 1])
def test_every_k(largest: int, n: int) -> None:
    for k in sorted({1, n // 3 or 1, n // 2 or 1, n - 1 or 1, n}):
        top(values(2, n), k, largest=largest)


def test_distinct_values_of_rising_and_falling_lines() -> None:
    line = np.arange(100, dtype=np.float32)
    top(np.stack([line, line[::-1], -line]), 17)


@pytest.mark.parametrize("opset", [10, 11, 13, 24])
def test_versions(opset: int) -> None:
    x = np.random.default_rng(0).permutation(60).reshape(3, 20).astype("f4")
    top(x, 5, opset=opset)


def test_k_as_an_attribute() -> None:
    x = np.random.default_rng(0).permutation(60).reshape(3, 20).astype("f4")
    check_op("TopK", x, outputs=2, opset=9, k=4, axis=1)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
@pytest.mark.parametrize("fixed", [(1,), (0, 1)])
def test_dtypes(fixed: tuple[int, ...], dtype: str) -> None:
    for largest in (0, 1):
        top(values(4, 6, 3, dtype=dtype), 4, fixed=fixed, axis=1, largest=largest)


def test_no_elements() -> None:
    top(values(2, 3), 0)


def test_all_code_variants() -> None:
    x = np.random.default_rng(1).normal(0, 1, (50, 301)).astype("f4")
    check_op("TopK", x, np.array([40]), const=[1], outputs=2, options=VARIANTS)


def test_too_large_k_is_refused() -> None:
    arrays = {"x": values(2, 3), "k": np.array([4])}
    model = build([node("TopK", "x k", "y i")], arrays, {"k"}, ["y", "i"])
    with pytest.raises(ShapeError, match=r"k is 4, axis 1 of f32\[2,3\] has 3 elements"):
        run_ours(model, {"x": arrays["x"]})
