"""Composite operators become simpler ones, on and on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from wasmkiln.errors import InternalError, ShapeError, WasmkilnError
from wasmkiln.ir.builder import GraphBuilder
from wasmkiln.ir.graph import Node
from wasmkiln.passes.expand import checked, expand, repeat

from tests.passes.graphs import OPTIONS, body, node, run, typed


def test_what_comes_out_is_expanded_too() -> None:
    text = run(typed({"x": "f32[2,3,4]"}, [node("Flatten", "x", "y")], "y"), expand)
    assert text == "y.1: f32[2,12] = View(shape=(2, 12))(x)\n-> y = y.1\n"
    nodes = [node("GlobalAveragePool", "x", "p"), node("Softmax", "p", "y", axis=1)]
    text = run(typed({"x": "f32[2,5,4,4]"}, nodes, "y"), expand)
    assert "Reduce" in text and "RowSoftmax" in text


def test_new_nodes_know_which_node_they_carry_out() -> None:
    g = expand(typed({"x": "f32[2,5]"}, [node("Softmax", "x", "y", "soft", axis=0)], "y"), OPTIONS)
    assert {n.origin for n in g.nodes} == {("soft",)}


def test_a_rewrite_that_never_ends_is_stopped() -> None:
    def visit(b: GraphBuilder, n: Node) -> Sequence[str]:
        return (b.add(n.op, *n.inputs),)

    with pytest.raises(InternalError, match="still change"):
        repeat(typed({"x": "f32[4]"}, [node("Relu", "x", "y")], "y"), visit)


def test_a_rewrite_may_not_change_a_type() -> None:
    def visit(b: GraphBuilder, n: Node) -> Sequence[str] | None:
        return checked(b, n, (n.inputs[0],))

    g = typed({"x": "f32[4,1]"}, [node("Flatten", "x", "y", axis=0)], "y")
    with pytest.raises(InternalError, match=r"y was f32\[1,4\] and is f32\[4,1\]"):
        repeat(g, visit)


def test_errors_name_the_node() -> None:
    def visit(b: GraphBuilder, n: Node) -> Sequence[str] | None:
        raise ShapeError("does not work")

    with pytest.raises(WasmkilnError, match=r"Relu 'act' .*f32\[4\].*: does not work"):
        repeat(typed({"x": "f32[4]"}, [node("Relu", "x", "y", "act")], "y"), visit)


def test_graphs_of_simple_operators_stay() -> None:
    g = typed({"x": "f32[4]"}, [node("Relu", "x", "y")], "y")
    assert body(expand(g, OPTIONS)) == body(g)
