"""Turn elementwise operators into Map, whose expression says what they compute."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder, rewrite
from ..ir.dtype import DType
from ..ir.expr import Expr, arg
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..ops.elementwise import Elementwise
from ..ops.map import Map
from ..options import CompileOptions
from .algebra import arguments, reduced, simplified

__all__ = ["to_maps"]


def to_maps(g: Graph, options: CompileOptions) -> Graph:
    """The graph with a Map in place of each operator that gives an expression.

    Constants of one element become part of the expression, and a Map that is left with the plain
    value of an input vanishes.
    """
    # Networks repeat a few expressions many times.
    known: dict[tuple[Op, tuple[DType, ...]], tuple[Expr, bool]] = {}

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        op, inputs = node.op, node.inputs
        if not isinstance(op, (Map, Elementwise)):
            return None
        key = (op, tuple([b.types[i].dtype for i in inputs]))
        found = known.get(key)
        if found is None:
            expr = reduced(_expression(op, key[1]))
            found = known[key] = expr, len(arguments(expr)) == len(inputs)
        expr, uses_all = found
        shape = b.shape(node.outputs[0])
        if not uses_all or _may_shrink(b, inputs):
            expr, inputs = simplified(b, expr, inputs, shape)
        if expr.op == "arg" and isinstance(expr.value, int):
            source = inputs[expr.value]
            if b.shape(source) == shape:
                return (source,)
        if isinstance(op, Map) and expr == op.expr and inputs == node.inputs:
            return None
        b.append(Node(Map(expr=expr), inputs, node.outputs, node.name, node.origin))
        return node.outputs

    return rewrite(g, visit)


def _expression(op: Map | Elementwise, dtypes: tuple[DType, ...]) -> Expr:
    if isinstance(op, Map):
        return op.expr
    return op.expr(*(arg(i, dtype) for i, dtype in enumerate(dtypes)))


def _may_shrink(b: GraphBuilder, inputs: tuple[str, ...]) -> bool:
    """Whether an operand may go: for it occurs twice, or is a constant of one element."""
    if len(set(inputs)) < len(inputs):
        return True
    return any(b.types[i].size == 1 and b.types[i].value is not None for i in inputs)
