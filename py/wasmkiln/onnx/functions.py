"""Replaces calls of model-local functions by the functions' nodes.

Values inside a function get names that begin with the call's name, so that two calls don't meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from ..errors import InvalidModelError, LimitError
from ..record import record, replace
from .opset import Opsets, opsets_of, plain_domain
from .proto import (
    AttributeItem,
    AttributeProto,
    FunctionProto,
    GraphProto,
    NodeProto,
    SparseTensorProto,
)

__all__ = ["Call", "Functions"]

MAX_CALL_DEPTH = 32
MAX_NODES = 1 << 18  # nodes of a model once its functions are expanded, calls counted too


@record
class Call:
    """A node in the place where it stands.

    opsets: the operator versions in force there. inside: the functions whose calls led there.
    """

    node: NodeProto
    opsets: Opsets
    inside: tuple[str, ...] = ()


class Functions:
    """The model's functions, and the expansion of calls to them."""

    def __init__(self, functions: Iterable[FunctionProto]) -> None:
        self._known: dict[tuple[str, str, str], FunctionProto] = {}
        self._nodes = 0
        for function in functions:
            key = (plain_domain(function.domain), function.name, function.overload)
            if key in self._known:
                raise InvalidModelError(f"function {_title(*key)} is defined twice")
            self._known[key] = function

    def flatten(
        self, nodes: Iterable[NodeProto], opsets: Opsets, inside: tuple[str, ...] = ()
    ) -> list[Call]:
        """The nodes with all calls expanded, but for those in subgraphs."""
        out: list[Call] = []
        self._flatten(nodes, opsets, inside, out)
        return out

    def _flatten(
        self, nodes: Iterable[NodeProto], opsets: Opsets, inside: tuple[str, ...], out: list[Call]
    ) -> None:
        for node in nodes:
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise LimitError(f"the model has over {MAX_NODES} nodes, its functions expanded")
            key = (plain_domain(node.domain), node.op_type, node.overload)
            function = self._known.get(key)
            if function is None:
                out.append(Call(node, opsets, inside))
                continue
            title = _title(*key)
            if title in inside:
                raise InvalidModelError(f"function {title} calls itself: {' > '.join(inside)}")
            if len(inside) == MAX_CALL_DEPTH:
                raise LimitError(f"functions are nested over {MAX_CALL_DEPTH} deep, at {title}")
            body = _expand(node, function, f"{node.name or node.op_type}#{self._nodes}/")
            own = opsets_of(function.opset_imports, f"function {title}")
            self._flatten(body, {**opsets, **own}, (*inside, title), out)


def _title(domain: str, name: str, overload: str) -> str:
    return f"{domain}.{name}{':' if overload else ''}{overload}"


@record
class _Scope:
    """What names and attributes of a function's body stand for in one call."""

    prefix: str
    names: Mapping[str, str]
    attributes: Mapping[str, AttributeProto]

    def name(self, name: str) -> str:
        """The name outside; the body's own values get the prefix."""
        return self.names.get(name, self.prefix + name)

    def all(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names outside."""
        return tuple([self.name(name) for name in names])


def _expand(call: NodeProto, function: FunctionProto, prefix: str) -> list[NodeProto]:
    """The function's nodes for one call."""
    if len(call.inputs) > len(function.inputs) or len(call.outputs) > len(function.outputs):
        raise InvalidModelError(
            f"node '{call.name}' calls {function.name} with {len(call.inputs)} inputs and"
            f" {len(call.outputs)} outputs; it has {len(function.inputs)} and"
            f" {len(function.outputs)}"
        )
    names = {"": ""} | dict(zip_longest(function.inputs, call.inputs, fillvalue=""))
    copies: list[NodeProto] = []
    for inner, outer in zip(function.outputs, call.outputs, strict=False):
        if outer and inner in names:  # an input given back, or one value under two names
            copies.append(NodeProto("Identity", "", f"{prefix}{inner}", (names[inner],), (outer,)))
        elif outer:
            names[inner] = outer
    attributes = {a.name: a for a in (*function.attribute_protos, *call.attributes)}
    scope = _Scope(prefix, names, attributes)
    return [_rename_node(node, scope) for node in function.nodes] + copies


def _rename_node(node: NodeProto, scope: _Scope) -> NodeProto:
    attributes: list[AttributeProto] = []
    for attribute in node.attributes:
        if not attribute.ref_name:
            attributes.append(_rename_attribute(attribute, scope))
        elif attribute.ref_name in scope.attributes:
            attributes.append(replace(scope.attributes[attribute.ref_name], name=attribute.name))
        # else the call leaves the attribute out, and the operator's default holds
    return replace(
        node,
        name=scope.prefix + node.name,
        inputs=scope.all(node.inputs),
        outputs=scope.all(node.outputs),
        attributes=tuple(attributes),
    )


def _rename_attribute(attribute: AttributeProto, scope: _Scope) -> AttributeProto:
    value = attribute.value
    if isinstance(value, GraphProto):
        return replace(attribute, value=_rename_graph(value, scope))
    if isinstance(value, tuple) and value and isinstance(value[0], GraphProto):
        items: tuple[AttributeItem, ...] = tuple(
            _rename_graph(item, scope) for item in value if isinstance(item, GraphProto)
        )
        return replace(attribute, value=items)
    return attribute


def _rename_graph(graph: GraphProto, scope: _Scope) -> GraphProto:
    """A subgraph of a function's body. Its own names get the prefix, also if they hide others."""
    own = {info.name for info in graph.inputs}
    own.update(tensor.name for tensor in graph.initializers)
    own.update(sparse.values.name for sparse in graph.sparse_initializers)
    own.update(name for node in graph.nodes for name in node.outputs)
    names = {**scope.names, **{name: scope.prefix + name for name in own if name}}
    inner = replace(scope, names=names)
    return GraphProto(
        graph.name,
        tuple([_rename_node(node, inner) for node in graph.nodes]),
        tuple([replace(info, name=inner.name(info.name)) for info in graph.inputs]),
        tuple([replace(info, name=inner.name(info.name)) for info in graph.outputs]),
        tuple([replace(t, name=inner.name(t.name)) for t in graph.initializers]),
        tuple([_rename_sparse(s, inner) for s in graph.sparse_initializers]),
    )


def _rename_sparse(sparse: SparseTensorProto, scope: _Scope) -> SparseTensorProto:
    return replace(sparse, values=replace(sparse.values, name=scope.name(sparse.values.name)))
