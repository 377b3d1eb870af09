"""Which values nodes use, those that their bodies take from around them included."""

from __future__ import annotations

from ..ir.dtype import STRING
from ..ir.graph import Graph, Node

__all__ = ["bodies", "captures", "needs_host", "uses"]


def bodies(node: Node) -> tuple[Graph, ...]:
    """The graphs among a node's attributes."""
    values = (getattr(node.op, name) for name in node.op.fields)
    return tuple([value for value in values if isinstance(value, Graph)])


def uses(node: Node) -> tuple[str, ...]:
    """The values that a node reads, each once."""
    inner = [name for body in bodies(node) for name in captures(body)]
    return tuple(dict.fromkeys(filter(None, (*node.inputs, *inner))))


def captures(g: Graph) -> tuple[str, ...]:
    """The values that a graph uses and does not define."""
    own = {*g.inputs, *g.consts}
    own.update(name for node in g.nodes for name in node.outputs)
    used = [name for node in g.nodes for name in uses(node)]
    return tuple([n for n in dict.fromkeys((*used, *g.outputs.values())) if n and n not in own])


def needs_host(node: Node) -> bool:
    """Whether a node, or anything in its bodies, can't be compiled whatever its inputs are."""
    return node.op.on_host or any(
        any(const.dtype == STRING for const in body.consts.values())
        or any(needs_host(inner) for inner in body.nodes)
        for body in bodies(node)
    )
