"""The graph: frozen nodes in topological order over named values in SSA form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..record import fresh, record
from .const import Const
from .types import InputType, TensorType

if TYPE_CHECKING:
    from ..ops.base import Op

__all__ = ["Graph", "Node"]


@record
class Node:
    """One application of an operator.

    inputs: value names; '' where an optional input is absent.
    origin: names of the model's nodes that this one carries out (fusion unites them).
    """

    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str = ""
    origin: tuple[str, ...] = ()


@record
class Graph:
    """A computation. Nodes come after those whose outputs they use.

    inputs: declared types by name, in order. outputs: the value behind each output's name.
    consts: constants by value name. types: concrete types by value name, filled by `infer`.
    declared: types of outputs as far as the model gives them, by the outputs' names.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: Mapping[str, InputType]
    outputs: Mapping[str, str]
    consts: Mapping[str, Const]
    types: Mapping[str, TensorType] = fresh(factory=dict)
    declared: Mapping[str, InputType] = fresh(factory=dict)

    def producers(self) -> dict[str, Node]:
        """The node that produces each value; constants and inputs have none."""
        return {out: node for node in self.nodes for out in node.outputs if out}

    def consumers(self) -> dict[str, list[Node]]:
        """The nodes that use each value, one entry a use; graph outputs are not counted."""
        uses: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                if name:
                    uses.setdefault(name, []).append(node)
        return uses

    def use_counts(self) -> dict[str, int]:
        """How often each value is used, being a graph output counted as a use."""
        counts: dict[str, int] = {}
        for name in self._uses():
            counts[name] = counts.get(name, 0) + 1
        return counts

    def _uses(self) -> Iterable[str]:
        for node in self.nodes:
            for name in node.inputs:
                if name:
                    yield name
        yield from self.outputs.values()
