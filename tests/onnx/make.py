"""Small models for tests, built with the onnx package, and protobuf fields written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


def value(
    name: str, shape: Sequence[int | str | None] | None, dtype: int = FLOAT
) -> onnx.ValueInfoProto:
    """A ValueInfoProto."""
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto] | None = None,
    outputs: Sequence[str] = ("y",),
    initializers: Sequence[onnx.TensorProto] = (),
    opset: int = 17,
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model of f32[2,3] in and out, unless said otherwise."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [value("x", (2, 3))] if inputs is None else list(inputs),
        [value(name, (2, 3)) for name in outputs],
        list(initializers),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=8)


def reference(name: str, kind: int, outer: str) -> onnx.AttributeProto:
    """An attribute whose value is an attribute of the enclosing function."""
    return onnx.AttributeProto(name=name, type=kind, ref_attr_name=outer)  # type: ignore[arg-type]


def varint(number: int) -> bytes:
    """A protobuf varint."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def blob(field: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def integer(field: int, number: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(number)
