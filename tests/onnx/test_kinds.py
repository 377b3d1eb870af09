"""Inputs and constants that are more than numbers: strings, sequences, maps, optionals."""

from __future__ import annotations

import re
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import InvalidModelError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import I64, STRING
from wasmkiln.ir.shape import Sym
from wasmkiln.ir.types import InputType
from wasmkiln.onnx.load import Model, load

from tests.onnx.make import model, value

node = helper.make_node


def loaded(*nodes: onnx.NodeProto, **more: Any) -> Model:
    return load(model(nodes, **more).SerializeToString())


def test_types_that_hold_tensors() -> None:
    tensor = helper.make_tensor_type_proto(TensorProto.INT64, ["n"])
    kinds = {
        "a": helper.make_optional_type_proto(helper.make_sequence_type_proto(tensor)),
        "b": helper.make_sequence_type_proto(helper.make_map_type_proto(8, tensor)),
        "c": helper.make_tensor_type_proto(TensorProto.STRING, [2]),
    }
    inputs = [helper.make_value_info(name, kind) for name, kind in kinds.items()]
    ours = loaded(node("Relu", ["x"], ["y"]), inputs=[value("x", (1,)), *inputs]).graph.inputs
    assert ours["a"] == InputType(I64, (Sym("n"),), ("optional", "seq"))
    assert str(ours["b"]) == "seq(map(string)(i64[n]))"
    assert ours["c"] == InputType(STRING, (2,))


def test_strings() -> None:
    weight = helper.make_tensor("w", TensorProto.STRING, [2], ["é".encode(), b""])
    ours = loaded(node("Relu", ["x"], ["y"]), initializers=[weight])
    assert ours.graph.consts["w"] == Const.strings((2,), ["é", ""])
    for damage, text in (({"dims": [3]}, "STRING[3], but 2 strings"), ({"raw_data": b"1"}, "both")):
        bad = onnx.TensorProto()
        bad.CopyFrom(weight)
        for field, item in damage.items():
            bad.ClearField(field)
            getattr(bad, field).extend(item) if field == "dims" else setattr(bad, field, item)
        with pytest.raises(InvalidModelError, match=re.escape(text)):
            loaded(node("Relu", ["x"], ["y"]), initializers=[bad])
