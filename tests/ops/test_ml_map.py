"""Maps against onnxruntime: made by ZipMap, read by CastMap and DictVectorizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import (
    InvalidInputError,
    InvalidModelError,
    LimitError,
    UnsupportedOperatorError,
)
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, F64, I64, STRING, DType
from wasmkiln.ir.value import MapValue, SequenceValue
from wasmkiln.ops.base import create

from .check import Array
from .ml import DOMAIN, ml_model, rows

KINDS = {
    F32: TensorProto.FLOAT,
    F64: TensorProto.DOUBLE,
    I64: TensorProto.INT64,
    STRING: TensorProto.STRING,
}


def reference(op_type: str, key: DType, value: DType, x: Any, out: DType, **attributes: Any) -> Any:
    """What onnxruntime makes of a map."""
    node = helper.make_node(op_type, ["x"], ["y"], domain=DOMAIN, **attributes)
    kind = helper.make_map_type_proto(KINDS[key], helper.make_tensor_type_proto(KINDS[value], []))
    given = helper.make_value_info("x", kind)
    result = helper.make_tensor_value_info("y", KINDS[out], None)
    graph = helper.make_graph([node], "g", [given], [result])
    imports = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
    return run(helper.make_model(graph, opset_imports=imports, ir_version=10), x)


def run(model: onnx.ModelProto, x: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def tensor(array: Array) -> Const:
    return Const(F32, array.shape, array.tobytes())


def scalars(x: dict[Any, Any], dtype: DType) -> MapValue:
    """A map to tensors of rank 0."""
    texts = dtype == STRING
    made = {k: Const.strings((), (v,)) if texts else Const.scalar(dtype, v) for k, v in x.items()}
    return MapValue(made)


def as_array(value: Const) -> Array:
    values = value.texts() if value.dtype == STRING else value.values()
    dtype = object if value.dtype == STRING else value.dtype.full
    return np.array(values, dtype).reshape(value.shape)


@pytest.mark.parametrize("labels", [[3, -1, 7], ["b", "a", "Zürich"]], ids=["ints", "strings"])
@pytest.mark.parametrize("n", [1, 4])
def test_zip_map(n: int, labels: Any) -> None:
    kind = "classlabels_int64s" if labels[0] == 3 else "classlabels_strings"
    x = rows(n, 3)
    op = create(DOMAIN, "ZipMap", 1, {kind: tuple(labels)})
    for scores in (x, x[0]):
        (result,) = op.evaluate(tensor(scores))  # type: ignore[misc]
        expected = run(ml_model("ZipMap", scores, version=1, **{kind: labels}), scores)
        assert isinstance(result, SequenceValue)
        maps: list[Any] = list(result.items)
        assert [dict(item.items) for item in maps] == expected


def test_zip_map_refuses_other_numbers_of_scores() -> None:
    op = create(DOMAIN, "ZipMap", 1, {"classlabels_int64s": (1, 2)})
    with pytest.raises(InvalidInputError, match=r"scores are f32\[2, 3\] for 2 labels"):
        op.evaluate(tensor(rows(2, 3)))
    with pytest.raises(InvalidModelError, match="either integers or strings"):
        create(DOMAIN, "ZipMap", 1, {}).evaluate(tensor(rows(2, 3)))


# What becomes of 12.7, -3.2 and 0.0625, and of "12", "-3" and "5".
CASTS: list[tuple[str, DType, Any]] = [
    ("TO_FLOAT", F32, [-3.2, 12.7, 0.0625]), ("TO_FLOAT", STRING, [-3, 12, 5]),
    ("TO_INT64", F32, [-3, 12, 0]), ("TO_INT64", STRING, [-3, 12, 5]),
    ("TO_STRING", F32, ["-3.200000", "12.700000", "0.062500"]),
    ("TO_STRING", STRING, ["-3", "12", "5"]),
]  # fmt: skip
OUT = {"TO_FLOAT": F32, "TO_INT64": I64, "TO_STRING": STRING}


@pytest.mark.parametrize("form", ["DENSE", "SPARSE"])
@pytest.mark.parametrize(("cast", "value", "expected"), CASTS)
def test_cast_map(cast: str, value: DType, expected: Any, form: str) -> None:
    x: dict[int, Any] = {4: 12.7, 1: -3.2, 9: 0.0625}
    if value == STRING:
        x = {4: "12", 1: "-3", 9: "5"}
    absent = "0.f" if cast == "TO_STRING" else 0
    sparse = [absent, expected[0], absent, absent, expected[1], absent]
    made: Any = {"cast_to": cast, "map_form": form, "max_map": 6}
    (result,) = create(DOMAIN, "CastMap", 1, made).evaluate(scalars(x, value))  # type: ignore[misc]
    assert result.dtype == OUT[cast]
    wanted = np.array([sparse if form == "SPARSE" else expected])
    if cast == "TO_FLOAT":
        np.testing.assert_allclose(as_array(result), wanted, 1e-6)
    else:
        np.testing.assert_array_equal(as_array(result), wanted)
    if value == F32:  # onnxruntime's Python takes no other maps
        theirs = reference("CastMap", I64, value, x, OUT[cast], **made)
        np.testing.assert_array_equal(as_array(result), theirs)


def test_cast_map_refuses() -> None:
    for made, x, error, message in (
        ({"map_form": "SPARSE"}, {-2: 1.0}, InvalidInputError, "the map has the key -2"),
        ({}, {"a": 1.0}, InvalidInputError, "keys of the map are no integers"),
        ({"map_form": "SPARSE", "max_map": 1 << 60}, {}, LimitError, "max_map is 1,152,9"),
        ({"cast_to": "TO_INT64"}, {1: float("inf")}, InvalidInputError, "no number: cannot conv"),
        ({}, {1: Const.strings((), ("x",))}, InvalidInputError, "no number: could not convert"),
        ({"cast_to": "TO_BOOL"}, {1: 1.0}, UnsupportedOperatorError, "cast_to is 'TO_BOOL'"),
    ):
        op = create(DOMAIN, "CastMap", 1, made)
        with pytest.raises(error, match=message):
            op.evaluate(MapValue(x))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [(STRING, F32), (STRING, I64), (STRING, F64), (I64, F32), (I64, F64), (I64, STRING)],
)
def test_dict_vectorizer(key: DType, value: DType) -> None:
    keys: Any = ["b", "a", "q"] if key == STRING else [5, -1, 2]
    words: Any = ["a", "z", "b", "a"] if key == STRING else [-1, 9, 5, -1]
    values: Any = {STRING: ["x", "y", ""], I64: [4, 5, 6]}.get(value, [0.5, 1.25, -2.0])
    made = {"string_vocabulary" if key == STRING else "int64_vocabulary": words}
    x = dict(zip(keys, values, strict=True))
    op = create(DOMAIN, "DictVectorizer", 1, {k: tuple(v) for k, v in made.items()})
    (result,) = op.evaluate(scalars(x, value))  # type: ignore[misc]
    assert result.dtype == value
    absent = "" if value == STRING else 0
    wanted = [[values[1], absent, values[0], values[1]]]
    np.testing.assert_array_equal(as_array(result), wanted)
    if value == F32:  # onnxruntime's Python takes no other maps
        theirs = reference("DictVectorizer", key, value, x, value, **made)
        np.testing.assert_array_equal(as_array(result), theirs)


def test_what_is_no_map_is_refused() -> None:
    op = create(DOMAIN, "DictVectorizer", 1, {"int64_vocabulary": (1,)})
    with pytest.raises(InvalidInputError, match="the input is no map"):
        op.evaluate(tensor(rows(1, 1)))
