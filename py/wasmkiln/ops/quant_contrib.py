"""onnxruntime's own operators on quantized values: dequantize, compute in floats, quantize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.dtype import F32
from ..ir.expr import Expr, arg, call, cast, select
from ..ir.shape import broadcast
from ..ir.types import TensorType
from .activation import sigmoid
from .base import MICROSOFT, Op, create, register
from .compose import apply, reshape, standard
from .concat import Concat
from .quant import (
    DequantizeLinear10,
    QuantizeLinear10,
    dequantize,
    quantize,
    saturate,
)

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["quantized", "real"]


def real(g: GraphBuilder, x: str, scale: str, zero: str) -> str:
    """The real value of x, whose scale and zero point ('' for 0) are one for all."""
    return dequantize(g, x, reshape(g, scale, ()), zero and reshape(g, zero, ()))


def quantized(g: GraphBuilder, y: str, scale: str, zero: str, like: str) -> str:
    """The quantized value of y in the dtype of another value."""
    scale, zero = reshape(g, scale, ()), zero and reshape(g, zero, ())
    return quantize(g, y, scale, zero, g.type(like).dtype)


@register("QuantizeLinear", since=1, domain=MICROSOFT)
class ContribQuantizeLinear(QuantizeLinear10):
    """QuantizeLinear, of which this domain has more dtypes."""


@register("DequantizeLinear", since=1, domain=MICROSOFT)
class ContribDequantizeLinear(DequantizeLinear10):
    """DequantizeLinear, of which this domain has more dtypes."""


class _Binary(Op):
    """c = f(a, b), each quantized by its own scale and zero point."""

    def infer(
        self,
        a: TensorType,
        a_scale: TensorType,
        a_zero: TensorType | None,
        b: TensorType,
        b_scale: TensorType,
        b_zero: TensorType | None,
        c_scale: TensorType,
        c_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The common shape."""
        return (TensorType(a.dtype, broadcast(a.shape, b.shape)),)

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """Zero points may be absent, but only the last one may be left out."""
        return 7, 8


@register("QLinearAdd", since=1, domain=MICROSOFT)
class QLinearAdd(_Binary):
    """The quantized sum of two quantized tensors."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A weighted sum of the integers, summed in onnxruntime's order: a tie is rounded alike."""
        a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero = (*inputs, "")[:8]
        dtype = g.type(a).dtype
        zeros = [reshape(g, z, ()) if z else g.scalar(0, dtype) for z in (a_zero, b_zero, c_zero)]
        scales = [reshape(g, s, ()) for s in (a_scale, b_scale, c_scale)]
        ratio = arg(0) / arg(1)
        by_a, by_b = (apply(g, ratio, s, scales[2]) for s in scales[:2])
        moved = cast(arg(2, dtype), F32) * arg(0) + cast(arg(3, dtype), F32) * arg(1)
        fixed = apply(g, cast(arg(4, dtype), F32) - moved, by_a, by_b, *zeros)
        term_a, term_b = cast(arg(0, dtype), F32) * arg(2), cast(arg(1, dtype), F32) * arg(3)
        total = call("round", term_b + (term_a + arg(4)))
        return (apply(g, saturate(total, dtype), a, b, by_a, by_b, fixed),)


@register("QLinearMul", since=1, domain=MICROSOFT)
class QLinearMul(_Binary):
    """The quantized product of two quantized tensors."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Elementwise operations."""
        a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero = (*inputs, "")[:8]
        operands = real(g, a, a_scale, a_zero), real(g, b, b_scale, b_zero)
        c = apply(g, arg(0) * arg(1), *operands)
        return (quantized(g, c, c_scale, c_zero, a),)


class _Unary(Op):
    """y = f(x), each quantized by its own scale and zero point."""

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero: TensorType | None,
        y_scale: TensorType,
        y_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        return (TensorType(x.dtype, x.shape),)

    def function(self, x: Expr) -> Expr:
        """The operation on real values."""
        raise NotImplementedError

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Elementwise operations."""
        x, x_scale, x_zero, y_scale, y_zero = (*inputs, "")[:5]
        y = apply(g, self.function(arg(0)), real(g, x, x_scale, x_zero))
        return (quantized(g, y, y_scale, y_zero, x),)


@register("QLinearSigmoid", since=1, domain=MICROSOFT)
class QLinearSigmoid(_Unary):
    """The quantized sigmoid of a quantized tensor."""

    def function(self, x: Expr) -> Expr:
        """Sigmoid."""
        return sigmoid(x)


@register("QLinearLeakyRelu", since=1, domain=MICROSOFT)
class QLinearLeakyRelu(_Unary):
    """The quantized LeakyRelu of a quantized tensor."""

    alpha: float = 0.01

    def function(self, x: Expr) -> Expr:
        """LeakyRelu."""
        return select(x < 0, x * self.alpha, x)


@register("QLinearConcat", since=1, domain=MICROSOFT)
class QLinearConcat(Op):
    """Quantized tensors joined along an axis, quantized alike.

    Inputs: scale and zero point of the output, then each tensor with its scale and zero point.
    """

    axis: int

    def infer(
        self, scale: TensorType, zero: TensorType, *rest: TensorType
    ) -> tuple[TensorType, ...]:
        """The joined shape."""
        if len(rest) % 3:
            raise ShapeError(f"{len(rest)} inputs are not triples")
        return Concat(axis=self.axis).infer(*rest[::3])

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Each tensor is converted by itself: one with the output's parameters stays as it is."""
        scale, zero, *rest = inputs
        parts = []
        for i in range(0, len(rest), 3):
            x, own_scale, own_zero = rest[i : i + 3]
            if g.type(own_scale).value != g.type(scale).value or own_zero != zero:
                x = quantized(g, real(g, x, own_scale, own_zero), scale, zero, x)
            parts.append(x)
        return (g.add(Concat(axis=self.axis), *parts),)


@register("QLinearSoftmax", since=1, domain=MICROSOFT)
class QLinearSoftmax(_Unary):
    """The quantized softmax of a quantized tensor, as of the opset that is named."""

    opset: int
    axis: int = -1

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A softmax of real values."""
        x, x_scale, x_zero, y_scale, y_zero = (*inputs, "")[:5]
        softmax = create("", "Softmax", self.opset, {"axis": self.axis})
        y = g.add(softmax, real(g, x, x_scale, x_zero))
        return (quantized(g, y, y_scale, y_zero, x),)


@register("QLinearWhere", since=1, domain=MICROSOFT)
class QLinearWhere(Op):
    """A choice between quantized tensors, quantized."""

    def infer(
        self,
        condition: TensorType,
        x: TensorType,
        x_scale: TensorType,
        x_zero: TensorType,
        y: TensorType,
        y_scale: TensorType,
        y_zero: TensorType,
        z_scale: TensorType,
        z_zero: TensorType,
    ) -> tuple[TensorType, ...]:
        """The common shape."""
        return (TensorType(x.dtype, broadcast(condition.shape, x.shape, y.shape)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A choice between values that are quantized alike."""
        condition, x, x_scale, x_zero, y, y_scale, y_zero, z_scale, z_zero = inputs
        x, y = (
            quantized(g, real(g, v, scale, zero), z_scale, z_zero, v)
            for v, scale, zero in ((x, x_scale, x_zero), (y, y_scale, y_zero))
        )
        return (standard(g, "Where", condition, x, y),)
