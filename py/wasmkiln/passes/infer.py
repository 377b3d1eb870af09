"""Type every node, fold what is known while compiling, inline If, unroll Loop and Scan."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import (
    DataDependentError,
    InvalidModelError,
    ShapeError,
    UnsupportedOperatorError,
)
from ..ir.builder import GraphBuilder, describe, infer_node
from ..ir.graph import Graph, Node
from ..ir.types import TensorType
from ..ops.control import If
from ..options import CompileOptions

__all__ = ["infer"]


def infer(g: Graph, options: CompileOptions) -> Graph:
    """The graph with a concrete type for each value; shape arithmetic, If and loops vanish.

    Raises DataDependentError, naming inputs, where a shape depends on their values.
    """
    b = GraphBuilder(g)
    renamed = {name: name for name in (*g.inputs, *g.consts)}
    for node in g.nodes:
        try:
            _add_nodes(b, (node,), renamed, inner=False)
        except UnsupportedOperatorError as error:
            raise _located(error, b, g, node, renamed) from None
    return b.build({name: renamed[value] for name, value in g.outputs.items()})


def _located(
    error: UnsupportedOperatorError, b: GraphBuilder, g: Graph, node: Node, renamed: dict[str, str]
) -> UnsupportedOperatorError:
    """The error with what a caller needs who may run parts of the graph by other means."""
    if isinstance(error, DataDependentError):
        behind = _behind(b, g, error.value)
        value = next((old for old, new in renamed.items() if new == error.value), error.value)
        error = DataDependentError(str(error), value, behind)
    error.node = next(filter(None, node.outputs), "")
    return error


def _behind(b: GraphBuilder, g: Graph, value: object) -> tuple[str, ...]:
    """Which inputs of the graph decide a value, in their order."""
    makers = {name: node for node in b.nodes for name in node.outputs}
    seen = {value}
    todo = [value]
    while todo:
        node = makers.get(todo.pop())  # type: ignore[call-overload]
        if node is not None:
            todo.extend(i for i in node.inputs if i not in seen)
            seen.update(node.inputs)
    return tuple(name for name in g.inputs if name in seen)


def _add_nodes(
    b: GraphBuilder, nodes: Sequence[Node], renamed: dict[str, str], inner: bool
) -> None:
    """Add nodes under the names that `renamed` gives; nodes of a branch get new names."""
    for old in nodes:
        inputs = tuple([renamed[i] if i else "" for i in old.inputs])
        b.origin = old.origin
        if isinstance(old.op, If):
            values = _inline(b, old, old.op, inputs[0], renamed)
            renamed.update(zip(old.outputs, values, strict=False))
            continue
        if old.op.op_type in ("Loop", "Scan") and not old.op.domain:
            from .unroll import unroll  # few models have loops

            values = unroll(b, old, inputs, renamed, _add_body)
            renamed.update(zip(old.outputs, values, strict=False))
            continue
        if old.op.calls_graphs:
            made = _call_graphs(b, old, inputs, renamed)
            renamed.update(zip(old.outputs, made, strict=False))
            continue
        outputs = tuple([b.fresh(o) if o and inner else o for o in old.outputs])
        renamed.update(zip(old.outputs, outputs, strict=True))
        b.append(Node(old.op, inputs, outputs, old.name, old.origin))


def _add_body(b: GraphBuilder, nodes: Sequence[Node], scope: dict[str, str]) -> None:
    _add_nodes(b, nodes, scope, inner=True)


def _inline(
    b: GraphBuilder, node: Node, op: If, condition: str, renamed: dict[str, str]
) -> list[str]:
    """Add the branch that is taken; its names hide those around it."""
    t = b.type(condition)
    if t.value is None or t.size != 1:
        message = f"{describe(node, (t,))}: the condition depends on data computed at run time"
        raise DataDependentError(message, condition)
    return _added(b, node, op.then_branch if t.value.item() else op.else_branch, renamed)


def _added(
    b: GraphBuilder, node: Node, graph: Graph, names: dict[str, str], inputs: Sequence[str] = ()
) -> list[str]:
    """Add a graph that belongs to a node; its names hide those around it."""
    if len(graph.inputs) != len(inputs):
        raise InvalidModelError(
            f"{describe(node, ())}: its graph '{graph.name}' has {len(graph.inputs)} inputs, "
            f"{len(inputs)} are given"
        )
    scope = dict(names)
    scope.update(zip(graph.inputs, inputs, strict=True))
    for name, const in graph.consts.items():
        scope[name] = fresh = b.fresh(name)
        b.consts[fresh] = const
        b.types[fresh] = TensorType.of(const)
    nodes = [
        Node(n.op, n.inputs, n.outputs, n.name, (*node.origin, *n.origin)) for n in graph.nodes
    ]
    _add_nodes(b, nodes, scope, inner=True)
    return [scope[value] for value in graph.outputs.values()]


def _call_graphs(
    b: GraphBuilder, node: Node, inputs: tuple[str, ...], renamed: dict[str, str]
) -> Sequence[str]:
    """What replaces a node that calls the graphs among its attributes."""
    types = tuple([b.type(i) if i else None for i in inputs])
    expected = infer_node(Node(node.op, inputs, node.outputs, node.name, node.origin), types)

    def call(graph: Graph, *given: str) -> list[str]:
        if len(graph.inputs) != len(given):
            raise InvalidModelError(
                f"{describe(node, types)}: a graph takes {len(graph.inputs)} inputs, "
                f"where {len(given)} are given"
            )
        outputs = _added(b, node, graph, renamed, given)
        b.origin = node.origin
        return outputs

    outputs = node.op.inline(b, call, *inputs)
    for name, t in zip(outputs, expected, strict=True):
        found = b.type(name)
        if (found.dtype, found.shape) != (t.dtype, t.shape):
            raise ShapeError(f"{describe(node, types)}: its graphs make {found} of it, not {t}")
    return outputs
