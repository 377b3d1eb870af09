"""Check that a graph is sound: for tests, and for whoever writes a pass."""

from __future__ import annotations

from ..errors import InternalError
from ..ir.builder import infer_node
from ..ir.graph import Graph, Node

__all__ = ["verify"]


def verify(g: Graph, typed: bool = True) -> None:
    """InternalError unless the graph is in SSA form, in order and completely typed.

    typed: whether all nodes have been inferred; then their types must still be what `infer` says.
    """
    known = set(g.inputs)
    for name, const in g.consts.items():
        _require(name not in known, f"constant '{name}' is an input too")
        known.add(name)
        t = g.types.get(name)
        if t is not None:
            same = (t.dtype, t.shape) == (const.dtype, const.shape)
            _require(same, f"constant '{name}' is {const.dtype}{const.shape}, typed {t}")
    for node in g.nodes:
        title = f"{node.op} -> {', '.join(node.outputs)}"
        for name in node.inputs:
            _require(not name or name in known, f"{title}: '{name}' is not defined before")
        for name in node.outputs:
            _require(name not in known, f"{title}: '{name}' is defined twice")
            if name:
                known.add(name)
        if typed:
            _check_types(g, node, title)
    for name, value in g.outputs.items():
        _require(value in known, f"output '{name}' is '{value}', which nothing defines")
    if typed:
        for name in known:
            _require(name in g.types, f"'{name}' has no type")


def _check_types(g: Graph, node: Node, title: str) -> None:
    for name in node.inputs:
        _require(not name or name in g.types, f"{title}: '{name}' has no type")
    found = infer_node(node, tuple(g.types[i] if i else None for i in node.inputs))
    for name, t in zip(node.outputs, found, strict=False):
        if name:
            stored = g.types.get(name)
            same = stored is not None and (stored.dtype, stored.shape) == (t.dtype, t.shape)
            _require(same, f"{title}: '{name}' is typed {stored}, inferred {t}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InternalError(message)
