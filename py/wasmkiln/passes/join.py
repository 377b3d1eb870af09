"""Let what is joined along channels be written where the joined tensor lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod

from ..ir.builder import GraphBuilder, rewrite
from ..ir.graph import Graph, Node
from ..ir.shape import normalize_axis
from ..ops.concat import Concat, Join
from ..options import CompileOptions
from .partition import static_values

__all__ = ["join_in_place"]


def join_in_place(g: Graph, options: CompileOptions) -> Graph:
    """Replace each Concat whose inputs nothing else reads, and can all be written apart.

    Where only some can, a copy would be saved, but the room of all taken from the first on.
    """
    if not options.join or not any(isinstance(node.op, Concat) for node in g.nodes):
        return g
    static = static_values(g)
    makers = {o: n for n in g.nodes for o in n.outputs if o and o not in static}
    uses = Counter(i for n in g.nodes for i in n.inputs)
    uses.update(g.outputs.values())

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        op = node.op
        if not isinstance(op, Concat):
            return None
        shape = g.types[node.outputs[0]].shape
        axis = normalize_axis(op.axis, len(shape))
        if prod(shape[axis + 1 :]) != 1:
            return None
        if not all(_direct(g, makers, uses, x, axis) for x in node.inputs):
            return None
        return (b.add(Join(axis=axis), *node.inputs),)

    return rewrite(g, visit)


def _direct(
    g: Graph, makers: Mapping[str, Node], uses: Mapping[str, int], x: str, axis: int
) -> bool:
    """Whether a value's rows can be written apart, however it is viewed in between."""
    columns = g.types[x].shape[axis]
    while uses[x] == 1 and x in makers and len(makers[x].outputs) == 1:
        node = makers[x]
        if g.types[x].shape[-1:] != (columns,):
            return False
        types = [g.types[i] if i else None for i in node.inputs]
        if not node.op.may_view():
            return node.op.writes_apart(g.types[x], *types)
        if node.op.view(*types) != 0:
            return False
        x = node.inputs[0]
    return False
