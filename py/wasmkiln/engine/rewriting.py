"""Rewrites nodes of a graph that has no types yet: operators that give `parts` of themselves."""

from __future__ import annotations

from ..errors import InternalError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.graph import Graph, Node
from ..ir.types import TensorType
from ..ops.base import create
from ..record import replace
from .scope import bodies, captures

__all__ = ["split_node"]


class _UntypedBuilder(GraphBuilder):
    """A builder that adds nodes as they are."""

    def __init__(self, base: Graph) -> None:
        super().__init__(base)
        self._taken = {*base.inputs, *base.consts, *captures(base)}
        self._taken.update(name for node in base.nodes for name in node.outputs)

    def type(self, value: str) -> TensorType:
        """Refuses: there are none."""
        raise InternalError(f"the type of '{value}' is not known before the graph is split")

    def fresh(self, hint: str) -> str:
        """A value name not used so far."""
        while (name := super().fresh(hint)) in self._taken:
            pass
        self._taken.add(name)
        return name

    def const(self, value: Const, hint: str = "const") -> str:
        """The name of a constant of its own."""
        name = self.fresh(hint)
        self.consts[name] = value
        return name

    def append(self, node: Node) -> None:
        """Add a node."""
        self.nodes.append(node)


def split_node(g: Graph, output: str) -> Graph | None:
    """The graph with the node behind `output` replaced by parts that can run; None if it has none.

    What the node gave keeps its names inside; only the graph's outputs are led to the new values.
    """
    b = _UntypedBuilder(g)
    renamed: dict[str, str] = {}
    for node in g.nodes:
        if output not in node.outputs:
            b.nodes.append(_with_inputs(node, renamed) if renamed else node)
            continue
        b.origin, b.hint = node.origin, output
        new = node.op.parts(b, *node.inputs)
        if new is None:
            return None
        renamed = {old: made for old, made in zip(node.outputs, new, strict=False) if old}
        b.nodes[:] = [*b.nodes, *_aliases(node, renamed, g)]
    return Graph(
        g.name,
        tuple(b.nodes),
        g.inputs,
        {name: renamed.get(value, value) for name, value in g.outputs.items()},
        b.consts,
        g.types,
        g.declared,
    )


def _with_inputs(node: Node, renamed: dict[str, str]) -> Node:
    inputs = tuple([renamed.get(name, name) for name in node.inputs])
    return node if inputs == node.inputs else replace(node, inputs=inputs)


def _aliases(node: Node, renamed: dict[str, str], g: Graph) -> list[Node]:
    """Identities for values that bodies of other nodes take under their old names."""
    inner = {n for other in g.nodes for body in bodies(other) for n in captures(body)}
    return [
        Node(create("", "Identity", 21, {}), (renamed[old],), (old,), node.name, node.origin)
        for old in node.outputs
        if old in inner and old in renamed
    ]
