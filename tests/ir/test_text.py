"""Graphs as text."""

from __future__ import annotations

from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.text import graph_text, op_text
from wasmkiln.ops.control import If
from wasmkiln.ops.movement import View
from wasmkiln.ops.pad import PadConst

from tests.passes.graphs import filled, graph, internal, node, typed, weights


def test_a_line_for_each_input_node_and_output() -> None:
    nodes = [node("Clip", "x - high", "a"), node("MaxPool", "i", "p q", kernel_shape=(2,))]
    inputs = {"x": "f32[2,3]", "i": "f32[1,4,8]"}
    g = typed(inputs, [*nodes, node("Identity", "x", "z")], "a z", {"high": filled(6.0)})
    assert graph_text(g) == (
        "input x: f32[2,3]\n"
        "input i: f32[1,4,8]\n"
        "a: f32[2,3] = Clip(x, -, high)\n"
        "p: f32[1,4,7], q: i64[1,4,7] = MaxPool(kernel_shape=(2,), n_outputs=2)(i)\n"
        "z: f32[2,3] = Identity(x)\n"
        "-> a\n"
        "-> z\n"
    )


def test_untyped_graphs_show_what_the_model_declares() -> None:
    text = graph_text(graph({"x": "f32[n,3]"}, [node("Relu", "x", "y")], "y"))
    assert text == "input x: f32[n,3]\ny = Relu(x)\n-> y\n"


def test_attributes_are_short() -> None:
    border = PadConst(begins=(1,), ends=(0,), value=Const.scalar(F32, 0.5))
    assert op_text(border) == "PadConst(begins=(1,), ends=(0,), value=0.5)"
    assert op_text(border.with_(value=filled(0.5, 2))).endswith("value=f32[2](0.5, 0.5))")
    assert op_text(border.with_(value=weights(64))).endswith("value=f32[64])")
    assert op_text(View(shape=tuple(range(100)))) == "View(shape=(0, 1, 2, ... 100 in all))"
    branch = graph({}, [node("Relu", "x", "y")], "y")
    assert op_text(If(then_branch=branch, else_branch=branch)).count("<graph of 1 nodes>") == 2
    assert op_text(internal("RowSoftmax")) == "RowSoftmax"
