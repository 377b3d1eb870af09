"""Choose kernels: operators say in which form their kernels want them, and pack their weights."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..options import CompileOptions
from .expand import checked, repeat

__all__ = ["select"]


def select(g: Graph, options: CompileOptions) -> Graph:
    """Call each operator's `select`, also on what comes out of it."""

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        if type(node.op).select is Op.select:
            return None
        return checked(b, node, node.op.select(b, *node.inputs))

    return repeat(g, visit)
