"""Find chains of expand, depthwise convolution and projection, and join each to one node."""

from __future__ import annotations

from ..ir.graph import Graph, Node
from ..ops.bottleneck import Bottleneck, pays
from ..ops.conv_packed import Depthwise
from ..ops.movement import View
from ..ops.packed import GemmPacked

__all__ = ["Chains"]


class Chains:
    """The chains of a graph, found from their ends."""

    def __init__(self, g: Graph, threads: int) -> None:
        self.types, self.threads = g.types, threads
        self.uses, self.makers = g.use_counts(), g.producers()

    def joined(self, node: Node) -> Node | None:
        """The Bottleneck that ends with this node."""
        project = node.op
        if not isinstance(project, GemmPacked) or project.groups > 1 or project.integer:
            return None
        depthwise = self._maker(node.inputs[0])
        if depthwise is None or not isinstance(depthwise.op, Depthwise):
            return None
        if self.types[node.inputs[1]].shape[0] > 1 or self._has_full(depthwise):
            return None
        parts = [depthwise, node]
        expand = self._expand(depthwise.inputs[0])
        if expand is not None:
            parts.insert(0, expand)
        widen = expand.op if expand else None
        assert widen is None or isinstance(widen, GemmPacked)
        op = Bottleneck(widen=widen, depthwise=depthwise.op, project=project)
        x = parts[0].inputs[0]
        if not pays(op, self.types[x], self.threads):
            return None
        inputs = [x]
        for part in parts:
            inputs += part.inputs[1:] if len(part.inputs) > 2 else (part.inputs[1], "")
        origin = tuple(dict.fromkeys([o for part in parts for o in part.origin]))
        return Node(op, tuple(inputs), node.outputs, node.name, origin)

    def _maker(self, name: str) -> Node | None:
        """What makes a value that has one use, views of it being passed."""
        while self.uses[name] == 1:
            maker = self.makers.get(name)
            if maker is None or not isinstance(maker.op, View):
                return maker
            name = maker.inputs[0]
        return None

    def _expand(self, name: str) -> Node | None:
        """The product that makes a value, if the kernel can keep its result to itself."""
        node = self._maker(name)
        if node is None or not isinstance(node.op, GemmPacked) or node.op.groups > 1:
            return None
        batch = max(self.types[i].shape[0] for i in node.inputs[:2])
        return None if batch > 1 or self._has_full(node) else node

    def _has_full(self, node: Node) -> bool:
        """Whether the epilogue reads an operand that is as large as the result."""
        columns = self.types[node.outputs[0]].shape[-1]
        return any(self.types[i].size not in (1, columns) for i in node.inputs[3:])
