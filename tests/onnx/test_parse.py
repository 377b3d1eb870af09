"""Messages into records: every field that we read, as the onnx package writes it."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import InvalidModelError
from wasmkiln.onnx.parse import read_model
from wasmkiln.onnx.proto import (
    AttributeKind,
    AttributeProto,
    GraphProto,
    ModelProto,
    OperatorSetId,
    StringStringEntry,
    TypeProto,
)
from wasmkiln.onnx.proto import TensorProto as OurTensor
from wasmkiln.onnx.source import MemorySource

from tests.onnx.make import blob, integer, model, reference, value


def parse(proto: onnx.ModelProto) -> ModelProto:
    return read_model(MemorySource(proto.SerializeToString()))


def parse_attribute(**attributes: object) -> AttributeProto:
    node = helper.make_node("Op", [], ["y"])
    node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    (attribute,) = parse(model([node])).graph.nodes[0].attributes
    return attribute


def test_the_model_itself() -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])], domains=["com.example"])
    proto.producer_name, proto.producer_version = "maker", "1.2"
    proto.domain, proto.model_version = "example", 3
    proto.doc_string = "not read"
    helper.set_model_props(proto, {"author": "somebody"})
    ours = parse(proto)
    assert ours.ir_version == 8
    assert (ours.producer_name, ours.producer_version) == ("maker", "1.2")
    assert (ours.domain, ours.model_version) == ("example", 3)
    assert ours.opset_imports == (OperatorSetId("", 17), OperatorSetId("com.example", 1))
    assert ours.metadata == (StringStringEntry("author", "somebody"),)


def test_nodes() -> None:
    node = helper.make_node("Clip", ["x", "", "max"], ["y"], name="n", domain="d", doc_string="-")
    node.overload = "variant"
    ours = parse(model([node])).graph.nodes[0]
    assert (ours.op_type, ours.domain, ours.name, ours.overload) == ("Clip", "d", "n", "variant")
    assert ours.inputs == ("x", "", "max")
    assert ours.outputs == ("y",)


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        (1.5, AttributeKind.FLOAT, 1.5),
        (-7, AttributeKind.INT, -7),
        ("text", AttributeKind.STRING, b"text"),
        ([1.5, 2.5], AttributeKind.FLOATS, (1.5, 2.5)),
        ([1, -2, 300], AttributeKind.INTS, (1, -2, 300)),
        (["a", "b"], AttributeKind.STRINGS, (b"a", b"b")),
    ],
)
def test_plain_attributes(given: object, kind: int, expected: object) -> None:
    assert parse_attribute(a=given) == AttributeProto("a", kind, expected)


def test_attributes_that_hold_messages() -> None:
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [2], [1.0, 2.0])
    graph = helper.make_graph([], "inner", [], [value("o", (1,))])
    sparse = helper.make_sparse_tensor(
        tensor, helper.make_tensor("i", TensorProto.INT64, [2], [0, 3]), [5]
    )
    kind = helper.make_tensor_type_proto(TensorProto.INT8, ["n", 2])
    assert isinstance(parse_attribute(a=tensor).value, OurTensor)
    inner = parse_attribute(a=graph).value
    assert isinstance(inner, GraphProto) and inner.name == "inner"
    assert parse_attribute(a=sparse).value.dims == (5,)
    assert parse_attribute(a=kind).value == TypeProto("tensor", TensorProto.INT8, ("n", 2))
    assert [t.name for t in parse_attribute(a=[tensor, tensor]).value] == ["t", "t"]
    assert [g.name for g in parse_attribute(a=[graph, graph]).value] == ["inner", "inner"]
    assert [s.dims for s in parse_attribute(a=[sparse, sparse]).value] == [(5,), (5,)]
    assert len(parse_attribute(a=[kind, kind]).value) == 2


def raw_attribute(payload: bytes) -> AttributeProto:
    graph = blob(1, blob(4, b"Op") + blob(5, blob(1, b"a") + payload))
    return read_model(MemorySource(blob(7, graph))).graph.nodes[0].attributes[0]


def test_attributes_without_a_type_take_it_from_their_value() -> None:
    assert raw_attribute(integer(3, 5)) == AttributeProto("a", AttributeKind.INT, 5)


def test_a_zero_that_a_proto3_writer_left_out() -> None:
    assert raw_attribute(integer(20, AttributeKind.INT)).value == 0
    assert raw_attribute(integer(20, AttributeKind.INTS)).value == ()


def test_packed_attribute_values() -> None:
    assert raw_attribute(blob(8, b"\x01\x02\x03") + integer(20, 7)).value == (1, 2, 3)


@pytest.mark.parametrize("payload", [integer(20, 99), integer(20, 1) + integer(3, 1), b""])
def test_an_attribute_whose_type_and_value_differ(payload: bytes) -> None:
    with pytest.raises(InvalidModelError, match=r"attribute 'a' is of type .*has values of type"):
        raw_attribute(payload)


def test_types() -> None:
    inputs = [
        value("a", ["n", None, 3]),
        value("b", None, TensorProto.INT64),
        helper.make_value_info("c", helper.make_sequence_type_proto(
            helper.make_tensor_type_proto(TensorProto.FLOAT, [1]))),
        helper.make_value_info("d", helper.make_optional_type_proto(
            helper.make_tensor_type_proto(TensorProto.FLOAT, []))),
        helper.make_value_info("e", helper.make_map_type_proto(
            TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None))),
        helper.make_sparse_tensor_value_info("f", TensorProto.FLOAT, [4]),
    ]  # fmt: skip
    types = [info.type for info in parse(model([], inputs)).graph.inputs]
    assert types == [
        TypeProto("tensor", 1, ("n", None, 3)),
        TypeProto("tensor", 7, None),
        TypeProto("sequence", element=TypeProto("tensor", 1, (1,))),
        TypeProto("optional", element=TypeProto("tensor", 1, ())),
        TypeProto("map", element=TypeProto("tensor", 1, None), key_type=8),
        TypeProto("sparse_tensor", 1, (4,)),
    ]


def test_functions() -> None:
    function = helper.make_function(
        "local", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])],
        [helper.make_opsetid("", 17)], ["alpha"], [helper.make_attribute("beta", 2)],
    )  # fmt: skip
    (ours,) = parse(model([], functions=[function])).functions
    assert (ours.domain, ours.name, ours.inputs, ours.outputs) == ("local", "F", ("a",), ("b",))
    assert ours.attributes == ("alpha",)
    assert ours.attribute_protos == (AttributeProto("beta", AttributeKind.INT, 2),)
    assert ours.nodes[0].op_type == "Relu"
    assert ours.opset_imports == (OperatorSetId("", 17),)


def test_references_to_attributes_of_a_function() -> None:
    node = helper.make_node("Relu", ["a"], ["b"])
    node.attribute.append(reference("alpha", onnx.AttributeProto.FLOAT, "outer"))
    (attribute,) = parse(model([node])).graph.nodes[0].attributes
    assert attribute == AttributeProto("alpha", AttributeKind.FLOAT, None, "outer")


def test_unknown_fields_are_skipped() -> None:
    extra = integer(999, 5) + blob(1000, b"something") + b"\x9d\x3f" + bytes(4)
    data = model([helper.make_node("Relu", ["x"], ["y"])]).SerializeToString()
    assert read_model(MemorySource(extra + data + extra)).graph.nodes[0].op_type == "Relu"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (integer(1, 8), "the model has no graph"),
        (blob(7, b"") * 2, "two graphs"),
        (blob(7, integer(1, 3)), "ModelProto > GraphProto: field 1,"),
        (blob(7, blob(1, integer(4, 1))), "GraphProto > NodeProto: field 4,.*expected length"),
    ],
)
def test_damaged_models(data: bytes, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        read_model(MemorySource(data))
