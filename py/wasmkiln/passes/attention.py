"""Let one kernel do what attention consists of: product, scale and mask, softmax, product.

    Product(q, k) -> Map -> RowSoftmax -> Product(p, v) -> Transpose

The transposes that bring heads to the front vanish: the kernel reads q, k and v, and writes its
output, where the model has them. Heads that are repeated to share keys and values are read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from ..ir.dtype import BOOL, F32
from ..ir.expr import Expr, call, cast, substitute
from ..ir.expr import arg as argument
from ..ir.graph import Graph, Node
from ..ir.shape import Shape
from ..ir.types import TensorType
from ..ops.map import Map
from ..ops.matmul import Product
from ..ops.movement import ExpandTo, Transpose, View
from ..options import CompileOptions
from .algebra import arguments
from .clean import clean

__all__ = ["fuse_attention"]

MAX_OPERANDS = 4


def fuse_attention(g: Graph, options: CompileOptions) -> Graph:
    """The graph with a FusedAttention for each chain of operators that makes one up."""
    if not options.patterns or not any(n.op.op_type == "RowSoftmax" for n in g.nodes):
        return g
    matcher = _Matcher(g)
    replaced: dict[str, list[Node]] = {}
    types = dict(g.types)
    for node in g.nodes:
        if isinstance(node.op, Product):
            new = matcher.attention(node, types)
            if new:
                replaced[new[-1].outputs[0]] = new
    if not replaced:
        return g
    nodes = [new for node in g.nodes for new in replaced.get(node.outputs[0], [node])]
    return clean(Graph(g.name, tuple(nodes), g.inputs, g.outputs, g.consts, types), options)


@dataclass(frozen=True, slots=True)
class _Heads:
    """A value as [batch, heads, rows, columns]: where it lies, and the steps in elements."""

    source: str
    shape: Shape
    steps: tuple[int, ...]
    group: int = 1


@dataclass(slots=True)
class _Score:
    """What becomes of a product before the softmax: argument 0 is the product.

    parts: expressions of a Map's arguments, one for each operand. nodes: those that make operands.
    """

    expr: Expr | None = None
    parts: list[Expr] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)


class _Matcher:
    """Looks from the second product to the operators before it."""

    def __init__(self, g: Graph) -> None:
        self.g = g
        self.types = g.types
        self.producers = g.producers()
        self.consumers = g.consumers()
        self.uses = g.use_counts()

    def attention(self, node: Node, types: dict[str, TensorType]) -> list[Node]:
        """What replaces a product, or the transpose behind it; nothing if it isn't attention."""
        softmax = self._alone("RowSoftmax", node.inputs[0])
        if softmax is None or softmax.op.log or not _is_plain(node):  # type: ignore[attr-defined]
            return []
        scores = softmax.inputs[0]
        product = self._alone("Product", scores)
        score: _Score | None = _Score()
        if product is None:
            change = self._alone("Map", scores)
            product, score = self._behind(change) if change else (None, None)
        if product is None or score is None or not _is_plain(product):
            return []
        fused = self._fused(node, product, score, types)
        if fused:
            types.update(score.types)
        return fused and [*score.nodes, *fused]

    def _behind(self, change: Node) -> tuple[Node | None, _Score | None]:
        """The product that a Map changes, and how."""
        assert isinstance(change.op, Map)
        shape = self.types[change.outputs[0]].shape
        for k, name in enumerate(change.inputs):
            product = self._alone("Product", name)
            if product is not None and self.types[name].shape == shape:
                return product, self._score(change, change.op.expr, k)
        return None, None

    def _score(self, change: Node, expr: Expr, place: int) -> _Score | None:
        """A Map as an expression of its operand `place`, with all that lacks it made beforehand."""
        out = change.outputs[0]
        score = _Score()
        expr = _hoisted(expr, place, score.parts)
        for i, part in enumerate(score.parts):
            used = sorted(arguments(part))
            inputs = tuple([change.inputs[u] for u in used])
            if part.op == "arg":
                score.operands.append(inputs[0])
                continue
            places = {
                u: argument(n, self.types[x].dtype)
                for n, (u, x) in enumerate(zip(used, inputs, strict=True))
            }
            name = f"{out}:operand{i}"
            op = Map(expr=substitute(part, places.__getitem__))
            score.types[name] = op.infer(*(self.types[x] for x in inputs))[0]
            score.nodes.append(Node(op, inputs, (name,), change.name, change.origin))
            score.operands.append(name)
        score.expr = expr
        return score if len(score.operands) <= MAX_OPERANDS and _is_float(expr) else None

    def _fused(
        self,
        node: Node,
        product: Node,
        score: _Score,
        types: dict[str, TensorType],
    ) -> list[Node]:
        q, k, v = (self._heads(i) for i in (*product.inputs, node.inputs[1]))
        if q is None or k is None or v is None:
            return []
        if product.op.transposed:  # type: ignore[attr-defined]
            k = _swapped(k)
        if node.op.transposed:  # type: ignore[attr-defined]
            v = _swapped(v)
        # k is now [batch, heads, size, keys]; its group is also the values'.
        same = (k.shape[:2], k.group) == (v.shape[:2], v.group) and q.group == 1
        fits = same and q.shape[:2] == (k.shape[0], k.shape[1] * k.group)
        near = q.steps[3] == v.steps[3] == 1 and 1 in k.steps[2:]
        rank = len(self.types[node.outputs[0]].shape)
        if not fits or not near or (score.operands and rank != 4):
            return []
        keys_inner = k.steps[3] == 1
        shape = (*q.shape[:3], k.shape[3], k.shape[2], v.shape[3])
        out, rows_first, end = self._end(node)
        from ..ops.fused_attention import FusedAttention  # loaded where it is needed

        op = FusedAttention(
            shape=shape,
            q_steps=q.steps[:3],
            k_steps=(*k.steps[:2], k.steps[2] if keys_inner else k.steps[3]),
            v_steps=v.steps[:3],
            group=k.group,
            keys_inner=keys_inner,
            rows_first=rows_first,
            score=score.expr,
        )
        inputs = (q.source, k.source, v.source, *score.operands)
        origin = tuple(dict.fromkeys((*product.origin, *node.origin, *end.origin)))
        (made,) = op.infer(*(types[i] for i in inputs[:3]))
        if made.shape == types[out].shape:
            return [Node(op, inputs, (out,), node.name, origin)]
        inner = f"{out}:heads"
        types[inner] = made
        view = Node(View(shape=types[out].shape), (inner,), (out,), node.name, origin)
        return [Node(op, inputs, (inner,), node.name, origin), view]

    def _end(self, node: Node) -> tuple[str, bool, Node]:
        """The value to make, whether its rows come before its heads, and the node that made it."""
        out = node.outputs[0]
        users = self.consumers.get(out, [])
        if self.uses.get(out) != 1 or len(users) != 1:  # or it is an output of the model
            return out, False, node
        after = users[0]
        rank = len(self.types[out].shape)
        if not isinstance(after.op, Transpose) or after.op.order(rank) != (0, 2, 1, 3):
            return out, False, node
        return after.outputs[0], True, after

    def _alone(self, op_type: str, name: str) -> Node | None:
        """The node of that type that makes a value which nothing else uses."""
        node = self.producers.get(name)
        if node is None or node.op.op_type != op_type or self.uses[name] != 1:
            return None
        return node if self.types[name].dtype == F32 else None

    def _heads(self, name: str) -> _Heads | None:
        """A value of rank 3 or 4 in the form of heads, seen through views and transposes."""
        shape = self.types[name].shape
        node = self.producers.get(name)
        if node is not None and isinstance(node.op, View):
            before = self.types[node.inputs[0]].shape
            if len(before) == 4 and before[2:] == shape[-2:] and len(shape) == 3:
                return self._heads(node.inputs[0])
            repeated = self._repeated(node.inputs[0], shape)
            if repeated is not None:
                return repeated
        if len(shape) == 4 and node is not None and isinstance(node.op, Transpose):
            source = node.inputs[0]
            steps = _row_steps(self.types[source].shape)
            return _Heads(source, shape, tuple([steps[p] for p in node.op.order(4)]))
        if len(shape) == 3:
            shape = (1, *shape)
        return _Heads(name, shape, _row_steps(shape)) if len(shape) == 4 else None

    def _repeated(self, name: str, shape: Shape) -> _Heads | None:
        """[batch, heads, 1, ..] expanded to [batch, heads, n, ..], as [batch, heads * n, ..]."""
        node = self.producers.get(name)
        wide = self.types[name].shape
        if node is None or not isinstance(node.op, ExpandTo) or (len(wide), len(shape)) != (5, 4):
            return None
        batch, heads, n, *matrix = wide
        before = self.types[node.inputs[0]].shape
        if before != (batch, heads, 1, *matrix) or shape != (batch, heads * n, *matrix):
            return None
        view = self.producers.get(node.inputs[0])
        inner = (batch, heads, *matrix)
        source = node.inputs[0]
        if view is not None and isinstance(view.op, View):
            found = self._heads(view.inputs[0]) if self._is(view.inputs[0], inner) else None
            if found is not None:
                return _Heads(found.source, inner, found.steps, n)
        return _Heads(source, inner, _row_steps(inner), n)

    def _is(self, name: str, shape: Shape) -> bool:
        return self.types[name].shape == shape


