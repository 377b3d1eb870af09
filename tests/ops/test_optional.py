"""Optionals between nodes, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from wasmkiln.errors import InvalidInputError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.value import NOTHING, SequenceValue, Value
from wasmkiln.ops.base import create

from .check import build, check_model, node

KIND = helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [2])


def evaluated(op_type: str, *inputs: Value | None, opset: int = 18, **attributes: Any) -> Value:
    outputs = create("", op_type, opset, attributes).evaluate(*inputs)
    assert outputs is not None
    result: Value = outputs[0]
    return result


@pytest.mark.parametrize("opset", [15, 18])
def test_with_and_without_element(opset: int) -> None:
    nodes = [
        node("Optional", "x", "some"),
        node("Optional", "", "none", type=KIND),
        node("OptionalHasElement", "some", "a"),
        node("OptionalHasElement", "none", "b"),
        node("OptionalGetElement", "some", "y"),
        node("Neg", "y", "z"),
    ]
    x = np.array([1, 2], "f4")
    check_model(build(nodes, {"x": x}, set(), ["a", "b", "z"], opset), {"x": x})


def test_of_a_sequence() -> None:
    nodes = [
        node("SequenceConstruct", "x x", "s"),
        node("Optional", "s", "some"),
        node("OptionalGetElement", "some", "t"),
        node("OptionalHasElement", "some", "a"),
        node("ConcatFromSequence", "t", "y", axis=0),
    ]
    x = np.array([1, 2], "f4")
    check_model(build(nodes, {"x": x}, set(), ["y", "a"], 18), {"x": x})


def test_what_is_no_optional() -> None:
    """From opset 18 on it has an element, itself; an absent input has none."""
    x = Const.of(F32, (1,), (1.0,))
    for value in (x, SequenceValue((x,))):
        assert evaluated("OptionalGetElement", value) == value
        assert evaluated("OptionalHasElement", value) == evaluated("OptionalHasElement", x)
    assert evaluated("OptionalHasElement") == evaluated("OptionalHasElement", NOTHING)
    assert evaluated("OptionalHasElement") != evaluated("OptionalHasElement", x)


def test_no_element_to_get() -> None:
    with pytest.raises(InvalidInputError, match=r"^the optional has no element$"):
        evaluated("OptionalGetElement", NOTHING)
