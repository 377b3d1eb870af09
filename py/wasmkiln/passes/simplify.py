"""Drop operators that change nothing, and join those that only move data."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from ..ir.builder import GraphBuilder, rewrite
from ..ir.const import Const
from ..ir.dtype import BY_ONNX
from ..ir.graph import Graph, Node
from ..ops.dropout import Dropout
from ..ops.movement import Transpose, View
from ..options import CompileOptions
from .clean import clean

__all__ = ["moves_nothing", "simplify"]


def simplify(g: Graph, options: CompileOptions) -> Graph:
    """The graph without identities, with runs of views and of transposes joined, and cleaned."""
    producers: dict[str, Node] = {}
    seen = 0

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        nonlocal seen
        for made in b.nodes[seen:]:
            for name in made.outputs:
                producers[name] = made
        seen = len(b.nodes)
        rule = _RULES.get(node.op.op_type)
        new = rule(b, node, producers) if rule else None
        return None if new is None else (new,)

    return clean(rewrite(g, visit), options)


def moves_nothing(shape: Sequence[int], perm: Sequence[int]) -> bool:
    """Whether transposing leaves all elements where they are, since only 1-sized dims move."""
    last = -1
    for d in perm:
        if shape[d] != 1:
            if d < last:
                return False
            last = d
    return True


Producers = dict[str, Node]


def _same(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    """An operator that gives its first input, as far as its first output goes."""
    return node.inputs[0] if not any(node.outputs[1:]) else None


def _dropout(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    assert isinstance(node.op, Dropout)
    trains = node.op.trains(*(b.type(i) if i else None for i in node.inputs))
    return None if trains else _same(b, node, producers)


def _same_shape(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    """An operator that gives its first input if it does not change the shape."""
    return node.inputs[0] if b.shape(node.inputs[0]) == b.shape(node.outputs[0]) else None


def _cast(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    target = BY_ONNX.get(getattr(node.op, "to", 0))
    return node.inputs[0] if b.type(node.inputs[0]).dtype == target else None


def _view(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    source, shape = node.inputs[0], b.shape(node.outputs[0])
    producer = producers.get(source)
    joined = producer is not None and isinstance(producer.op, View)
    if joined and producer is not None:
        source = producer.inputs[0]
    if b.shape(source) == shape:
        return source
    return b.add(View(shape=shape), source) if joined else None


def _transpose(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    assert isinstance(node.op, Transpose)
    source = node.inputs[0]
    perm = node.op.order(b.type(source).rank)
    producer = producers.get(source)
    joined = producer is not None and isinstance(producer.op, Transpose)
    if producer is not None and isinstance(producer.op, Transpose):
        source, inner = producer.inputs[0], producer.op.order(len(perm))
        perm = tuple([inner[d] for d in perm])
    shape = b.shape(source)
    if perm == tuple(range(len(perm))):
        return source
    if moves_nothing(shape, perm):
        return b.add(View(shape=tuple([shape[d] for d in perm])), source)
    return b.add(Transpose(perm=perm), source) if joined else None


def _concat(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
    return node.inputs[0] if len(node.inputs) == 1 else None


def _neutral(value: float, either: bool) -> Callable[[GraphBuilder, Node, Producers], str | None]:
    """The rule for a binary operator with a neutral element on the right, or on either side."""

    def rule(b: GraphBuilder, node: Node, producers: Producers) -> str | None:
        left, right = node.inputs
        pairs = ((left, right), (right, left)) if either else ((left, right),)
        for kept, other in pairs:
            const = b.type(other).value
            if const is None or b.shape(kept) != b.shape(node.outputs[0]):
                continue
            if _is_filled(const, value):
                return kept
        return None

    return rule


def _is_filled(const: Const, value: float) -> bool:
    assert isinstance(const.data, bytes)
    if not const.dtype.code or const.dtype.kind not in "iuf":
        return False
    number = value if const.dtype.is_float else int(value)
    item = struct.pack("<" + const.dtype.code, number)
    return const.data == item * (len(const.data) // len(item))


_RULES: dict[str, Callable[[GraphBuilder, Node, Producers], str | None]] = {
    "Identity": _same,
    "Dropout": _dropout,
    "Expand": _same_shape,
    "Tile": _same_shape,
    "Cast": _cast,
    "View": _view,
    "Transpose": _transpose,
    "Concat": _concat,
    "Add": _neutral(0.0, either=True),
    "Sub": _neutral(0.0, either=False),
    "Mul": _neutral(1.0, either=True),
    "Div": _neutral(1.0, either=False),
}
