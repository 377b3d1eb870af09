"""Fuse elementwise operators that feed each other into one Map, so that memory is read once."""

from __future__ import annotations

from ..ir.expr import Expr, arg, substitute
from ..ir.graph import Graph, Node
from ..ops.map import Map
from ..ops.reduce import Reduce
from ..options import CompileOptions
from ..program.kernels.finish import NARROW
from .algebra import reduced, weight
from .clean import clean
from .partition import static_values

__all__ = ["fuse_maps"]

MAX_INPUTS = 8  # pointers and vectors that a loop can keep in registers
MAX_WEIGHT = 64  # operations for one element
MAX_TREE = 512  # the same, shared parts being counted at each use
# An output this small takes less time than the call of another kernel.
SMALL = 1024


def fuse_maps(g: Graph, options: CompileOptions) -> Graph:
    """The graph with each Map merged into the only one that uses its value.

    A single operation is repeated in all Maps that use it, if nothing else does.
    """
    if not options.fuse:
        return g
    fuser = _Fuser(g)
    nodes = tuple([fuser.visit(node) for node in g.nodes])
    return clean(Graph(g.name, nodes, g.inputs, g.outputs, g.consts, g.types), options)


class _Fuser:
    """The state of a forward walk; `uses` counts the nodes that still need a value."""

    def __init__(self, g: Graph) -> None:
        self.types = g.types
        self.static = static_values(g)
        self.maps: dict[str, Node] = {}
        self.refused: dict[str, set[str]] = {}  # values that were too much for the maker of one
        self.uses: dict[str, int] = {}
        self.other: set[str] = set(g.outputs.values())  # used by something else than a Map
        self.heavy: set[str] = set()  # made by operators that can themselves take a Map
        self.narrowing: set[str] = set()  # of these, by operators that can store integers
        for node in g.nodes:
            for name in set(node.inputs):
                self.uses[name] = self.uses.get(name, 0) + 1
            if not isinstance(node.op, Map):
                self.other.update(node.inputs)
                if "epilogue" in node.op.fields or isinstance(node.op, Reduce):
                    self.heavy.update(node.outputs)
                if hasattr(node.op, "may_narrow"):
                    self.narrowing.update(node.outputs)
        for name in g.outputs.values():
            self.uses[name] = self.uses.get(name, 0) + 1

    def visit(self, node: Node) -> Node:
        """The node with all producers merged that can be."""
        if not isinstance(node.op, Map):
            return node
        out = node.outputs[0]
        self.maps[out] = node
        refused = self.refused[out] = set()
        while True:
            name = next((i for i in node.inputs if i not in refused and self._fits(i, out)), None)
            if name is None:
                break
            merged = self._merge(node, self.maps[name], name)
            if merged is None:
                refused.add(name)
            else:
                self._count(node, self.maps[name], name)
                refused |= self.refused[name]  # it has only grown
                node = self.maps[out] = merged
        return node

    def _fits(self, name: str, out: str) -> bool:
        """Whether the value may be computed where `out` is, once for each of its elements."""
        producer = self.maps.get(name)
        if producer is None or (name in self.static) != (out in self.static):
            return False
        if self.types[name].dtype in NARROW and not self.narrowing.isdisjoint(producer.inputs):
            return False  # fewer bytes pass than if the sums did
        small = self.types[out].size <= SMALL
        same = self.types[name].shape == self.types[out].shape
        alone = not self._has_home(producer)
        if not same and not (small and alone):
            return False
        if not small and _is_wide(producer) != _is_wide(self.maps.get(out, producer)):
            return False
        if self.uses[name] == 1:
            return True
        return name not in self.other and same and alone and weight(_expr(producer)) == 1

    def _has_home(self, node: Node) -> bool:
        """Whether the operator before a Map may take it, so that it had better not be repeated."""
        shape = self.types[node.outputs[0]].shape
        return any(i in self.heavy and self.types[i].shape == shape for i in node.inputs)

    def _count(self, node: Node, producer: Node, name: str) -> None:
        """Update the uses: `node` now uses the producer's inputs in place of its output."""
        self.uses[name] -= 1
        gone = self.uses[name] == 0
        for i in producer.inputs:
            shared = i in node.inputs
            self.uses[i] += (not shared) - gone

    def _merge(self, node: Node, producer: Node, name: str) -> Node | None:
        """The node with a producer's expression spliced in; None if that grows too large."""
        kept = [i for i in node.inputs if i != name]
        inputs = list(dict.fromkeys([*kept, *producer.inputs]))
        if len(inputs) > MAX_INPUTS:
            return None
        old, inner = _expr(node), _expr(producer)
        leaves = {i: arg(k, self.types[i].dtype) for k, i in enumerate(inputs)}
        spliced = leaves[name] = substitute(inner, [leaves[i] for i in producer.inputs])
        expr = reduced(substitute(old, [leaves[i] for i in node.inputs]), spliced)
        if expr.size > MAX_TREE or weight(expr) > MAX_WEIGHT:
            return None
        origin = tuple(dict.fromkeys((*producer.origin, *node.origin)))
        return Node(Map(expr=expr), tuple(inputs), node.outputs, node.name, origin)


def _expr(node: Node) -> Expr:
    assert isinstance(node.op, Map)
    return node.op.expr


def _is_wide(node: Node) -> bool:
    """Whether elements of eight bytes occur, for which kernels have no vector code.

    Merged with others they would make those slow as well.
    """
    seen: set[Expr] = set()

    def walk(e: Expr) -> bool:
        if e in seen:
            return False
        seen.add(e)
        return e.dtype.itemsize == 8 or any(map(walk, e.args))

    return walk(_expr(node))
