"""Conversions between all pairs of dtypes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import ShapeError

from tests.ops.check import Array, build, check_op, node, run_ours

DTYPES = ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def values(dtype: str, target: str) -> Array:
    """Values of one dtype that another can hold, up to their fraction."""
    if dtype == "?":
        return np.array([True, False, True] * 7)
    low = 0 if "u" in (dtype[0], target[0]) else -100
    x = np.linspace(low, 100, 41)
    if dtype[0] == "f":
        return (x + 0.3).astype(dtype)
    return np.round(x).astype(dtype)


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("source", DTYPES)
def test_cast(source: str, target: str) -> None:
    x = values(source, target)
    to = helper.np_dtype_to_tensor_dtype(np.dtype(target))
    check_op("Cast", x, to=to)
    check_op("Cast", x, to=to, const=[0], opset=13)


@pytest.mark.parametrize("source", ["i4", "i8", "u4", "u8"])
@pytest.mark.parametrize("target", ["i1", "u1", "i2", "i4", "u4", "f4", "f8"])
def test_integers_wrap(source: str, target: str) -> None:
    info = np.iinfo(source)
    x = np.array([info.min, info.max, 255, 256, 128, 65535, 2**31 - 1], source)
    check_op("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(target)))


def test_floats_to_bool() -> None:
    x = np.array([0.0, -0.0, 0.3, np.nan, np.inf, 1e-45], "f4")
    check_op("Cast", x, to=TensorProto.BOOL)


def test_floats_beyond_the_range_do_not_trap() -> None:
    """Saturated here; elsewhere whatever the processor does."""
    x = np.array([1e30, -1e30, np.nan, np.inf, -np.inf, 300.7, -5.5], "f4")
    wanted = {
        TensorProto.INT32: [2**31 - 1, -(2**31), 0, 2**31 - 1, -(2**31), 300, -5],
        TensorProto.UINT8: [255, 0, 0, 255, 0, 255, 0],
        TensorProto.INT64: [2**63 - 1, -(2**63), 0, 2**63 - 1, -(2**63), 300, -5],
    }
    for to, expected in wanted.items():
        model = build([node("Cast", "x", "y", to=to)], {"x": x}, set(), ["y"])
        (y,) = run_ours(model, {"x": x})
        np.testing.assert_array_equal(y.astype(object), expected)


def test_cast_to_half_rounds_to_even() -> None:
    x = np.array([1 + 2**-11, 1 + 3 * 2**-11, 65504, 65519.9, 65520, 2**-25, 1e-8, np.nan], "f4")
    check_op("Cast", x, to=TensorProto.FLOAT16)
    check_op("Cast", x, to=TensorProto.FLOAT16, const=[0])


def test_cast_like() -> None:
    x = np.array([1.5, -2.5], "f4")
    check_op("CastLike", x, np.zeros(3, np.int64))
    check_op("CastLike", x, np.zeros(3, np.int64), const=[1])


def test_bit_cast() -> None:
    x = np.array([1.5, -2.5], "f4")
    model = build([node("BitCast", "x", "y", to=TensorProto.INT32)], {"x": x}, set(), ["y"], 26)
    np.testing.assert_array_equal(run_ours(model, {"x": x})[0], x.view("i4"))
    model = build([node("BitCast", "x", "y", to=TensorProto.INT64)], {"x": x}, set(), ["y"], 26)
    with pytest.raises(ShapeError, match="f32 and i64 have different sizes"):
        run_ours(model, {"x": x})
