"""Turn elementwise operators into Map, whose expression says what they compute."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder, rewrite
from ..ir.expr import arg
from ..ir.graph import Graph, Node
from ..ops.elementwise import Elementwise
from ..ops.map import Map
from ..options import CompileOptions
from .algebra import simplified

__all__ = ["to_maps"]


def to_maps(g: Graph, options: CompileOptions) -> Graph:
    """The graph with a Map in place of each operator that gives an expression.

    Constants of one element become part of the expression, and a Map that is left with the plain
    value of an input vanishes.
    """

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        op = node.op
        if isinstance(op, Map):
            expr = op.expr
        elif isinstance(op, Elementwise):
            expr = op.expr(*(arg(i, b.type(name).dtype) for i, name in enumerate(node.inputs)))
        else:
            return None
        expr, inputs = simplified(b, expr, node.inputs, b.shape(node.outputs[0]))
        if expr.op == "arg" and b.shape(inputs[0]) == b.shape(node.outputs[0]):
            return (inputs[0],)
        if op == Map(expr=expr) and inputs == node.inputs:
            return None
        b.append(Node(Map(expr=expr), inputs, node.outputs, node.name, node.origin))
        return node.outputs

    return rewrite(g, visit)
