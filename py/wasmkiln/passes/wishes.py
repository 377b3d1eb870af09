"""In which order of dimensions the users of a value would like to find it."""

from __future__ import annotations

from collections.abc import Set

from ..ir.graph import Graph, Node
from ..ops.elementwise import Elementwise
from ..ops.map import Map
from ..ops.movement import Transpose, View
from .views import view_order

__all__ = ["Perm", "channels_last", "identity", "is_flexible", "wishes"]

# The logical dimension that each stored dimension is: stored.shape[i] == logical.shape[perm[i]].
Perm = tuple[int, ...]


def identity(rank: int) -> Perm:
    """The model's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> Perm:
    """N, spatial..., C of what is logically N, C, spatial..."""
    return (0, *range(2, rank), 1)


def is_flexible(node: Node) -> bool:
    """Whether a node can work in any order that its inputs have in common."""
    return isinstance(node.op, (Elementwise, Map)) or hasattr(node.op, "permuted")


def wishes(g: Graph, static: Set[str]) -> dict[str, Perm]:
    """The order that the first user of each value asks for, seen through flexible operators.

    It settles where a transposition that can't be avoided should lead to.
    """
    wanted = {v: identity(len(g.types[v].shape)) for v in g.outputs.values()}
    for node in reversed(g.nodes):
        op, out = node.op, node.outputs[0]
        if "channels_last" in op.fields:
            wanted[node.inputs[0]] = channels_last(g.types[node.inputs[0]].rank)
            continue
        if not isinstance(op, (Transpose, View)) and not is_flexible(node):
            for name in node.inputs:
                if name and name not in static:
                    wanted[name] = identity(g.types[name].rank)
            continue
        wish = wanted.get(out)
        if wish is None:
            continue
        if isinstance(op, Transpose):
            order = op.order(len(wish))
            wanted[node.inputs[0]] = tuple([order[d] for d in wish])
        elif isinstance(op, View):
            source = node.inputs[0]
            stored, before = view_order(g.types[out].shape, g.types[source].shape, wish)
            if stored == wish:
                wanted[source] = before
        else:
            for name in node.inputs:
                if name and name not in static and g.types[name].rank == len(wish):
                    wanted[name] = wish
    return wanted
