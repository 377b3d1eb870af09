"""Let one kernel do what attention consists of: product, scale and mask, softmax, product.

    Product(q, k) -> Map -> RowSoftmax -> Product(p, v) -> Transpose

The transposes that bring heads to the front vanish: the kernel reads q, k and v, and writes its
output, where the model has them. Heads that are repeated to share keys and values are read once.
"""

from __future__ import annotations

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
from ..record import record
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


# A dimension as runs of elements, (size, step) each, the outermost first; none for a size of 1.
_Dim = list[tuple[int, int]]


@record
class _Heads:
    """A value as [batch, heads, rows, columns]: where it lies, and the steps in elements."""

    source: str
    shape: Shape
    steps: tuple[int, ...]
    group: int = 1


class _Score:
    """What becomes of a product before the softmax: argument 0 is the product.

    parts: expressions of a Map's arguments, one for each operand. nodes: those that make operands.
    """

    def __init__(self) -> None:
        self.expr: Expr | None = None
        self.parts: list[Expr] = []
        self.operands: list[str] = []
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}


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
        """A value of rank 3 or 4 as heads, read where its views and transposes begin."""
        if 0 in self.types[name].shape:
            return None
        source, dims = self._walk(name)
        if len(dims) == 3 and len(dims[0]) == 2:  # batch and heads are one dimension
            dims = [dims[0][:1], dims[0][1:], *dims[1:]]
        elif len(dims) == 3:
            dims = [[], *dims]
        if len(dims) != 4:
            return None
        batch, heads, rows, columns = dims
        group = 1
        if len(heads) and heads[-1][1] == 0:  # repeated to share keys and values
            group, heads = heads[-1][0], heads[:-1]
        if any(len(d) > 1 for d in (batch, heads, rows, columns)):
            return None
        whole = [d[0] if d else (1, 1) for d in (batch, heads, rows, columns)]
        sizes, steps = zip(*whole, strict=True)
        return _Heads(source, sizes, steps, group)

    def _walk(self, name: str) -> tuple[str, list[_Dim]]:
        """Where a value's elements lie, and its dimensions there; steps back as far as possible."""
        shape = self.types[name].shape
        node = self.producers.get(name)
        own = [
            [(d, step)] if d != 1 else [] for d, step in zip(shape, _row_steps(shape), strict=True)
        ]
        if node is None or not isinstance(node.op, (View, Transpose, ExpandTo)):
            return name, own
        source, dims = self._walk(node.inputs[0])
        if isinstance(node.op, Transpose):
            return source, [dims[p] for p in node.op.order(len(dims))]
        if isinstance(node.op, ExpandTo):
            before = self.types[node.inputs[0]].shape
            pairs = zip(dims, before, shape, strict=True)
            return source, [[(new, 0)] if old != new else dim for dim, old, new in pairs]
        viewed = _regrouped([factor for dim in dims for factor in dim], shape)
        return (name, own) if viewed is None else (source, viewed)


def _regrouped(factors: _Dim, shape: Shape) -> list[_Dim] | None:
    """Runs of elements, outermost first, as the dimensions of a shape; None if they don't fit."""
    left = list(reversed(factors))
    dims: list[_Dim] = []
    for size in shape:
        dim: _Dim = []
        while size != 1:
            if not left:
                return None
            n, step = left.pop()
            if size % n:
                if n % size:
                    return None
                left.append((n // size, step))
                n, step = size, step * (n // size)
            size //= n
            if dim and dim[-1][1] == step * n:
                dim[-1] = (dim[-1][0] * n, step)
            else:
                dim.append((n, step))
        dims.append(dim)
    return dims


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
