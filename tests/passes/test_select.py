"""Operators choose the form that their kernels want, and pack constant weights at load."""

from __future__ import annotations

from wasmkiln.passes.expand import expand
from wasmkiln.passes.partition import partition
from wasmkiln.passes.select import select
from wasmkiln.passes.simplify import simplify

from tests.passes.graphs import OPTIONS, node, typed, weights


def test_weights_are_packed_at_load_and_others_at_each_run() -> None:
    nodes = [node("MatMul", "x w", "a"), node("MatMul", "a v", "y")]
    g = typed({"x": "f32[6,16]", "v": "f32[8,4]"}, nodes, "y", {"w": weights(16, 8)})
    for function in (expand, select, simplify):
        g = function(g, OPTIONS)
    init, main = partition(g)
    assert [n.op.op_type for n in init if n.op.can_lower()] == ["PackPanels"]
    kernels = [n.op.op_type for n in main if n.op.view(g.types[n.inputs[0]]) is None]
    assert kernels == ["GemmPacked", "PackPanels", "GemmPacked"]


def test_everything_can_be_lowered_afterwards() -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("GlobalAveragePool", "a", "p"),
        node("Softmax", "p", "y", axis=1),
    ]
    g = typed({"x": "f32[2,4,6,6]"}, nodes, "y", {"w": weights(8, 4, 3, 3)})
    for function in (expand, select, simplify):
        g = function(g, OPTIONS)
    for n in g.nodes:
        types = [g.types[i] if i else None for i in n.inputs]
        assert n.op.can_lower() or n.op.view(*types) is not None
