"""Replace composite operators by simpler ones, until none has anything simpler."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InternalError, WasmkilnError
from ..ir.builder import GraphBuilder, Visit, describe, rewrite
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..options import CompileOptions

__all__ = ["MAX_ROUNDS", "expand", "repeat"]

# Composites of composites: none is deeper than half of this.
MAX_ROUNDS = 16


def expand(g: Graph, options: CompileOptions) -> Graph:
    """Call each operator's `expand`, also on what comes out of it."""

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        if type(node.op).expand is Op.expand:
            return None
        return checked(b, node, node.op.expand(b, *node.inputs))

    return repeat(g, visit)


def repeat(g: Graph, visit: Visit) -> Graph:
    """Rewrite until `visit` replaces nothing more."""
    changed = True

    def watched(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        nonlocal changed
        try:
            new = visit(b, node)
        except WasmkilnError as error:
            types = tuple(b.types[i] if i else None for i in node.inputs)
            raise type(error)(f"{describe(node, types)}: {error}") from None
        changed = changed or new is not None
        return new

    for _ in range(MAX_ROUNDS):
        changed = False
        g = rewrite(g, watched)
        if not changed:
            return g
    raise InternalError(f"operators still change after {MAX_ROUNDS} rounds")


def checked(b: GraphBuilder, node: Node, new: Sequence[str] | None) -> Sequence[str] | None:
    """The replacement, once it is certain that it has the types of what it replaces."""
    if new is not None:
        for old, name in zip(node.outputs, new, strict=False):
            if old and old in b.types and b.types[old] != b.types[name]:
                was, now = b.types[old], b.types[name]
                if (was.dtype, was.shape) != (now.dtype, now.shape):
                    raise InternalError(f"{old} was {was} and is {now} after a rewrite")
    return new
