"""Normalizations that models spell out: found in all their forms, and equal to onnxruntime's."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions
from wasmkiln.passes import run_passes

from tests.ops.check import Array, build, check_model, node

VARIANTS = [
    CompileOptions(),
    CompileOptions(patterns=False),
    CompileOptions(simd="baseline", threads=2),
    CompileOptions(simd="baseline", threads=2, patterns=False),
]

SQUARES = {"pow": node("Pow", "c two", "q"), "mul": node("Mul", "c c", "q")}
QUOTIENTS = {
    "div": [node("Sqrt", "v", "d"), node("Div", "c d", "n")],
    "reciprocal": [node("Sqrt", "v", "d"), node("Reciprocal", "d", "i"), node("Mul", "c i", "n")],
    "one over": [node("Sqrt", "v", "d"), node("Div", "one d", "i"), node("Mul", "i c", "n")],
    "power": [node("Pow", "v minus_half", "i"), node("Mul", "c i", "n")],
}
CONSTANTS = {
    "two": np.float32(2), "one": np.float32(1), "minus_half": np.float32(-0.5),
    "epsilon": np.float32(1e-5), "axis": np.array([-1], np.int64),
}  # fmt: skip


def mean(source: str, out: str, opset: int) -> onnx.NodeProto:
    if opset < 18:
        return node("ReduceMean", source, out, axes=[-1])
    return node("ReduceMean", f"{source} axis", out)


def spelled(
    x: Array, centred: bool, square: str, quotient: str, opset: int, scale: bool, bias: bool
) -> onnx.ModelProto:
    """A model that normalizes its input `x`, and gives `y`."""
    nodes = [node("Identity", "x", "c")]
    if centred:
        nodes = [mean("x", "m", opset), node("Sub", "x m", "c")]
    nodes += [SQUARES[square], mean("q", "s", opset), node("Add", "s epsilon", "v")]
    nodes += QUOTIENTS[quotient]
    if scale:
        nodes.append(node("Mul", "gamma n", "t"))
    if bias:
        nodes.append(node("Add", f"{'t' if scale else 'n'} beta", "u"))
    nodes.append(node("Identity", "u" if bias else "t" if scale else "n", "y"))
    random = np.random.default_rng(1)
    gamma, beta = (random.normal(0, 1, x.shape[-1:]).astype("f") for _ in range(2))
    arrays = {"x": x, **CONSTANTS, "gamma": gamma, "beta": beta}
    return build(nodes, arrays, arrays.keys() - {"x"}, ["y"], opset)


def operators(model: onnx.ModelProto, options: CompileOptions = VARIANTS[0]) -> list[str]:
    """Names of the operators that are left before lowering, without views."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for output in model.graph.output:
        if not output.HasField("type"):
            output.type.tensor_type.elem_type = TensorProto.FLOAT
    g = run_passes(load(model.SerializeToString()).graph, options)
    return [n.op.op_type for n in g.nodes if n.op.op_type != "View"]


@pytest.mark.parametrize("opset", [9, 13, 18, 20])
@pytest.mark.parametrize("quotient", QUOTIENTS)
@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("centred", [True, False])
def test_all_forms_become_one_kernel(centred: bool, square: str, quotient: str, opset: int) -> None:
    x = np.random.default_rng(0).normal(1, 2, (2, 5, 37)).astype("f")
    model = spelled(x, centred, square, quotient, opset, True, centred)
    assert operators(model) == ["RowNorm"]
    assert "RowNorm" not in operators(model, CompileOptions(patterns=False))
    check_model(model, {"x": x}, 1e-4, 2e-5, options=VARIANTS)


@pytest.mark.parametrize("shape", [(1, 1), (7, 4), (1, 16, 3), (2, 3, 4, 33), (1, 768)])
@pytest.mark.parametrize(("scale", "bias"), [(True, True), (True, False), (False, True)])
def test_parameters_and_shapes(shape: tuple[int, ...], scale: bool, bias: bool) -> None:
    x = np.random.default_rng(0).normal(0, 2, shape).astype("f")
    model = spelled(x, True, "pow", "div", 17, scale, bias)
    assert operators(model) == ["RowNorm"]
    check_model(model, {"x": x}, 1e-4, 2e-5, options=VARIANTS)


def test_what_only_looks_alike_is_left() -> None:
    x = np.random.default_rng(0).normal(0, 2, (3, 8)).astype("f")
    other_axis = spelled(x, True, "pow", "div", 13, False, False)
    for n in other_axis.graph.node:
        if n.op_type == "ReduceMean":
            n.attribute[0].CopyFrom(helper.make_attribute("axes", [0]))
    other_square = spelled(x, True, "pow", "div", 13, False, False)
    two = next(t for t in other_square.graph.initializer if t.name == "two")
    two.CopyFrom(numpy_helper.from_array(np.array(4, np.float32), "two"))
    uncentred = spelled(x, True, "mul", "div", 13, False, False)
    square = next(n for n in uncentred.graph.node if n.op_type == "Mul")
    square.input[0] = square.input[1] = "x"
    for model in (other_axis, other_square, uncentred):
        assert "RowNorm" not in operators(model)
        check_model(model, {"x": x}, 1e-4, 2e-5)


def test_a_normalized_value_with_other_uses_keeps_its_name() -> None:
    x = np.random.default_rng(0).normal(0, 2, (3, 8)).astype("f")
    model = spelled(x, True, "mul", "div", 17, True, True)
    model.graph.output.append(onnx.ValueInfoProto(name="n"))
    assert "RowNorm" in operators(model)
    check_model(model, {"x": x}, 1e-4, 2e-5, options=VARIANTS)
