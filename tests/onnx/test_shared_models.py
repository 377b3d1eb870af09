"""Every shared model: nodes, weights and types against the onnx package's own reading."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from wasmkiln.errors import UnsupportedOperatorError
from wasmkiln.ir.const import MAX_INLINE, Const
from wasmkiln.onnx.external import Files
from wasmkiln.onnx.load import load
from wasmkiln.onnx.parse import read_model
from wasmkiln.onnx.proto import TensorProto
from wasmkiln.onnx.source import FileSource
from wasmkiln.onnx.tensor import to_const

from tests.shared import SHARED, needs_shared, shared_models

pytestmark = [needs_shared, pytest.mark.parametrize("name", shared_models())]


@cache
def both(name: str) -> tuple[onnx.ModelProto, FileSource]:
    path = SHARED / "models" / f"{name}.onnx"
    return onnx.load(path), FileSource(str(path))


def check(ours: Const, files: Files, theirs: onnx.TensorProto) -> None:
    """The bytes that we find are the values that the onnx package decodes."""
    expected = numpy_helper.to_array(theirs)
    assert ours.dtype.full == expected.dtype.name
    assert ours.shape == expected.shape
    assert ours.is_inline == (expected.size <= MAX_INLINE)
    data = ours.data
    if not isinstance(data, bytes):
        data = files.sources[data.file].read(data.offset, data.nbytes)
    assert data == np.ascontiguousarray(expected).tobytes()


def test_nodes(name: str) -> None:
    theirs, source = both(name)
    ours = read_model(source).graph
    assert [n.op_type for n in ours.nodes] == [n.op_type for n in theirs.graph.node]
    assert [n.domain for n in ours.nodes] == [n.domain for n in theirs.graph.node]
    assert [list(n.inputs) for n in ours.nodes] == [list(n.input) for n in theirs.graph.node]
    assert [list(n.outputs) for n in ours.nodes] == [list(n.output) for n in theirs.graph.node]


def test_attributes(name: str) -> None:
    theirs, source = both(name)
    plain = (bytes, int, float)
    for our_node, their_node in zip(read_model(source).graph.nodes, theirs.graph.node, strict=True):
        expected = {a.name: helper.get_attribute_value(a) for a in their_node.attribute}
        assert [a.name for a in our_node.attributes] == list(expected)
        for attribute in our_node.attributes:
            value = expected[attribute.name]
            if isinstance(value, list) and isinstance(value[0], plain):
                value = tuple(value)
            if isinstance(value, (*plain, tuple)):
                assert attribute.value == value


def test_weights(name: str) -> None:
    theirs, source = both(name)
    files = Files(source)
    mine = read_model(source).graph
    tensors = list(zip(mine.initializers, theirs.graph.initializer, strict=True))
    for our_node, their_node in zip(mine.nodes, theirs.graph.node, strict=True):
        for our, their in zip(our_node.attributes, their_node.attribute, strict=True):
            if isinstance(our.value, TensorProto):
                tensors.append((our.value, their.t))
    for our_tensor, their_tensor in tensors:
        if their_tensor.data_type != onnx.TensorProto.STRING:
            check(to_const(our_tensor, files), files, their_tensor)


def test_the_graph(name: str) -> None:
    """Models load whole, or say which of their operators are not supported."""
    theirs, source = both(name)
    graph = theirs.graph
    constants = sum(n.op_type == "Constant" for n in graph.node)
    try:
        ours = load(source)
    except UnsupportedOperatorError as error:
        assert "is not supported" in str(error)
        return
    assert len(ours.graph.nodes) == len(graph.node) - constants
    assert len(ours.graph.consts) == len(graph.initializer) + constants
    fixed = {tensor.name for tensor in graph.initializer}
    assert list(ours.graph.inputs) == [i.name for i in graph.input if i.name not in fixed]
    assert list(ours.graph.outputs) == list(ours.outputs) == [o.name for o in graph.output]
