"""Split a graph into what is computed once, at load, and what each run computes."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.graph import Graph, Node

__all__ = ["partition", "static_values"]


def partition(g: Graph, hoist: bool = True) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """(init, main): the nodes that depend on nothing but constants, and all others.

    Without `hoist` none is of init.

    Those of init that need the most room come first, while the memory of most constants is free.
    """
    static = static_values(g) if hoist else set()
    init = [n for n in g.nodes if n.outputs and _first(n) in static]
    main = tuple([n for n in g.nodes if not n.outputs or _first(n) not in static])
    return _largest_first(g, init), main


def _largest_first(g: Graph, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Groups of nodes that share what they compute, by the bytes that pass through them."""
    group_of: dict[str, list[Node]] = {}
    for node in nodes:
        found = {id(group): group for i in node.inputs if (group := group_of.get(i))}
        group, *others = found.values() or [[]]
        for other in others:
            group += other
        group.append(node)
        for member in (*(n for other in others for n in other), node):
            group_of.update(dict.fromkeys(filter(None, member.outputs), group))
    groups = list({id(group): group for group in group_of.values()}.values())
    order = {id(node): i for i, node in enumerate(nodes)}
    for group in groups:
        group.sort(key=lambda node: order[id(node)])
    groups.sort(key=lambda group: -sum(_bytes_of(g, node) for node in group))
    return tuple(node for group in groups for node in group)


def _bytes_of(g: Graph, node: Node) -> int:
    return sum(g.types[v].nbytes for v in (*node.inputs, *node.outputs) if v)


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
