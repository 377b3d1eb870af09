"""Run layout-bound operators channels-last, and transpose only where nothing else helps.

Each value keeps its logical shape, that of the model, while it may be stored transposed. One walk
decides for each node in which order of dimensions it works:

- an operator with a field `channels_last` wants N, spatial..., C and gives the same;
- an elementwise operator, or one with `permuted`, works in the order that its inputs are stored in;
- a Transpose only changes the order that is noted, and a View that keeps the stored elements in
  place only changes the shape;
- all others want the model's order.

So a transposition is made real only where a value is wanted in another order than it is stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..ops.elementwise import Elementwise
from ..ops.map import Map
from ..ops.matmul import Product
from ..ops.movement import Transpose, View
from ..options import CompileOptions
from .clean import clean
from .partition import static_values
from .simplify import moves_nothing
from .views import view_order
from .wishes import Perm, channels_last, identity, wishes

__all__ = ["layout"]


def layout(g: Graph, options: CompileOptions) -> Graph:
    """The graph with channels-last operators and few transposes; inputs and outputs stay."""
    if not options.channels_last:
        return g
    walk = _Layout(g)
    for node in g.nodes:
        walk.b.origin = node.origin
        walk.visit(node)
    walk.b.origin = ()
    outputs = {name: walk.natural(value) for name, value in g.outputs.items()}
    return clean(walk.b.build(outputs), options)


class _Layout:
    """The state of the walk: how each value of the old graph is stored in the new one."""

    def __init__(self, g: Graph) -> None:
        self.b = GraphBuilder(g)
        self.shapes = {name: t.shape for name, t in g.types.items()}
        self.static = static_values(g)
        self.wanted = wishes(g, self.static)
        self.stored: dict[str, tuple[str, Perm]] = {}
        self.copies: dict[tuple[str, Perm], str] = {}

    def visit(self, node: Node) -> None:
        """Add what carries out a node, and note how its outputs are stored."""
        op = node.op
        if self.static.issuperset(node.inputs) and op.is_pure():
            self._plain(node)
        elif "channels_last" in op.fields and not any(node.outputs[1:]):
            self._channels_last(node)
        elif isinstance(op, View):
            self._view(node.inputs[0], node.outputs[0])
        elif isinstance(op, Transpose):
            self._transpose(op, node.inputs[0], node.outputs[0])
        elif isinstance(op, Product):
            self._product(node, op)
        elif isinstance(op, (Elementwise, Map)):
            self._elementwise(node)
        elif not self._permuted(node):
            self._plain(node)

    def natural(self, value: str) -> str:
        """The name of a value in the model's order; '' for an absent one."""
        return self._as(value, identity(len(self.shapes[value]))) if value else ""

    def _at(self, value: str) -> tuple[str, Perm]:
        found = self.stored.get(value)
        return found or (value, identity(len(self.shapes[value])))

    def _as(self, value: str, perm: Perm) -> str:
        """The name of a value stored in the given order; made if it is not there yet."""
        name, own = self._at(value)
        if own == perm:
            return name
        made = self.copies.get((value, perm))
        if made is None:
            places = {d: i for i, d in enumerate(own)}
            step = tuple([places[d] for d in perm])
            shape = self.b.shape(name)
            if moves_nothing(shape, step):
                made = self._reshaped(name, tuple([shape[i] for i in step]))
            else:
                made = self.b.add(Transpose(perm=step), name)
            self.copies[value, perm] = made
        return made

    def _reshaped(self, name: str, shape: tuple[int, ...]) -> str:
        return name if self.b.shape(name) == shape else self.b.add(View(shape=shape), name)

    def _plain(self, node: Node) -> None:
        inputs = tuple([self.natural(i) for i in node.inputs])
        if inputs != node.inputs:
            node = Node(node.op, inputs, node.outputs, node.name, node.origin)
        self.b.keep(node)

    def _store(self, node: Node, op: Op, inputs: Sequence[str], perm: Perm) -> None:
        """Add an operator whose outputs are those of a node, stored in the given order."""
        if perm == identity(len(perm)) and tuple(inputs) == node.inputs and op is node.op:
            self.b.keep(node)
            return
        made = self.b.add_all(op, inputs, node.outputs[0], len(node.outputs))
        for name, new in zip(node.outputs, made, strict=True):
            self.stored[name] = (new, perm)

    def _channels_last(self, node: Node) -> None:
        """Its first input and its output have the channels last; a second input is weights.

        Operands of an epilogue cannot be there yet.
        """
        perm = channels_last(len(self.shapes[node.inputs[0]]))
        rest = [self.natural(i) for i in node.inputs[1:]]
        op = node.op.with_(channels_last=True)
        self._store(node, op, (self._as(node.inputs[0], perm), *rest), perm)

    def _product(self, node: Node, op: Product) -> None:
        """A matrix product, which can take its right operand with the last two dims swapped."""
        right = node.inputs[1]
        rank = len(self.shapes[right])
        swapped = (*range(rank - 2), rank - 1, rank - 2)
        own = self._at(right)[1]
        # If it has to be moved anyhow, then so that its innermost dimension stays that.
        if right in self.static or own == identity(rank) or own[-1] != swapped[-1]:
            self._plain(node)
            return
        left, *rest = [self.natural(i) for i in (node.inputs[0], *node.inputs[2:])]
        inputs = (left, self._as(right, swapped), *rest)
        self._store(
            node,
            op.with_(transposed=not op.transposed),
            inputs,
            identity(len(self.shapes[node.outputs[0]])),
        )

    def _transpose(self, op: Transpose, source: str, out: str) -> None:
        name, own = self._at(source)
        perm = op.order(len(own))
        places = {d: i for i, d in enumerate(perm)}
        self.stored[out] = (name, tuple([places[d] for d in own]))

    def _view(self, source: str, out: str) -> None:
        name, own = self._at(source)
        before, after = self.shapes[source], self.shapes[out]
        if moves_nothing(before, own):
            self.stored[out] = (self._reshaped(name, after), identity(len(after)))
            return
        order, perm = view_order(before, after, own)
        if order != own and out in self.wanted:
            wish = self.wanted[out]
            stored, source_order = view_order(after, before, wish)
            if stored == wish:
                order, perm = source_order, wish
        name = self._as(source, order)
        self.stored[out] = (self._reshaped(name, tuple([after[d] for d in perm])), perm)

    def _elementwise(self, node: Node) -> None:
        rank = len(self.shapes[node.outputs[0]])
        perm = self._best(node.inputs, node.outputs[0], rank)
        inputs = [self._aligned(i, perm) for i in node.inputs]
        self._store(node, node.op, inputs, perm)

    def _aligned(self, value: str, perm: Perm) -> str:
        """An operand of a broadcasting operator whose output is stored in the given order."""
        shape = self.shapes[value]
        if len(shape) == len(perm):
            return self._as(value, perm)
        if all(d == 1 for d in shape):
            return self.natural(value)
        if perm == identity(len(perm)):
            return self.natural(value)
        widened = f"{value}:{len(perm)}"  # the same value with leading dimensions of size 1
        if widened not in self.shapes:
            self.shapes[widened] = (*(1,) * (len(perm) - len(shape)), *shape)
            if value in self.static:
                self.static.add(widened)
            self._view(value, widened)
        return self._as(widened, perm)

    def _permuted(self, node: Node) -> bool:
        """Let an operator with `permuted` work in the order of its inputs; False if it can't."""
        permuted = getattr(node.op, "permuted", None)
        inputs = node.inputs
        if permuted is None or not inputs:
            return False
        rank = len(self.shapes[inputs[0]])
        if any(not i or len(self.shapes[i]) != rank for i in inputs):
            return False
        perm = self._best(inputs, node.outputs[0], rank)
        if perm == identity(rank):
            return False
        op: Op | None = permuted(perm)
        if op is not None:
            self._store(node, op, [self._as(i, perm) for i in inputs], perm)
            return True
        return self._reduced(node, perm)

    def _reduced(self, node: Node, perm: Perm) -> bool:
        """A reduction that drops its axes: reduce as if it kept them, then view the rest."""
        op, out = node.op, node.outputs[0]
        if "keepdims" not in op.fields or len(node.outputs) > 1:
            return False
        wide = op.with_(keepdims=True)
        turned: Op | None = wide.permuted(perm)  # type: ignore[attr-defined]
        if turned is None:
            return False
        kept = f"{out}:kept"
        natural = wide.infer(*(self.b.types[i] for i in node.inputs))[0]
        self.shapes[kept] = natural.shape
        made = self.b.add(turned, *(self._as(i, perm) for i in node.inputs), hint=out)
        self.stored[kept] = (made, perm)
        self._view(kept, out)
        return True

    def _best(self, inputs: Sequence[str], out: str, rank: int) -> Perm:
        """The order in which the fewest elements have to be moved first.

        Among equals the one that is wanted next, or else another order than the model's.
        """
        natural, wish = identity(rank), self.wanted.get(out)
        orders: dict[Perm, None] = {}
        moving: list[str] = []
        for value in inputs:
            shape = self.shapes[value]
            if value in self.static or len(shape) < rank or all(d == 1 for d in shape):
                continue
            moving.append(value)
            orders[self._at(value)[1]] = None
        if len(orders) < 2:
            return next(iter(orders), natural)
        return min(orders, key=lambda p: (self._cost(moving, p), p != wish, p == natural))

    def _cost(self, values: Sequence[str], perm: Perm) -> int:
        """The elements that must be moved to have all values in an order."""
        total = 0
        for value in values:
            name, own = self._at(value)
            if own != perm and (value, perm) not in self.copies:
                places = {d: i for i, d in enumerate(own)}
                step = tuple([places[d] for d in perm])
                if not moves_nothing(self.b.shape(name), step):
                    total += self.b.type(name).size
        return total
