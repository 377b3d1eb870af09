"""Merge equal nodes and constants, and drop what no output needs."""

from __future__ import annotations

from collections.abc import Iterable

from ..ir.const import Const
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..options import CompileOptions

__all__ = ["clean"]


def clean(g: Graph, options: CompileOptions) -> Graph:
    """The graph without dead code and without computing anything twice."""
    renamed: dict[str, str] = {}
    seen_consts: dict[Const, str] = {}
    for name, const in g.consts.items():
        first = seen_consts.setdefault(const, name)
        if first != name:
            renamed[name] = first
    nodes = _merge(g.nodes, renamed)
    outputs = {name: renamed.get(value, value) for name, value in g.outputs.items()}
    nodes, used = _live(nodes, outputs.values())
    if len(nodes) == len(g.nodes) and not renamed and all(name in used for name in g.consts):
        return g
    used.update(g.inputs)
    return Graph(
        g.name,
        tuple(nodes),
        g.inputs,
        outputs,
        {k: v for k, v in g.consts.items() if k in used},
        {k: v for k, v in g.types.items() if k in used},
    )


def _merge(nodes: Iterable[Node], renamed: dict[str, str]) -> list[Node]:
    """The nodes without those that repeat an earlier one, whose outputs are renamed."""
    seen: dict[tuple[Op, tuple[str, ...], int], Node] = {}
    kept: list[Node] = []
    for node in nodes:
        if renamed:
            inputs = tuple([renamed.get(i, i) for i in node.inputs])
            if inputs != node.inputs:
                node = Node(node.op, inputs, node.outputs, node.name, node.origin)
        first = seen.setdefault((node.op, node.inputs, len(node.outputs)), node)
        if first is node:
            kept.append(node)
        elif node.op.is_pure() and all(first.outputs):
            renamed.update(zip(node.outputs, first.outputs, strict=True))
            renamed.pop("", None)  # an output that nobody wants; also the name of an absent input
        else:
            kept.append(node)
    return kept


def _live(nodes: list[Node], outputs: Iterable[str]) -> tuple[list[Node], set[str]]:
    """The nodes that the outputs need, and all values that those nodes or the outputs mention."""
    used = set(outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if not used.isdisjoint(node.outputs):
            kept.append(node)
            used.update(node.inputs)
            used.update(node.outputs)
    used.discard("")
    kept.reverse()
    return kept, used
