"""Casts from and to strings against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import InvalidInputError, UnsupportedOperatorError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import BF16, BY_NAME, F32
from wasmkiln.ops.cast_string import CastStrings

from .check import build, check_op, node, run_ours

FLOATS = (3.14, 1 / 3, 1e-5, 1e-4, 123456789, 1e20, 0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45)
NUMBERS = "3.14 1e-5 1E8 +INF INF -INF NaN nan -0 +5 .5 5. infinity -nan 65504 1e-9"
FLOATS += (100.5, 0.1, 1e7, 1e8, 2.5e-8, -6.0, 16777217)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_floats_to_strings(dtype: str) -> None:
    with np.errstate(over="ignore"):
        x = np.array(FLOATS).astype(dtype)
    check_op("Cast", x, to=TensorProto.STRING)
    check_op("Cast", x[:1], to=TensorProto.STRING, const=[0])
    check_op("CastLike", x, np.array(["like"], object))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
def test_integers_to_strings(dtype: str) -> None:
    x = np.array([0, 1, 100, 1 if dtype == "?" else np.iinfo(dtype).max], dtype)
    check_op("Cast", x.reshape(2, 2), to=TensorProto.STRING)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_strings_to_floats(dtype: str) -> None:
    x = np.array([*NUMBERS.split(), " 12", "12 "], object)
    to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    check_op("Cast", x, to=to)
    check_op("CastLike", x, np.zeros(3, dtype), opset=19)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
def test_strings_to_integers(dtype: str) -> None:
    x = np.array(["0", "1", "-7", "+5", "300", "99999999999", "100.5", " 2 ", "-0"], object)
    check_op("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def test_between_compiled_parts() -> None:
    """What is computed becomes strings and numbers again."""
    nodes = [
        node("Add", "x x", "a"),
        node("Cast", "a", "s", to=TensorProto.STRING),
        node("Cast", "s", "b", to=TensorProto.FLOAT),
        node("Neg", "b", "y"),
    ]
    x = np.array([1.5, -2.25], "f4")
    (y,) = run_ours(build(nodes, {"x": x}, set(), ["y"]), {"x": x})
    np.testing.assert_array_equal(y, -2 * x)


def test_the_first_version_names_dtypes() -> None:
    x = np.array([1.5, -2.0], "f4")
    for name, dtype in (("DOUBLE", "f8"), ("INT32", "i4"), ("STRING", "O")):
        model = build([node("Cast", "x", "y", to=name)], {"x": x}, set(), ["y"], opset=5)
        (y,) = run_ours(model, {"x": x})
        expected = ["1.5", "-2"] if name == "STRING" else x.astype(dtype)
        np.testing.assert_array_equal(y, expected)
    with pytest.raises(UnsupportedOperatorError, match="conversion to 'DOZEN' is not supported"):
        run_ours(build([node("Cast", "x", "y", to="DOZEN")], {"x": x}, set(), ["y"], 5), {"x": x})


def test_bfloat16() -> None:
    (y,) = CastStrings(to=BF16.onnx).evaluate(Const.strings((2,), ("1.00390625", "-INF")))
    assert y.values() == (1.0, float("-inf"))
    (z,) = CastStrings(to=8).evaluate(y)
    assert z.texts() == ("1", "-INF")


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        *[(t, "f32") for t in ("", "hello", "1_000", "0x10", "12abc", "1e400", "٣", "1,5")],
        *[(t, "i64") for t in ("", "NaN", "1E8", "1_0", "9223372036854775808", "9" * 5000, ".5")],
        *[(t, "u64") for t in ("18446744073709551616", "true")],
        ("True", "bool"),
    ],
)
def test_what_is_no_number(text: str, dtype: str) -> None:
    with pytest.raises(InvalidInputError, match=r"does not stand for an? (float|integer)"):
        CastStrings(to=BY_NAME[dtype].onnx).evaluate(Const.strings((1,), (text,)))


def test_neither_is_strings() -> None:
    with pytest.raises(UnsupportedOperatorError, match="conversion of f32 to f64"):
        CastStrings(to=11).evaluate(Const.of(F32, (1,), (1.0,)))
