"""Let matrix products, convolutions and pools apply the elementwise work that follows them."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder
from ..ir.dtype import F32
from ..ir.expr import Expr, arg, substitute
from ..ir.graph import Graph, Node
from ..ir.types import TensorType
from ..ops.base import Op
from ..ops.map import Map
from ..ops.movement import View
from ..options import CompileOptions
from ..program.kernels.finish import NARROW
from .algebra import weight
from .clean import clean

__all__ = ["fuse_epilogues"]

MAX_OPERANDS = 4  # tensors that a tile reads besides its own accumulators
MAX_WEIGHT = 48  # operations for one element


def fuse_epilogues(g: Graph, options: CompileOptions) -> Graph:
    """The graph with each Map spliced into the operator whose result only it uses.

    That operator then runs where the Map stood, so that the Map's other operands are there. Of
    several operators that could take the Map, the last does. A View between the two is passed.
    """
    if not options.fuse:
        return g
    b = GraphBuilder(g)
    uses = g.use_counts()
    makers: dict[str, tuple[int, Node]] = {}
    for node in g.nodes:
        new = _absorbed(b, node, uses, makers) if isinstance(node.op, Map) else None
        b.keep(new or node)
        made = b.nodes[-1]
        for name in made.outputs:
            makers[name] = (len(b.nodes), made)
    return clean(b.build(), options)


Makers = dict[str, tuple[int, Node]]


def _absorbed(b: GraphBuilder, node: Node, uses: dict[str, int], makers: Makers) -> Node | None:
    """The node that carries out an operator and a Map of its result; None if no operator can."""
    candidates = []
    for k, name in enumerate(node.inputs):
        found = makers.get(name)
        if found and uses[name] == 1 and b.shape(name) == b.shape(node.outputs[0]):
            candidates.append((found, k))
    candidates.sort(key=lambda c: -c[0][0])
    for (_, maker), k in candidates:
        through = isinstance(maker.op, View) and uses[maker.inputs[0]] == 1
        if through and maker.inputs[0] in makers:
            maker = makers[maker.inputs[0]][1]
        if "epilogue" in maker.op.fields and len(maker.outputs) == 1:
            new = _spliced(b, maker, node, k)
            if new is not None:
                return new
    return None


def _spliced(b: GraphBuilder, maker: Node, node: Node, k: int) -> Node | None:
    """`maker` with the Map `node`, whose operand k is its result, as its epilogue."""
    fields: dict[str, object] = {name: getattr(maker.op, name) for name in ("epilogue", "n_extra")}
    before, n_extra = fields["epilogue"], fields["n_extra"]
    assert isinstance(n_extra, int) and isinstance(node.op, Map)
    out = b.type(maker.outputs[0])
    scalar = TensorType(out.dtype, ())
    # An operator that can't even read a scalar takes no epilogue in this form.
    if maker.op.operand_mode(out, scalar) is None:  # type: ignore[attr-defined]
        return None
    narrow = node.op.expr.dtype != out.dtype
    if narrow and not _may_narrow(b, maker, node.op.expr):
        return None
    n_own = len(maker.inputs) - n_extra
    extras = list(maker.inputs[n_own:])
    leaves: list[Expr] = []
    for i, name in enumerate(node.inputs):
        if i == k:
            leaves.append(before if isinstance(before, Expr) else arg(0, out.dtype))
            continue
        operand = _operand(b, maker.op, out, b.shape(node.outputs[0]), name)
        if operand is None:
            return None
        if operand not in extras:
            extras.append(operand)
        leaves.append(arg(1 + extras.index(operand), b.type(operand).dtype))
    expr = substitute(node.op.expr, leaves)
    if len(extras) > MAX_OPERANDS or weight(expr) > MAX_WEIGHT:
        return None
    if narrow and any(b.type(e).size == out.size for e in extras):
        return None  # such an operand is found by where the f32 result would lie
    op = maker.op.with_(epilogue=expr, n_extra=len(extras))
    inputs = (*maker.inputs[:n_own], *extras)
    origin = tuple(dict.fromkeys((*maker.origin, *node.origin)))
    if b.shape(node.outputs[0]) == out.shape:
        return Node(op, inputs, node.outputs, maker.name, origin)
    b.origin = origin
    made = b.add(op, *inputs, hint=node.outputs[0])
    return Node(View(shape=b.shape(node.outputs[0])), (made,), node.outputs, node.name, origin)


def _may_narrow(b: GraphBuilder, maker: Node, expr: Expr) -> bool:
    """Whether an operator can store what an expression makes of its results as integers."""
    if expr.op != "cast" or expr.args[0].dtype != F32 or expr.dtype not in NARROW:
        return False
    may = getattr(maker.op, "may_narrow", None)
    return may is not None and may(*(b.type(i) if i else None for i in maker.inputs))


def _operand(
    b: GraphBuilder, op: Op, out: TensorType, shape: Sequence[int], name: str
) -> str | None:
    """The operand in a form that the operator can read beside its result, or None.

    shape: the Map's, of which the operator's own may be another view.
    """
    t = b.type(name)
    if t.shape == out.shape or t.size == 1:
        wanted = t.shape
    elif t.shape == tuple(shape):
        wanted = out.shape
    elif t.size == t.shape[-1] == out.shape[-1] == shape[-1]:
        wanted = t.shape[-1:]
    else:
        wanted = t.shape
    mode = op.operand_mode(out, TensorType(t.dtype, wanted))  # type: ignore[attr-defined]
    if mode is None:
        return None
    return name if wanted == t.shape else b.add(View(shape=wanted), name)
