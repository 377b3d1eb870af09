"""Find normalizations of rows that a model spells out, as exporters do with LayerNorm and RMSNorm.

    mean = ReduceMean(x); c = x - mean                      (not for a root mean square)
    y = c / sqrt(ReduceMean(c * c) + epsilon)               maybe * scale, maybe + bias

Squares may be powers, divisions may be products with a reciprocal, and products have any order.
"""

from __future__ import annotations

from ..ir.builder import GraphBuilder, rewrite
from ..ir.dtype import F32
from ..ir.expr import arg
from ..ir.graph import Graph, Node
from ..ops.movement import View
from ..options import CompileOptions
from ..record import record, replace
from .clean import clean

__all__ = ["find_row_norms"]

_MEAN = arg(0, F32) / arg(1, F32)


def find_row_norms(g: Graph, options: CompileOptions) -> Graph:
    """The graph with a RowNorm for each that is spelled out over the last axis of f32."""
    if not options.patterns or not any(n.op.op_type == "Reduce" for n in g.nodes):
        return g
    matcher = _Matcher(g)
    found: dict[str, _Norm] = {}
    for node in g.nodes:
        if node.op.op_type in ("Div", "Mul"):
            norm = matcher.norm(node)
            if norm is not None:
                out, whole = matcher.extended(node.outputs[0], norm)
                found[out] = whole
    if not found:
        return g
    from ..ops.row_norm import RowNorm  # loaded where it is needed

    def visit(b: GraphBuilder, node: Node) -> tuple[str, ...] | None:
        norm = found.get(node.outputs[0])
        if norm is None:
            return None
        vectors = [v and _as_vector(b, v) for v in (norm.scale, norm.bias)]
        inputs = (norm.x, *(vectors if vectors[1] else vectors[:1] if vectors[0] else ()))
        op = RowNorm(epsilon=norm.epsilon, centred=norm.centred)
        b.append(Node(op, inputs, node.outputs, node.name, node.origin))
        return node.outputs

    return clean(rewrite(g, visit), options)


def _as_vector(b: GraphBuilder, name: str) -> str:
    t = b.type(name)
    return name if t.rank == 1 else b.add(View(shape=(t.size,)), name)


@record
class _Norm:
    """A normalization found: its input, parameters ('' where absent), and the node's kind."""

    x: str
    epsilon: float
    centred: bool
    scale: str = ""
    bias: str = ""


class _Matcher:
    """Looks from a node to those before it, by operator names."""

    def __init__(self, g: Graph) -> None:
        self.types = g.types
        self.producers = g.producers()
        self.consumers = g.consumers()
        self.kept = set(g.outputs.values())

    def norm(self, node: Node) -> _Norm | None:
        """The normalization that ends at a Div or a Mul, without scale and bias."""
        a, b = node.inputs
        t = self.types[node.outputs[0]]
        if t.dtype != F32 or not t.rank:
            return None
        if node.op.op_type == "Div":
            return self._over(a, self._root(b))
        return self._over(a, self._inverse(b)) or self._over(b, self._inverse(a))

    def extended(self, out: str, norm: _Norm) -> tuple[str, _Norm]:
        """The normalization with the scale and the bias that follow, and where it then ends."""
        for op_type in ("Mul", "Add"):
            users = self.consumers.get(out, [])
            if out in self.kept or len(users) != 1 or users[0].op.op_type != op_type:
                continue
            others = [i for i in users[0].inputs if i != out]
            if len(others) == 1 and self._is_vector(others[0], norm.x):
                scaled = op_type == "Mul"
                norm = replace(norm, scale=others[0]) if scaled else replace(norm, bias=others[0])
                out = users[0].outputs[0]
        return out, norm

    def _is_vector(self, name: str, x: str) -> bool:
        t, wanted = self.types[name], self.types[x]
        r = wanted.shape[-1]
        fits = 0 < t.rank <= wanted.rank and t.size == t.shape[-1] == r
        return t.dtype == F32 and fits and r > 0

    def _over(self, centred: str, variance: str | None) -> _Norm | None:
        """centred / sqrt(variance), if the variance is the mean square of what is divided."""
        sum_ = self._made("Add", variance)
        if sum_ is None:
            return None
        for mean, epsilon in (sum_.inputs, sum_.inputs[::-1]):
            value = self._number(epsilon)
            square = self._mean_of(mean)
            if value is None or square is None:
                continue
            root = self._squared(square)
            if root != centred:
                continue
            x = self._centred(centred)
            return _Norm(x or centred, value, x is not None)
        return None

    def _centred(self, name: str) -> str | None:
        """x, for x - mean(x)."""
        node = self._made("Sub", name)
        if node is None or self._mean_of(node.inputs[1]) != node.inputs[0]:
            return None
        return node.inputs[0]

    def _mean_of(self, name: str) -> str | None:
        """What a value is the mean of, over the last axis."""
        node = self._made("Reduce", name)
        if node is None or len(node.inputs) != 1:
            return None
        op, rank = node.op, self.types[node.inputs[0]].rank
        values = {k: getattr(op, k) for k in ("axes", "fold", "keepdims", "pre", "post")}
        wanted = {"axes": (rank - 1,), "fold": "sum", "keepdims": True, "pre": None, "post": _MEAN}
        return node.inputs[0] if values == wanted else None

    def _squared(self, name: str) -> str | None:
        """c, for c * c or c ** 2."""
        product = self._made("Mul", name)
        if product is not None and product.inputs[0] == product.inputs[1]:
            return product.inputs[0]
        return self._power(name, 2.0)

    def _root(self, name: str) -> str | None:
        """v, for sqrt(v)."""
        node = self._made("Sqrt", name)
        return node.inputs[0] if node is not None else self._power(name, 0.5)

    def _inverse(self, name: str) -> str | None:
        """v, for 1 / sqrt(v)."""
        node = self._made("Reciprocal", name)
        if node is not None:
            return self._root(node.inputs[0])
        node = self._made("Div", name)
        if node is not None and self._number(node.inputs[0]) == 1.0:
            return self._root(node.inputs[1])
        return self._power(name, -0.5)

    def _power(self, name: str, exponent: float) -> str | None:
        node = self._made("Pow", name)
        if node is None or self._number(node.inputs[1]) != exponent:
            return None
        return node.inputs[0]

    def _made(self, op_type: str, name: str | None) -> Node | None:
        node = self.producers.get(name) if name else None
        return node if node is not None and node.op.op_type == op_type else None

    def _number(self, name: str) -> float | None:
        value = self.types[name].value
        return float(value.item()) if value is not None and self.types[name].size == 1 else None
