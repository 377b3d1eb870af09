"""Fold BatchNormalization and arithmetic per channel into the weights of the layer before it.

What stands behind a Conv, ConvTranspose, Gemm or MatMul and is y * scale + shift for each output
channel changes the layer's weights and bias instead. The weights are computed by nodes on
constants, hence once, at load.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..ir.builder import GraphBuilder, rewrite
from ..ir.expr import Expr, arg
from ..ir.graph import Graph, Node
from ..ops.batch_norm import BatchNorm, fold_batch_norm
from ..ops.compose import apply
from ..ops.movement import View
from ..ops.rearrange import expand_to
from ..options import CompileOptions
from ..record import record
from .clean import clean
from .partition import static_values

__all__ = ["fold_weights"]

_CONVS = ("Conv", "ConvTranspose")
_PRODUCTS = ("Gemm", "MatMul")


def fold_weights(g: Graph, options: CompileOptions) -> Graph:
    """The graph with affine operators per channel folded into the layers that they follow."""
    if not options.fold or not any(
        n.op.op_type in _CONVS or n.op.op_type in _PRODUCTS for n in g.nodes
    ):
        return g
    folder = _Folder(g)
    return clean(rewrite(g, folder.visit), options)


@record
class _Affine:
    """y * factor + summand: names of vectors of channels or of scalars; '' for 1 and 0."""

    factor: str = ""
    summand: str = ""


class _Folder:
    """The state of the walk: who made a value, how often it is used, whether it is constant."""

    def __init__(self, g: Graph) -> None:
        self.uses = g.use_counts()
        self.static = static_values(g)
        self.makers: dict[str, Node] = {}

    def visit(self, b: GraphBuilder, node: Node) -> Sequence[str] | None:
        """Fold a node into the layer before it, if it is of that kind."""
        layer = self._layer(node)
        if layer is not None:
            affine = self._affine(b, node, layer)
            new = None if affine is None else self._folded(b, layer, node, affine)
            if new is not None:
                self.uses[new] = self.uses[node.outputs[0]]
                self.makers[new] = b.nodes[-1]
                return (new,)
        if node.op.op_type in _CONVS or node.op.op_type in _PRODUCTS:
            self.makers[node.outputs[0]] = node
        return None

    def _layer(self, node: Node) -> Node | None:
        """The layer whose output the node alone uses, if its weights are constant."""
        if node.op.op_type != "BatchNormalization" and node.op.op_type not in _ARITHMETIC:
            return None
        for name in node.inputs:
            layer = self.makers.get(name)
            if layer is not None and self.uses[name] == 1 and layer.inputs[1] in self.static:
                if any(i and i not in self.static for i in layer.inputs[2:]):
                    return None
                return layer
        return None

    def _affine(self, b: GraphBuilder, node: Node, layer: Node) -> _Affine | None:
        if not all(i in self.static for i in node.inputs if i != layer.outputs[0]):
            return None
        if isinstance(node.op, BatchNorm):
            if not node.op.is_fixed() or b.type(layer.outputs[0]).rank < 2:
                return None
            if layer.op.op_type in _PRODUCTS and b.type(layer.outputs[0]).rank != 2:
                return None
            if len({b.type(i).dtype for i in (*node.inputs, layer.inputs[1])}) > 1:
                return None
            scale, bias, average, variance = node.inputs[1:]
            return _Affine(*fold_batch_norm(b, scale, bias, average, variance, node.op.epsilon))
        return self._arithmetic(b, node, layer)

    def _arithmetic(self, b: GraphBuilder, node: Node, layer: Node) -> _Affine | None:
        """Add, Sub, Mul or Div by constants per channel, behind a convolution.

        Behind a matrix product they are left to its epilogue, which costs as little.
        """
        left, right = node.inputs
        out, kind = layer.outputs[0], node.op.op_type
        if layer.op.op_type not in _CONVS or left == right:
            return None
        if right == out and kind in ("Sub", "Div"):
            return None
        other = right if left == out else left
        t = b.type(out)
        wide = (*(1,) * (t.rank - b.type(other).rank), *b.shape(other))
        if len(wide) > t.rank or prod(wide) not in (1, wide[1]) or wide[1] not in (1, t.shape[1]):
            return None
        vector = b.add(View(shape=wide[1:2]), other)
        x = arg(0, t.dtype)
        if kind == "Mul":
            return _Affine(factor=vector)
        if kind == "Div":
            return _Affine(factor=apply(b, 1 / x, vector))
        return _Affine(summand=apply(b, -x, vector) if kind == "Sub" else vector)

    def _folded(self, b: GraphBuilder, layer: Node, node: Node, affine: _Affine) -> str | None:
        """Add the layer with other weights, and return its output."""
        x, w, *rest = layer.inputs
        bias = rest[0] if rest else ""
        op, out = layer.op, b.type(layer.outputs[0])
        channels = out.shape[1]
        if affine.factor:
            w = _scaled_weights(b, layer, w, affine.factor)
        if op.op_type == "MatMul":
            made = b.add(op, x, w, hint=node.outputs[0])
            y = arg(0, out.dtype) + arg(1, out.dtype)
            return apply(b, y, made, affine.summand)
        if op.op_type == "Gemm":
            if bias and b.type(bias).size not in (1, channels):
                return None
            beta = float(getattr(op, "beta", 1.0))
            op = op.with_(beta=1.0)
            bias = apply(b, arg(0, out.dtype) * beta, bias) if bias and beta != 1.0 else bias
            if bias:
                bias = b.add(View(shape=b.shape(bias)[-1:]), bias)
        bias = _moved_bias(b, bias, affine, channels)
        inputs = (x, w, bias) if bias else (x, w)
        b.origin = tuple(dict.fromkeys((*layer.origin, *node.origin)))
        made = b.add(op, *inputs, hint=node.outputs[0])
        self.static.update((w, bias))
        return made


_ARITHMETIC = ("Add", "Sub", "Mul", "Div")


def _scaled_weights(b: GraphBuilder, layer: Node, w: str, factor: str) -> str:
    """The weights times the factor of the output channel that they belong to."""
    shape, op = b.shape(w), layer.op
    product: Expr = arg(0, b.type(w).dtype) * arg(1, b.type(w).dtype)
    n = b.type(factor).size
    spatial = (1,) * (len(shape) - 2)
    if n == 1:
        wide: tuple[int, ...] = (1,) * len(shape)
    elif op.op_type == "Conv" or getattr(op, "transB", False):
        wide = (n, *(1,) * (len(shape) - 1))
    elif op.op_type == "ConvTranspose":
        # [group * inputs, outputs, ...]: output channels are numbered group by group.
        group = int(getattr(op, "group", 1))
        w = b.add(View(shape=(group, shape[0] // group, *shape[1:])), w) if group > 1 else w
        wide = (group, 1, n // group, *spatial) if group > 1 else (1, n, *spatial)
    else:
        wide = (n,)
    scaled = apply(b, product, w, b.add(View(shape=wide), factor))
    return scaled if b.shape(scaled) == shape else b.add(View(shape=shape), scaled)


def _moved_bias(b: GraphBuilder, bias: str, affine: _Affine, channels: int) -> str:
    """bias * factor + summand as a vector of channels; '' if there is none."""
    if not bias:
        return expand_to(b, affine.summand, (channels,)) if affine.summand else ""
    x = arg(0, b.type(bias).dtype)
    if not affine.factor:
        return apply(b, x + arg(1, x.dtype), bias, affine.summand)
    if not affine.summand:
        return apply(b, x * arg(1, x.dtype), bias, affine.factor)
    y = x * arg(1, x.dtype) + arg(2, x.dtype)
    return apply(b, y, bias, affine.factor, affine.summand)
