"""Nodes and values as messages name them, where values need not be tensors."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.graph import Node
from ..ir.value import Value, describe_value

__all__ = ["describe_node", "describe_value"]


def describe_node(node: Node, inputs: Sequence[Value | None]) -> str:
    """The node and what it was given: `SequenceAt 'pick' (since opset 11; inputs seq of 3)`."""
    given = ", ".join("-" if value is None else describe_value(value) for value in inputs)
    domain = f"{node.op.domain}." if node.op.domain else ""
    title = f"{domain}{node.op.op_type} '{node.name}'"
    return f"{title} (since opset {node.op.since}; inputs {given})"