def _hoisted(expr: Expr, place: int, parts: list[Expr]) -> Expr:
    """The expression with argument `place` as its argument 0, and the rest as operands of f32.

    What does not depend on that argument would be computed again for each head and each query.
    Scores are scaled by a factor where they were divided: that is a fourth of the time, and an ulp.
    """
    memo: dict[Expr, Expr] = {}

    def operand(part: Expr) -> Expr:
        if part not in parts:
            parts.append(part)
        return argument(1 + parts.index(part), F32)

    def walk(e: Expr) -> Expr:
        done = memo.get(e)
        if done is None:
            used = arguments(e)
            if place not in used and used and e.dtype in (F32, BOOL):
                done = operand(e) if e.dtype == F32 else call("ne", operand(cast(e, F32)), 0.0)
            elif e.op == "arg":
                done = argument(0, F32) if e.value == place else operand(cast(e, F32))
            elif e.op == "div" and e.args[1].op == "const" and e.dtype == F32:
                done = walk(e.args[0]) * (1.0 / (e.args[1].value or float("nan")))
            else:
                done = Expr(e.op, tuple(map(walk, e.args)), e.dtype, e.value) if e.args else e
            memo[e] = done
        return done

    return walk(expr)


def _is_float(expr: Expr) -> bool:
    """Whether all steps are on f32 or bool."""
    return expr.dtype in (F32, BOOL) and all(map(_is_float, expr.args))


def _is_plain(node: Node) -> bool:
    """Whether a product is of two f32 tensors and nothing else."""
    return len([i for i in node.inputs if i]) == 2


def _swapped(x: _Heads) -> _Heads:
    a, b, c, d = x.shape
    e, f, g, h = x.steps
    return _Heads(x.source, (a, b, d, c), (e, f, h, g), x.group)


def _row_steps(shape: Shape) -> tuple[int, ...]:
    return tuple([prod(shape[i + 1 :]) for i in range(len(shape))])
