"""Model-local functions are replaced by their nodes."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import pytest
from onnx import helper
from wasmkiln.errors import InvalidModelError, LimitError
from wasmkiln.ir.graph import Graph
from wasmkiln.onnx import functions as functions_module
from wasmkiln.onnx.load import load

from tests.onnx.make import model, reference, value

node = helper.make_node


def function(
    name: str,
    inputs: list[str],
    outputs: list[str],
    nodes: list[onnx.NodeProto],
    attributes: Sequence[str] = (),
    defaults: Sequence[onnx.AttributeProto] = (),
    opset: int = 17,
) -> onnx.FunctionProto:
    """A function of the domain "local"."""
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_function(
        "local", name, inputs, outputs, nodes, imports, list(attributes), list(defaults)
    )


def graph(
    nodes: list[onnx.NodeProto],
    functions: list[onnx.FunctionProto],
    outputs: Sequence[str] = ("y",),
    inputs: Sequence[onnx.ValueInfoProto] | None = None,
) -> Graph:
    proto = model(nodes, outputs=outputs, functions=functions, domains=["local"], inputs=inputs)
    return load(proto.SerializeToString()).graph


def lines(g: Graph) -> list[str]:
    return [f"{n.op!r}: {', '.join(n.inputs)} -> {', '.join(n.outputs)}" for n in g.nodes]


def test_a_call_becomes_the_functions_nodes() -> None:
    body = [node("Add", ["a", "b"], ["s"]), node("Relu", ["s"], ["o"])]
    g = graph(
        [node("F", ["x", "x"], ["t"], domain="local", name="first"),
         node("F", ["t", "x"], ["y"], domain="local")],
        [function("F", ["a", "b"], ["o"], body)],
    )  # fmt: skip
    assert lines(g) == [
        "Add(): x, x -> first#1/s",
        "Relu(): first#1/s -> t",
        "Add(): t, x -> F#4/s",
        "Relu(): F#4/s -> y",
    ]
    assert load(model([], [value("y", [1])], functions=[]).SerializeToString()).functions == ()


def test_functions_call_functions() -> None:
    g = graph(
        [node("Outer", ["x"], ["y"], domain="local", name="o")],
        [
            function("Inner", ["a"], ["b"], [node("Relu", ["a"], ["b"])]),
            function("Outer", ["a"], ["b"], [
                node("Inner", ["a"], ["m"], domain="local", name="i"),
                node("Inner", ["m"], ["b"], domain="local", name="j"),
            ]),
        ],
    )  # fmt: skip
    assert lines(g) == ["Relu(): x -> o#1/m", "Relu(): o#1/m -> y"]


def test_attributes_are_passed_defaulted_and_left_out() -> None:
    body = [node("LeakyRelu", ["a"], ["m"]), node("Elu", ["m"], ["b"])]
    body[0].attribute.append(reference("alpha", onnx.AttributeProto.FLOAT, "slope"))
    body[1].attribute.append(reference("alpha", onnx.AttributeProto.FLOAT, "curve"))
    local = function("F", ["a"], ["b"], body, ["slope"], [helper.make_attribute("curve", 2.0)])
    calls = [
        node("F", ["x"], ["t"], domain="local", slope=0.5),
        node("F", ["t"], ["y"], domain="local", curve=4.0),
    ]
    ops = [n.op for n in graph(calls, [local]).nodes]
    assert [op.alpha for op in ops] == pytest.approx([0.5, 2.0, 0.01, 4.0])


def test_a_constant_takes_its_value_from_an_attribute() -> None:
    body = [node("Constant", [], ["c"]), node("Add", ["a", "c"], ["b"])]
    body[0].attribute.append(reference("value_float", onnx.AttributeProto.FLOAT, "k"))
    calls = [node("F", ["x"], ["y"], domain="local", k=3.0)]
    g = graph(calls, [function("F", ["a"], ["b"], body, ["k"])])
    assert lines(g) == ["Add(): x, F#1/c -> y"]
    assert g.consts["F#1/c"].item() == 3.0


def test_the_functions_own_opset_holds_inside() -> None:
    body = [node("Clip", ["a"], ["b"], min=0.0, max=6.0)]  # attributes until opset 11
    g = graph(
        [node("F", ["x"], ["t"], domain="local"), node("Clip", ["t"], ["y"])],
        [function("F", ["a"], ["b"], body, opset=10)],
    )
    assert [n.op.since for n in g.nodes] == [6, 11]


def test_inputs_and_outputs_may_be_absent() -> None:
    body = [node("Clip", ["a", "low", "high"], ["b"]), node("Relu", ["a"], ["unused"])]
    g = graph(
        [node("F", ["x", "", "x"], ["y"], domain="local"), node("F", ["x"], ["", "z"],
         domain="local")],
        [function("F", ["a", "low", "high"], ["b", "unused"], body)],
        outputs=("y", "z"),
    )  # fmt: skip
    assert lines(g) == [
        "Clip(): x, , x -> y",
        "Relu(): x -> F#1/unused",
        "Clip(): x -> F#4/b",
        "Relu(): x -> z",
    ]


def test_an_input_given_back_is_copied() -> None:
    g = graph([node("F", ["x"], ["y"], domain="local")], [function("F", ["a"], ["a"], [])])
    assert lines(g) == ["Identity(): x -> y"]


def test_names_in_subgraphs_are_renamed_with_the_rest() -> None:
    inner = helper.make_graph([node("Relu", ["m"], ["r"])], "then", [], [value("r", [2, 3])])
    other = helper.make_graph([node("Identity", ["a"], ["x"])], "else", [], [value("x", [2, 3])])
    body = [
        node("Neg", ["a"], ["m"]),
        node("If", ["c"], ["b"], then_branch=inner, else_branch=other),
    ]
    inputs = [value("x", [2, 3]), value("cond", [], onnx.TensorProto.BOOL)]
    calls = [node("F", ["x", "cond"], ["y"], domain="local")]
    g = graph(calls, [function("F", ["a", "c"], ["b"], body)], inputs=inputs)
    branch = g.nodes[1].op.then_branch
    assert lines(branch) == ["Relu(): F#1/m -> F#1/r"]
    assert list(branch.outputs) == ["F#1/r"]
    assert lines(g.nodes[1].op.else_branch) == ["Identity(): x -> F#1/x"]


def test_a_function_is_called_inside_a_subgraph() -> None:
    call = node("F", ["x"], ["r"], domain="local")
    branch = helper.make_graph([call], "b", [], [value("r", [2, 3])])
    inputs = [value("x", [2, 3]), value("c", [], onnx.TensorProto.BOOL)]
    g = graph(
        [node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
        [function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])])],
        inputs=inputs,
    )
    assert lines(g.nodes[0].op.then_branch) == ["Relu(): x -> r"]


def test_recursion_is_refused() -> None:
    local = function("F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="local")])
    with pytest.raises(InvalidModelError, match=r"function local\.F calls itself"):
        graph([node("F", ["x"], ["y"], domain="local")], [local])


def test_recursion_through_a_subgraph_is_refused() -> None:
    call = node("F", ["a"], ["r"], domain="local")
    branch = helper.make_graph([call], "b", [], [value("r", [2, 3])])
    body = [node("If", ["a"], ["b"], then_branch=branch, else_branch=branch)]
    with pytest.raises(InvalidModelError, match=r"function local\.F calls itself"):
        graph([node("F", ["x"], ["y"], domain="local")], [function("F", ["a"], ["b"], body)])


def chain(length: int, calls: int) -> list[onnx.FunctionProto]:
    """Functions of which each calls the next some times."""
    return [
        function(f"F{i}", ["a"], ["b"], [
            node(f"F{i + 1}" if i + 1 < length else "Relu", ["a" if not k else f"t{k - 1}"],
                 ["b" if k == calls - 1 else f"t{k}"], domain="local" if i + 1 < length else "")
            for k in range(calls)
        ])
        for i in range(length)
    ]  # fmt: skip


def test_depth_is_bounded() -> None:
    assert len(graph([node("F0", ["x"], ["y"], domain="local")], chain(32, 1)).nodes) == 1
    with pytest.raises(LimitError, match="functions are nested over 32 deep"):
        graph([node("F0", ["x"], ["y"], domain="local")], chain(33, 1))


def test_growth_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions_module, "MAX_NODES", 1000)
    with pytest.raises(LimitError, match="over 1000 nodes, its functions expanded"):
        graph([node("F0", ["x"], ["y"], domain="local")], chain(30, 2))


def test_growth_without_nodes_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions_module, "MAX_NODES", 1000)
    functions = chain(30, 2)
    del functions[-1].node[:]
    with pytest.raises(LimitError, match="over 1000 nodes"):
        graph([node("F0", ["x"], ["y"], domain="local")], functions)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("F", ["x", "x"], ["y"], domain="local", name="c")],
         "node 'c' calls F with 2 inputs and 1 outputs; it has 1 and 1"),
        ([node("F", ["x"], ["y", "z"], domain="local", name="c")],
         "node 'c' calls F with 1 inputs and 2 outputs"),
    ],
)  # fmt: skip
def test_wrong_calls(nodes: list[onnx.NodeProto], message: str) -> None:
    local = function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    with pytest.raises(InvalidModelError, match=message):
        graph(nodes, [local])


def test_a_name_that_a_function_does_not_define() -> None:
    local = function("F", ["a"], ["b"], [node("Add", ["a", "x"], ["b"])])
    with pytest.raises(InvalidModelError, match="uses 'F#1/x', which nothing defines"):
        graph([node("F", ["x"], ["y"], domain="local")], [local])


def test_a_function_defined_twice() -> None:
    local = function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    proto = model([node("F", ["x"], ["y"], domain="local")], functions=[local, local])
    with pytest.raises(InvalidModelError, match=r"function local\.F is defined twice"):
        load(proto.SerializeToString())
