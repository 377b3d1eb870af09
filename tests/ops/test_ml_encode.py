"""Encoders against onnxruntime, with numbers and strings on either side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from wasmkiln.errors import InvalidInputError, InvalidModelError, ShapeError

from .check import run_ours
from .ml import check_ml, ml_model

KEYS: dict[str, Any] = {
    "floats": [1.5, -2.0, 0.0, 1e30, 1.5],
    "int64s": [7, -3, 1 << 60, 0, 7],
    "strings": ["a", "", "Zürich", "b", "a"],
}
UNKNOWN: dict[str, Any] = {
    "floats": [9.0, float("nan")],
    "int64s": [9, -(1 << 62)],
    "strings": ["x", "A"],
}
ARRAYS: dict[str, Any] = {"floats": "f4", "int64s": "i8", "strings": object}


def asked(kind: str) -> Any:
    values = np.array(KEYS[kind] + UNKNOWN[kind] + KEYS[kind][:1], ARRAYS[kind])
    return values.reshape(2, 4)


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("values", KEYS)
@pytest.mark.parametrize("keys", KEYS)
def test_label_encoder(keys: str, values: str, version: int) -> None:
    if version == 2 and keys == values and keys == "strings":
        pytest.skip("there is no such kernel in onnxruntime")
    made: Any = {f"keys_{keys}": KEYS[keys], f"values_{values}": KEYS[values]}
    check_ml("LabelEncoder", asked(keys), version=version, **made)
    default: Any = {"floats": {"default_float": 0.25}, "int64s": {"default_int64": 5},
               "strings": {"default_string": "?"}}[values]  # fmt: skip
    check_ml("LabelEncoder", asked(keys), version=version, **made, **default)


def tensor(values: Any, dtype: str) -> Any:
    if dtype == "s":
        texts = [str(v).encode() for v in values]
        return helper.make_tensor("t", 8, [len(texts)], texts)  # type: ignore[arg-type]
    return numpy_helper.from_array(np.array(values, dtype))


@pytest.mark.parametrize(
    ("keys", "values"), [("f8", "f8"), ("s", "i2"), ("s", "s"), ("i8", "f4"), ("f4", "i8")]
)
def test_label_encoder_of_tensors(keys: str, values: str) -> None:
    numbers = [3, -1, 2]
    x = np.array([2, 3, 4, -1, 3], "i8").astype("U").astype(object) if keys == "s" else np.array(
        [2, 3, 4, -1, 3], keys)  # fmt: skip
    made: Any = {"keys_tensor": tensor(numbers, keys), "values_tensor": tensor([7, 8, 9], values),
            "default_tensor": tensor([5], values)}  # fmt: skip
    check_ml("LabelEncoder", x, version=4, **made)


def test_nan_is_a_key() -> None:
    x = np.array([1, np.nan, 2], "f4")
    made: Any = {"keys_floats": [np.nan, 2.0], "values_int64s": [4, 5]}
    check_ml("LabelEncoder", x, version=4, **made)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1500])
def test_many_keys(count: int) -> None:
    keys = np.random.default_rng(0).permutation(3 * count)[:count]
    made: Any = {
        "keys_tensor": numpy_helper.from_array(keys),
        "values_tensor": tensor(keys * 2, "i8"),
    }
    check_ml("LabelEncoder", np.arange(3 * count), version=4, **made)


@pytest.mark.parametrize("op_type", ["LabelEncoder", "CategoryMapper"])
def test_by_the_type_of_the_input(op_type: str) -> None:
    names = ["a", "b", "Zürich"]
    listed: Any = {"classes_strings": names}
    if op_type == "CategoryMapper":
        listed = {"cats_strings": names, "cats_int64s": [5, -2, 1 << 40]}
    defaults: Any = ({}, {"default_int64": 3, "default_string": "?"})
    for more in defaults:
        for x in (np.array([["a", "c"], ["Zürich", ""]], object), np.array([0, 1, -2, 1 << 40])):
            check_ml(op_type, x, version=1, **listed, **more)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_one_hot(shape: tuple[int, ...], dtype: str) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    x = x + np.asarray(0.75, dtype) if dtype[0] == "f" else x
    check_ml("OneHotEncoder", x, cats_int64s=[3, 0, 7, 4])
    check_ml("OneHotEncoder", x, cats_int64s=[3, 0, 3], zeros=1)
    check_ml("OneHotEncoder", x, cats_int64s=[5, 4, 3, 2, 1, 0], zeros=0)


def test_one_hot_of_strings() -> None:
    x = np.array([["a", "b"], ["c", "a"], ["", "b"]], object)
    check_ml("OneHotEncoder", x, cats_strings=["b", "a", "z"])
    check_ml("OneHotEncoder", x, cats_strings=["b", "a", "c", ""], zeros=0)


def test_nan_has_no_category() -> None:
    check_ml("OneHotEncoder", np.array([np.nan, 0, 1], "f4"), cats_int64s=[0, 1])


@pytest.mark.parametrize(
    ("x", "cats"),
    [
        (np.array([1, 5]), {"cats_int64s": [1, 2]}),
        (np.array(["a", "b"], object), {"cats_strings": ["a"]}),
    ],
)
def test_one_hot_refuses_what_has_no_category(x: Any, cats: Any) -> None:
    with pytest.raises(InvalidInputError, match="outside"):
        run_ours(ml_model("OneHotEncoder", x, zeros=0, **cats), {"x0": x})


ERRORS = [
    ({"keys_int64s": [1], "values_floats": [1.0, 2.0]}, InvalidModelError, "1 keys and 2 values"),
    ({"values_floats": [1.0]}, InvalidModelError, "0 kinds of keys are given"),
    ({"keys_int64s": [1], "keys_floats": [1.0]}, InvalidModelError, "2 kinds of keys are given"),
    ({"keys_floats": [1.0], "values_floats": [1.0]}, ShapeError, "i64.*keys are f32"),
]


@pytest.mark.parametrize(("attributes", "error", "message"), ERRORS)
def test_errors(attributes: Any, error: type[Exception], message: str) -> None:
    x = np.array([1, 2])
    with pytest.raises(error, match=message):
        run_ours(ml_model("LabelEncoder", x, version=2, **attributes), {"x0": x})


def test_numbers_for_keys_that_are_strings_are_refused() -> None:
    x = np.array([1, 2])
    model = ml_model("LabelEncoder", x, version=2, keys_strings=["a"], values_floats=[1.0])
    with pytest.raises(InvalidInputError, match="the input is i64, and the keys are strings"):
        run_ours(model, {"x0": x})


def test_a_default_must_be_one_of_the_values() -> None:
    x = np.array([1, 2])
    for default, what in ((tensor([1, 2], "i8"), r"i64\[2\]"), (tensor([1], "f4"), r"f32\[1\]")):
        made: Any = {"keys_int64s": [1], "values_int64s": [1], "default_tensor": default}
        with pytest.raises(InvalidModelError, match=f"the default is {what}, one i64 is expected"):
            run_ours(ml_model("LabelEncoder", x, version=4, **made), {"x0": x})
