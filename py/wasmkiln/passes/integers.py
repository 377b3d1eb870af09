"""Compute with quantized values as integers, where layers stand between operators of quantization.

DequantizeLinear -> Conv or MatMul -> ... -> QuantizeLinear becomes a product of integers, exact in
its sums, whose epilogue scales and rounds. Quantized values between such layers are i16 less their
zero point, so that nothing has to be subtracted inside a kernel, and padding is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isinf, prod

from ..ir.builder import GraphBuilder, rewrite
from ..ir.dtype import F32, I8, I16, I32, U8, DType
from ..ir.expr import Expr, arg, call, cast, clamp
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..ops.compose import apply, cast_to, reshape
from ..ops.conv import Conv
from ..ops.integer import MAX_DEPTH, IntegerConv, IntegerProduct, is_depthwise, is_pointwise
from ..ops.quant_linear import QLinearConv
from ..options import CompileOptions
from ..record import record, replace
from .clean import clean
from .partition import static_values

__all__ = ["use_integers"]

_BYTES = (U8, I8)
_KINDS = frozenset(["DequantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul"])


def use_integers(g: Graph, options: CompileOptions) -> Graph:
    """The graph with integer layers where their inputs are quantized and their weights constant."""
    if not options.integers or not any(n.op.op_type in _KINDS for n in g.nodes):
        return g
    found = _Finder(g)
    if not found.layers:
        return g
    return clean(rewrite(g, _Rewriter(found).visit), options)


@record
class _Quantized:
    """A quantized value: where it is, its scale and its zero point ('' for 0).

    point: the zero point if it is known, and the same for all elements. axis: along which scales
    and zero points differ, if they do.
    """

    value: str
    scale: str
    zero: str
    point: int | None
    axis: int


@record
class _Layer:
    """A layer on quantized operands."""

    x: _Quantized
    w: _Quantized


class _Finder:
    """Which nodes of a graph can be integer layers, and which values these take."""

    def __init__(self, g: Graph) -> None:
        self.types, self.static = g.types, static_values(g)
        self.layers: dict[str, _Layer] = {}
        self.dynamic: set[str] = set()  # outputs of MatMulInteger that may be integer layers
        self.taken: dict[str, int] = {}  # quantized inputs of layers, and their zero points
        self.quantized: dict[str, _Quantized] = {}  # by the output of DequantizeLinear
        users = g.consumers()
        for node in g.nodes:
            self._visit(node, users)

    def _visit(self, node: Node, users: dict[str, list[Node]]) -> None:
        kind, out = node.op.op_type, node.outputs[0]
        if node.op.domain:
            return
        if kind == "DequantizeLinear":
            found = self._dequantized(node)
            if found is not None:
                self.quantized[out] = found
        elif kind in ("Conv", "MatMul", "Gemm"):
            x, w = (self.quantized.get(name) for name in node.inputs[:2])
            self._take(out, self._layer(node.op, x, w))
        elif kind in ("QLinearConv", "QLinearMatMul"):
            self._take(out, self._linear(node))
        elif kind == "MatMulInteger" and self._is_product(node, users.get(out, [])):
            self.dynamic.add(out)
            self.layers[out] = _NONE

    def _take(self, out: str, layer: _Layer | None) -> None:
        point = layer.x.point if layer else None
        if layer is None or point is None:
            return
        if self.taken.setdefault(layer.x.value, point) == point:
            self.layers[out] = layer

    def _dequantized(self, node: Node) -> _Quantized | None:
        q, scale, zero = (*node.inputs, "")[:3]
        op = node.op
        blocked = "block_size" in op.fields and bool(op.block_size)  # type: ignore[attr-defined]
        if blocked or self.types[node.outputs[0]].dtype != F32:
            return None
        return self._known(q, scale, zero, int(getattr(op, "axis", 1)))

    def _linear(self, node: Node) -> _Layer | None:
        """The operands of QLinearConv or QLinearMatMul, whose result has to be known as well."""
        x, xs, xz, w, ws, wz, ys, yz = node.inputs[:8]
        op, axis = node.op, 0 if node.op.op_type == "QLinearConv" else 1
        if self.types[ys].value is None or self.types[yz].value is None:
            return None
        if self.types[ys].size != 1 or self.types[yz].size != 1 or self.types[ys].dtype != F32:
            return None
        layer = op.conv() if isinstance(op, QLinearConv) else op
        return self._layer(layer, self._known(x, xs, xz, 0), self._known(w, ws, wz, axis))

    def _known(self, q: str, scale: str, zero: str, axis: int) -> _Quantized | None:
        """A quantized value, if it is of bytes, and all about it is constant."""
        t = self.types[q]
        if t.dtype not in _BYTES or self.types[scale].dtype != F32 or not t.rank:
            return None
        if not self.static.issuperset((scale, zero) if zero else (scale,)):
            return None
        points = self.types[zero].value if zero else None
        values = {0} if not zero else set(points.ints()) if points else {0, 1}
        return _Quantized(q, scale, zero, values.pop() if len(values) == 1 else None, axis % t.rank)

    def _layer(self, op: Op, x: _Quantized | None, w: _Quantized | None) -> _Layer | None:
        if x is None or w is None or w.value not in self.static or self.types[x.scale].size != 1:
            return None
        tx, tw = self.types[x.value], self.types[w.value]
        if isinstance(op, Conv):
            axes = op.axes(tx, tw)
            depth, column = prod(tw.shape[1:]), 0
            fits = is_pointwise(op.group, axes) or is_depthwise(tx, tw, op.group, axes)
        else:
            swapped = bool(getattr(op, "transB", False))
            depth, column = tw.shape[-1 if swapped else 0], 0 if swapped else 1
            plain = getattr(op, "alpha", 1.0) == getattr(op, "beta", 1.0) == 1.0
            fits = tw.rank == 2 and tx.rank >= 2 and plain and not getattr(op, "transA", False)
        if not fits or not 0 < depth <= MAX_DEPTH:
            return None
        whole = self.types[w.scale].size == 1
        return _Layer(x, w) if whole or w.axis == column else None

    def _is_product(self, node: Node, users: Sequence[Node]) -> bool:
        """Whether a MatMulInteger has constant weights, and its sums become floats."""
        a, b, *zeros = node.inputs
        t = self.types[b]
        if b not in self.static or t.rank != 2 or self.types[a].rank < 2:
            return False
        if not 0 < t.shape[0] <= MAX_DEPTH:
            return False
        zero_b = self.types[zeros[1]].value if len(zeros) > 1 else None
        if len(zeros) > 1 and (zero_b is None or len(set(zero_b.ints())) != 1):
            return False
        if zeros and zeros[0] and self.types[zeros[0]].size != 1:
            return False
        exact = t.shape[0] * 255 * 255 < 1 << 24
        return exact or (bool(users) and all(_to_float(user) for user in users))


def _to_float(node: Node) -> bool:
    return node.op.op_type == "Cast" and getattr(node.op, "to", 0) == F32.onnx


_NOTHING = _Quantized("", "", "", None, 0)
_NONE = _Layer(_NOTHING, _NOTHING)


@record
class _Scaled:
    """sums * scale + bias, limited to [low, high]: what an integer layer gives."""

    sums: str
    scale: str
    bias: str
    low: float = -inf
    high: float = inf


class _Rewriter:
    """Puts integer layers in place, and centred values between them."""

    def __init__(self, found: _Finder) -> None:
        self.found = found
        self.centred: dict[str, str] = {}  # by the quantized value's old name
        self.renamed: dict[str, str] = {}
        self.scaled: dict[str, _Scaled] = {}  # by what stands for it in the new graph

    def visit(self, b: GraphBuilder, node: Node) -> Sequence[str] | None:
        """The values in place of a node's outputs; None to keep it."""
        out, kind = node.outputs[0], node.op.op_type
        new: str | None = None
        if out in self.found.dynamic:
            new = self._dynamic(b, node)
        elif out in self.found.layers:
            layer = self.found.layers[out]
            linear = kind in ("QLinearConv", "QLinearMatMul")
            new = self._linear(b, node, layer) if linear else self._static(b, node, layer)
        elif kind == "QuantizeLinear" and out in self.found.taken:
            new = self._quantize(b, node)
        elif kind == "DequantizeLinear" and out in self.found.quantized:
            new = self._dequantize(b, self.found.quantized[out])
        elif kind in ("Clip", "Relu") and node.inputs[0] in self.scaled:
            self._limit(b, node)
        if new is None:
            return None
        self.renamed[out] = new
        return (new,)

    def _quantize(self, b: GraphBuilder, node: Node) -> str | None:
        """Steps of the scale, if nothing about these is computed while the model runs."""
        x, scale, zero = (*node.inputs, "")[:3]
        known, point = b.type(scale).value, b.type(zero).value if zero else None
        out = node.outputs[0]
        if known is None or known.dtype != F32 or b.type(scale).size != 1:
            return None
        if b.type(x).dtype != F32 or (point is None or b.type(zero).size != 1 if zero else False):
            return None
        layer = self.scaled.get(x)
        factor = 1.0 / float(known.item())
        operands = [x]
        total = arg(0) * factor
        if layer:
            parts = [apply(b, arg(0) * factor, v) for v in (layer.scale, layer.bias) if v]
            operands = [layer.sums, *parts]
            total = arg(0) * arg(1) + arg(2) if layer.bias else arg(0) * arg(1)
        bounds = (layer.low * factor, layer.high * factor) if layer else (-inf, inf)
        return self._steps(b, total, operands, bounds, int(point.item()) if point else 0, out)

    def _steps(
        self,
        b: GraphBuilder,
        total: Expr,
        operands: Sequence[str],
        bounds: tuple[float, float],
        zero: int,
        out: str,
    ) -> str:
        """The quantized value; where layers take it, what they take, and that value from it."""
        dtype = self.found.types[out].dtype
        low, high = _range(dtype)
        least = max(low - zero, _rounded(bounds[0]))
        most = max(least, min(high - zero, _rounded(bounds[1])))
        rounded = call("round", total)
        if self.found.taken.get(out) != zero:
            steps = clamp(rounded + float(zero), least + zero, most + zero)
            return apply(b, cast(steps, dtype), *operands)
        centred = apply(b, cast(clamp(rounded, least, most), I16), *operands)
        self.centred[out] = centred
        return apply(b, cast(cast(arg(0, I16), I32) + zero, dtype), centred)

    def _dequantize(self, b: GraphBuilder, q: _Quantized) -> str | None:
        centred = self.centred.get(q.value)
        if centred is None or b.type(q.scale).size != 1 or q.point != self.found.taken[q.value]:
            return None
        return apply(b, cast(arg(0, I16), F32) * arg(1), centred, reshape(b, q.scale, ()))

    def _input(self, b: GraphBuilder, q: _Quantized) -> str:
        centred = self.centred.get(q.value)
        if centred is None:
            name = self.renamed.get(q.value, q.value)
            own = cast(arg(0, b.type(name).dtype), I16)
            centred = self.centred[q.value] = apply(b, own - (q.point or 0), name)
        return centred

    def _static(self, b: GraphBuilder, node: Node, layer: _Layer) -> str:
        """What the layer gives."""
        sums, scale = self._sums(b, node.op, layer)
        bias = node.inputs[2] if len(node.inputs) > 2 else ""
        if bias and isinstance(node.op, Conv):
            bias = _column(b, bias, b.type(sums).rank - 1)
        if not bias:
            result = apply(b, arg(0) * arg(1), sums, scale)
        else:
            result = apply(b, arg(0) * arg(1) + arg(2), sums, scale, bias)
        self.scaled[result] = _Scaled(sums, scale, bias)
        return result

    def _linear(self, b: GraphBuilder, node: Node, layer: _Layer) -> str:
        """What the layer gives, quantized; its bias is in units of the sums."""
        op = node.op.conv() if isinstance(node.op, QLinearConv) else node.op
        sums, scale = self._sums(b, op, layer)
        y_scale, y_zero = node.inputs[6:8]
        operands = [sums, apply(b, arg(0) / arg(1), scale, reshape(b, y_scale, ()))]
        total = arg(0) * arg(1)
        if len(node.inputs) > 8:
            vector = _column(b, node.inputs[8], b.type(sums).rank - 1)
            operands.append(cast_to(b, vector, F32))
            total = (arg(0) + arg(2)) * arg(1)
        zero = b.type(y_zero).value
        assert zero is not None
        return self._steps(b, total, operands, (-inf, inf), int(zero.item()), node.outputs[0])

    def _sums(self, b: GraphBuilder, op: Op, layer: _Layer) -> tuple[str, str]:
        """The sums of products, and what one of them stands for in each column."""
        x, w = self._input(b, layer.x), self._weights(b, layer.w)
        if isinstance(op, Conv):
            given = {name: getattr(op, name) for name in Conv.fields}
            sums = b.add(IntegerConv(**given), x, w)
            along = b.type(sums).rank - 1
        else:
            sums = b.add(IntegerProduct(transposed=bool(getattr(op, "transB", False))), x, w)
            along = 1
        one = reshape(b, layer.x.scale, ())
        return sums, apply(b, arg(0) * arg(1), one, _column(b, layer.w.scale, along))

    def _limit(self, b: GraphBuilder, node: Node) -> None:
        """Note the bounds that a Clip or Relu with known ones sets to what a layer gives."""
        low, high = (0.0, inf) if node.op.op_type == "Relu" else (-inf, inf)
        if "min" in node.op.fields:
            low, high = getattr(node.op, "min", low), getattr(node.op, "max", high)
        bounds = [low, high]
        for i, name in enumerate(node.inputs[1:]):
            value = b.type(name).value if name else None
            if name and value is None:
                return
            if value is not None:
                bounds[i] = float(value.item())
        layer = self.scaled[node.inputs[0]]
        low, high = max(layer.low, bounds[0]), min(layer.high, bounds[1])
        if low <= high:
            self.scaled[node.outputs[0]] = replace(layer, low=low, high=high)

    def _weights(self, b: GraphBuilder, q: _Quantized) -> str:
        t = b.type(q.value)
        own = cast(arg(0, t.dtype), I16)
        if q.point is not None:
            return apply(b, own - q.point, q.value)
        zero = _column(b, q.zero, t.rank - q.axis)
        return apply(b, own - cast(arg(1, b.type(zero).dtype), I16), q.value, zero)

    def _dynamic(self, b: GraphBuilder, node: Node) -> str:
        """The sums of a MatMulInteger."""
        operands = []
        for value, zero in zip(node.inputs[:2], (*node.inputs[2:], "", ""), strict=False):
            wide = cast(arg(0, b.type(value).dtype), I16)
            if zero:
                zero = reshape(b, zero, ()) if b.type(zero).size == 1 else zero
                point = cast(arg(1, b.type(zero).dtype), I16)
                operands.append(apply(b, wide - point, value, zero))
            else:
                operands.append(apply(b, wide, value))
        return apply(b, cast(arg(0), I32), b.add(IntegerProduct(), *operands))


def _rounded(x: float) -> float:
    return x if isinf(x) else float(round(x))


def _range(dtype: DType) -> tuple[int, int]:
    low = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
    return low, low + (1 << dtype.bits) - 1


def _column(b: GraphBuilder, vector: str, rank: int) -> str:
    """One value, or one for each index of the first of `rank` dimensions."""
    n = b.type(vector).size
    return reshape(b, vector, () if n == 1 else (n, *(1,) * (rank - 1)))
