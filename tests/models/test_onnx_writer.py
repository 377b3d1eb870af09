"""The small ONNX writer against `onnx`: what it writes is what was meant."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from models import onnx_writer as writer


def test_a_model_reads_back_as_it_was_written() -> None:
    weights = np.arange(6, dtype="<f4").reshape(2, 3)
    node = writer.node(
        "Gemm", ("x", "w"), ("y",), "fc", alpha=0.5, transB=1, note="text", many=(-1, 0, 2**40)
    )
    graph = writer.graph(
        "g",
        [node],
        [writer.value("x", ("N", 3))],
        [writer.value("y", ("N", 2))],
        [writer.tensor("w", (2, 3), weights.tobytes())],
    )
    content = writer.model(
        graph, opset=17, ir_version=8, producer="p", doc="d", metadata={"licence": "Apache-2.0"}
    )
    model = onnx.load_from_string(content)
    assert (model.ir_version, model.producer_name, model.doc_string) == (8, "p", "d")
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert {p.key: p.value for p in model.metadata_props} == {"licence": "Apache-2.0"}
    (read,) = model.graph.node
    assert (read.op_type, read.name, [*read.input], [*read.output]) == (
        "Gemm",
        "fc",
        ["x", "w"],
        ["y"],
    )
    values = {a.name: onnx.helper.get_attribute_value(a) for a in read.attribute}
    assert values == {"alpha": 0.5, "transB": 1, "note": b"text", "many": [-1, 0, 2**40]}
    dims = [(d.dim_param, d.dim_value) for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == [("N", 0), ("", 3)]
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), weights)


def test_a_message_without_a_value_for_every_field_is_valid() -> None:
    graph = writer.graph(
        "g",
        [writer.node("Relu", ("x",), ("y",), "relu")],
        [writer.value("x", ())],
        [writer.value("y", ())],
        [],
    )
    content = writer.model(graph, opset=17, ir_version=8, producer="", doc="", metadata={})
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
