"""Let reductions do the elementwise work in front of them and behind them."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.expr import Expr, arg, substitute
from ..ir.graph import Graph, Node
from ..ir.shape import Shape
from ..ir.types import TensorType
from ..ops.base import Op
from ..ops.map import Map
from ..ops.reduce import Reduce
from ..options import CompileOptions
from .algebra import reduced, weight
from .clean import clean

__all__ = ["fuse_reductions"]

MAX_EXTRAS = 4  # operands besides the reduced tensor
MAX_WEIGHT = 32  # operations for one element


def fuse_reductions(g: Graph, options: CompileOptions) -> Graph:
    """The graph with Maps spliced into the Reduce that alone uses them, or that they alone use.

    What stands in front may have operands with one element for each output, such as a mean that
    is subtracted before deviations are squared and summed.
    """
    if not options.fuse:
        return g
    uses = g.use_counts()
    makers: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in g.nodes:
        new = node
        if isinstance(node.op, Reduce):
            new = _with_front(g, node, makers.get(node.inputs[0]), uses) or node
        elif isinstance(node.op, Map):
            for k, name in enumerate(node.inputs):
                found = makers.get(name)
                if found and isinstance(found.op, Reduce) and uses[name] == 1:
                    new = _with_back(g, found, node, k) or node
                    if new is not node:
                        break
        nodes.append(new)
        if isinstance(new.op, (Map, Reduce)):
            makers[new.outputs[0]] = new
    return clean(Graph(g.name, tuple(nodes), g.inputs, g.outputs, g.consts, g.types), options)


def _with_front(g: Graph, node: Node, front: Node | None, uses: dict[str, int]) -> Node | None:
    """The reduction of a Map's inputs; None if they don't fit."""
    op = node.op
    assert isinstance(op, Reduce)
    if front is None or not isinstance(front.op, Map) or uses[node.inputs[0]] != 1:
        return None
    shape = g.types[node.inputs[0]].shape
    full = [i for i in front.inputs if g.types[i].shape == shape]
    if len(full) != 1:
        return None
    kept = tuple([1 if i in op.axes else d for i, d in enumerate(shape)])
    extras = list(node.inputs[1:])
    leaves: list[Expr] = []
    for name in front.inputs:
        t = g.types[name]
        if name == full[0]:
            leaves.append(arg(0, t.dtype))
        elif (k := _extra(extras, name, t, kept)) is not None:
            leaves.append(arg(1 + k, t.dtype))
        else:
            return None
    pre, post = op.expressions(front.op.expr.dtype)
    value = substitute(front.op.expr, leaves)
    others = [arg(1 + k, g.types[i].dtype) for k, i in enumerate(node.inputs[1:])]
    pre = reduced(substitute(pre, [value, *others]))
    if len(extras) > MAX_EXTRAS or weight(pre) > MAX_WEIGHT:
        return None
    return _joined(node, op.with_(pre=pre, post=post), (full[0], *extras), front, node)


def _with_back(g: Graph, node: Node, back: Node, k: int) -> Node | None:
    """The reduction with a Map, whose operand k it is, applied to its result; or None."""
    op = node.op
    assert isinstance(op, Reduce) and isinstance(back.op, Map)
    t = g.types[node.outputs[0]]
    if g.types[back.outputs[0]].shape != t.shape:
        return None
    extras = list(node.inputs[1:])
    pre, post = op.expressions(g.types[node.inputs[0]].dtype)
    leaves: list[Expr] = []
    for i, name in enumerate(back.inputs):
        own = g.types[name]
        if i == k:
            leaves.append(post)
        elif (n := _extra(extras, name, own, t.shape)) is not None:
            leaves.append(arg(2 + n, own.dtype))
        else:
            return None
    post = reduced(substitute(back.op.expr, leaves))
    if len(extras) > MAX_EXTRAS or weight(post) > MAX_WEIGHT:
        return None
    inputs = (node.inputs[0], *extras)
    return _joined(back, op.with_(pre=pre, post=post), inputs, node, back)


def _extra(extras: list[str], name: str, t: TensorType, shape: Shape) -> int | None:
    """The operand's number, once it is among the extras; None unless it has the shape."""
    if t.shape != shape:
        return None
    if name not in extras:
        extras.append(name)
    return extras.index(name)


def _joined(place: Node, op: Op, inputs: Sequence[str], first: Node, second: Node) -> Node:
    origin = tuple(dict.fromkeys((*first.origin, *second.origin)))
    return Node(op, tuple(inputs), place.outputs, place.name, origin)
