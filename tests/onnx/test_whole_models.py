"""What a model may hold besides nodes, run to the end and compared with onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln import InferenceSession

from tests.ops.check import Array, check_model, run_ours

X = np.random.default_rng(4).standard_normal((3, 4)).astype(np.float32)
VALUE = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])
RESULT = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]


def reference(name: str, kind: int) -> onnx.AttributeProto:
    """An attribute that takes its value from the function's of the same name."""
    return onnx.AttributeProto(name=name, ref_attr_name=name, type=kind)  # type: ignore[arg-type]


def functions() -> list[onnx.FunctionProto]:
    """Leak(x; alpha = 0.25, by default) and Twice, which calls it with its own attribute."""
    leak = helper.make_node("LeakyRelu", ["a"], ["b"])
    leak.attribute.append(reference("alpha", onnx.AttributeProto.FLOAT))
    default = helper.make_attribute("alpha", 0.25)
    inner = helper.make_function(
        "own", "Leak", ["a"], ["b"], [leak], OPSETS, attribute_protos=[default]
    )
    call = helper.make_node("Leak", ["p"], ["q"], domain="own")
    call.attribute.append(reference("alpha", onnx.AttributeProto.FLOAT))
    body = [call, helper.make_node("Leak", ["q"], ["r"], domain="own")]
    body.append(helper.make_node("Add", ["r", "p"], ["s"]))
    return [inner, helper.make_function("own", "Twice", ["p"], ["s"], body, OPSETS, ["alpha"])]


def test_functions_with_attributes_call_functions() -> None:
    nodes = [
        helper.make_node("Twice", ["x"], ["m"], domain="own", alpha=0.5),
        helper.make_node("Leak", ["m"], ["n"], domain="own"),
        helper.make_node("Twice", ["n"], ["y"], domain="own", alpha=0.125),
    ]
    graph = helper.make_graph(nodes, "g", [VALUE], [RESULT])
    model = helper.make_model(graph, functions=functions(), opset_imports=OPSETS, ir_version=10)
    check_model(model, {"x": X})


def test_a_function_may_have_the_name_of_an_operator() -> None:
    body = [helper.make_node("Neg", ["a"], ["b"])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    gelu = helper.make_function("com.microsoft", "Gelu", ["a"], ["b"], body, opsets)
    nodes = [helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")]
    graph = helper.make_graph(nodes, "g", [VALUE], [RESULT])
    model = helper.make_model(graph, functions=[gelu], opset_imports=opsets, ir_version=10)
    np.testing.assert_array_equal(run_ours(model, {"x": X})[0], -X)


def sparse(name: str) -> onnx.SparseTensorProto:
    """Three elements of a 3 by 4 matrix."""
    values = numpy_helper.from_array(np.array([2, -1, 3], np.float32), name)
    places = numpy_helper.from_array(np.array([1, 6, 11]), "places")
    return helper.make_sparse_tensor(values, places, [3, 4])


def test_sparse_tensors() -> None:
    dense = np.zeros((3, 4), np.float32)
    dense[0, 1], dense[1, 2], dense[2, 3] = 2, -1, 3
    nodes = [
        helper.make_node("Constant", [], ["c"], sparse_value=sparse("")),
        helper.make_node("Mul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "c"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [VALUE], [RESULT], sparse_initializer=[sparse("w")])
    model = helper.make_model(graph, opset_imports=OPSETS[:1], ir_version=10)
    check_model(model, {"x": X})
    np.testing.assert_allclose(run_ours(model, {"x": X})[0], X * dense + dense, 1e-6)


def plain() -> onnx.ModelProto:
    """x + w."""
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "w")
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [VALUE], [RESULT], [weight])
    return helper.make_model(graph, opset_imports=OPSETS[:1], ir_version=10)


def test_training_is_ignored() -> None:
    model = plain()
    step = model.training_info.add()
    step.algorithm.name = "step"
    step.algorithm.node.append(helper.make_node("NoSuchOperator", ["w"], ["v"]))
    step.update_binding.add(key="w", value="v")
    np.testing.assert_allclose(
        run_ours(model, {"x": X})[0], X + np.arange(12).reshape(3, 4), 1e-6, 1e-6
    )


@pytest.mark.parametrize("version", [3, 4, 10])
def test_initializers_may_be_listed_as_inputs(version: int) -> None:
    model = plain()
    model.ir_version = version
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]))
    check_model(model, {"x": X})


def test_external_data(tmp_path: Path) -> None:
    model = plain()
    large: Array = np.arange(5000, dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(large, "big"))
    model.graph.node.extend([
        helper.make_node("ReduceMean", ["big"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["y", "mean"], ["z"]),
    ])  # fmt: skip
    model.graph.output[0].name = "z"
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=100)
    assert (tmp_path / "weights").stat().st_size >= large.nbytes
    with InferenceSession(path) as session:
        (z,) = session.run(None, {"x": X})
    wanted = X + np.arange(12).reshape(3, 4) - large.mean()
    np.testing.assert_allclose(z, wanted, 1e-5, 1e-3)


@pytest.mark.parametrize("op_type", ["LayerNormalization", "Unique"])
def test_absent_outputs_are_no_absent_inputs(op_type: str) -> None:
    outputs = ["a", "", "i"] if op_type == "LayerNormalization" else ["a", "", "i", ""]
    scale = numpy_helper.from_array(np.full(4, 2, np.float32), "s")
    top = numpy_helper.from_array(np.array(0.25, np.float32), "top")
    inputs = ["x", "s"] if op_type == "LayerNormalization" else ["x"]
    nodes = [
        helper.make_node(op_type, inputs, outputs),
        helper.make_node("Clip", ["a", "", "top"], ["b"]),
        helper.make_node("Cast", ["i"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["c"], ["d"], keepdims=0),
        helper.make_node("Add", ["b", "d"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [VALUE], [RESULT], [scale, top])
    model = helper.make_model(graph, opset_imports=OPSETS[:1], ir_version=10)
    check_model(model, {"x": X})
