"""Nodes and values as messages name them, where values need not be tensors."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.const import Const
from ..ir.graph import Node
from ..ir.shape import show
from ..ir.value import MapValue, SequenceValue, Value

__all__ = ["describe_node", "describe_value"]


def describe_node(node: Node, inputs: Sequence[Value | None]) -> str:
    """The node and what it was given: `SequenceAt 'pick' (since opset 11; inputs seq of 3)`."""
    given = ", ".join("-" if value is None else describe_value(value) for value in inputs)
    domain = f"{node.op.domain}." if node.op.domain else ""
    title = f"{domain}{node.op.op_type} '{node.name}'"
    return f"{title} (since opset {node.op.since}; inputs {given})"


def describe_value(value: Value) -> str:
    """A value's type: `f32[2,3]`, `seq of 4`, `map of 2`, `nothing`."""
    if isinstance(value, Const):
        return f"{value.dtype}{show(value.shape)}"
    if isinstance(value, SequenceValue):
        return f"seq of {len(value.items)}"
    if isinstance(value, MapValue):
        return f"map of {len(value.items)}"
    return "nothing"
