"""Split a graph into what is computed once, at load, and what each run computes."""

from __future__ import annotations

from ..ir.graph import Graph, Node

__all__ = ["partition", "static_values"]


def partition(g: Graph) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """(init, main): the nodes that depend on nothing but constants, and all others."""
    static = static_values(g)
    init = tuple([n for n in g.nodes if n.outputs and _first(n) in static])
    main = tuple([n for n in g.nodes if not n.outputs or _first(n) not in static])
    return init, main


def static_values(g: Graph) -> set[str]:
    """The constants, and all values computed from nothing but constants."""
    static = set(g.consts)
    static.add("")
    for node in g.nodes:
        if static.issuperset(node.inputs) and node.op.is_pure():
            static.update(node.outputs)
    static.discard("")
    return static


def _first(node: Node) -> str:
    return next(o for o in node.outputs if o)
