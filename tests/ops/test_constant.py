"""Constants, ranges and masks of indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper
from wasmkiln import DataDependentError
from wasmkiln.compiler import compile_model
from wasmkiln.errors import ShapeError

from tests.ops.check import Array, build, check_model, check_op, node


@pytest.mark.parametrize(
    "attributes",
    [
        {"value": numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3))},
        {"value_float": 1.5},
        {"value_floats": [1.5, -2.0]},
        {"value_int": 7},
        {"value_ints": [1, 2, 3]},
    ],
    ids=lambda a: next(iter(a)),
)
def test_constant(attributes: dict[str, Any]) -> None:
    check_op("Constant", **attributes)


def test_large_constant() -> None:
    value = numpy_helper.from_array(np.arange(5000, dtype=np.float32))
    check_model(build([node("Constant", "", "y", value=value)], {}, set(), ["y"], opset=7), {})


@pytest.mark.parametrize("shape", [(2, 3), (), (0, 3), (50, 70)])
def test_constant_of_shape(shape: tuple[int, ...]) -> None:
    dims = np.array(shape, np.int64)
    check_op("ConstantOfShape", dims, const=[0])
    for value in (np.array([7], np.int64), np.array([True]), np.array([2.5], np.float64)):
        check_op("ConstantOfShape", dims, const=[0], value=numpy_helper.from_array(value))


@pytest.mark.parametrize(
    ("start", "limit", "delta"),
    [(0, 10, 3), (10, 0, -3), (5, 5, 1), (3, 0, 1), (0, 5000, 1), (-2, 4000, 2)],
)
@pytest.mark.parametrize("dtype", ["i8", "i4", "f4", "f8"])
def test_range(start: int, limit: int, delta: int, dtype: str) -> None:
    check_op("Range", *(np.array(v, dtype) for v in (start, limit, delta)), const=[0, 1, 2])


def test_range_of_fractions() -> None:
    check_op("Range", *(np.array(v, "f4") for v in (0.5, 3.0, 0.3)), const=[0, 1, 2])


def test_range_to_a_limit_known_at_run_time() -> None:
    check_op("Range", *(np.array(v) for v in (0, 5, 1)), const=[0, 2])


def test_range_of_unknown_length() -> None:
    arrays = {n: np.array(v) for n, v in zip("abc", (0, 5, 1), strict=True)}
    model = build([node("Range", "a b c", "y")], arrays, {"a", "c"}, [])
    with pytest.raises(DataDependentError, match="the length depends on data computed at run"):
        compile_model(model.SerializeToString())


@pytest.mark.parametrize(("limit", "delta"), [(np.nan, 1), (np.inf, 1), (1, np.nan), (1, 0)])
def test_range_without_a_number_of_steps(limit: float, delta: float) -> None:
    arrays = {n: np.array(v, "f4") for n, v in zip("abc", (0, limit, delta), strict=True)}
    model = build([node("Range", "a b c", "y")], arrays, {"a", "b", "c"}, [])
    with pytest.raises(ShapeError, match=r"there is no number of steps|delta is 0"):
        compile_model(model.SerializeToString())


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("k", [0, 1, -2, 9])
def test_eye_like(k: int) -> None:
    check_op("EyeLike", random(3, 5), k=k)
    check_op("EyeLike", random(60, 50), k=k, dtype=7)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [None, 0, 2, -1, -9, 9])
def test_trilu(k: int | None, upper: int) -> None:
    diagonal = None if k is None else np.array(k)
    check_op("Trilu", random(2, 4, 5), diagonal, const=[] if k is None else [1], upper=upper)
    if k is not None:
        check_op("Trilu", random(2, 4, 5), diagonal, upper=upper)
    check_op("Trilu", np.arange(2000).reshape(40, 50), upper=upper)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("dtype", ["i8", "i4", "f4"])
def test_one_hot(dtype: str, axis: int) -> None:
    indices = np.array([[0, 2, -1], [4, -5, 7]]).astype(dtype)
    depth, values = np.array([5]).astype(dtype), np.array([-1, 3], np.float32)
    check_op("OneHot", indices, depth, values, const=[1, 2], axis=axis, opset=11)
    check_op("OneHot", indices, depth, values, const=[1], axis=axis, opset=9)


def test_trilu_by_what_is_no_number() -> None:
    arrays = {"x": random(3, 4), "k": random(3, 4)}
    model = build([node("Trilu", "x k", "y")], arrays, {"k"}, [])
    with pytest.raises(ShapeError, match=r"k is f32\[3,4\], one integer is expected"):
        compile_model(model.SerializeToString())
