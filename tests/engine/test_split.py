"""Steps of a graph: what runs together, and what passes between."""

from __future__ import annotations

from wasmkiln.engine.split import split
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.graph import Graph, Node
from wasmkiln.ir.types import InputType
from wasmkiln.ops.base import create


def graph(*lines: str) -> Graph:
    """Nodes written `a b -> c`, with input x, constant w, and output y."""
    nodes = []
    for line in lines:
        inputs, outputs = (tuple(side.split()) for side in line.split("->"))
        op = create("", "Add" if len(inputs) == 2 else "Relu", 17, {})
        nodes.append(Node(op, inputs, outputs, outputs[0], outputs))
    weight = Const.of(F32, (1,), (1,))
    return Graph("g", tuple(nodes), {"x": InputType(F32, None)}, {"y": "y"}, {"w": weight})


def shown(g: Graph, on_host: str = "", cuts: str = "") -> list[str]:
    return [
        f"{'host ' if s.on_host else ''}{' '.join(s.inputs)} > "
        f"{' '.join(n.name for n in s.nodes)} > {' '.join(s.outputs)}"
        for s in split(g, set(on_host.split()), set(cuts.split()))
    ]


def test_one_segment() -> None:
    assert shown(graph("x w -> a", "a -> y")) == ["x > a y > y"]


def test_a_host_node_between_two_segments() -> None:
    g = graph("x w -> a", "a -> h", "a -> b", "h b -> y")
    assert shown(g, "h") == ["x > a b > a b", "host a > h > h", "h b > y > y"]


def test_host_nodes_in_a_row_need_no_segment_between() -> None:
    g = graph("x -> h", "h w -> k", "k -> y")
    assert shown(g, "h k") == ["host x > h > h", "host h w > k > k", "k > y > y"]


def test_a_cut_value_is_there_before_its_users() -> None:
    g = graph("x -> a", "a -> b", "b w -> c", "c a -> y")
    assert shown(g, cuts="b") == ["x > a b > a b", "b a > c y > y"]
