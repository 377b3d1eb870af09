"""Products and convolutions of integers, in floats that hold their sums exactly.

All numbers below 2 ** 24 are exact in f32. The integer results (ConvInteger, MatMulInteger) are
exact always: their operands are split where sums might be larger. The quantized ones (QLinear*)
take the risk: a sum that large is saturated, but for extreme scales.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

from ..ir.dtype import F32, I32, DType
from ..ir.expr import arg, call, cast
from ..ir.types import TensorType
from .base import Op, create, register
from .compose import apply, reshape
from .quant import along, saturate

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["ConvAttributes", "QLinearConv", "broad", "centred", "of_rows", "requantized"]

Product = Callable[[str, str], str]

EXACT = 1 << 24  # below it all integers are floats
PART = 16


def centred(g: GraphBuilder, x: str, zero: str) -> str:
    """x - zero in f32, which is exact for bytes."""
    own = cast(arg(0, g.type(x).dtype), F32)
    if not zero:
        return apply(g, own, x)
    return apply(g, own - cast(arg(1, g.type(zero).dtype), F32), x, zero)


def _exact(g: GraphBuilder, a: str, b: str, depth: int, product: Product) -> str:
    """The i32 product of integers in [-255, 255], being sums of `depth` products."""
    if depth * 255 * 255 < EXACT:
        return _as_i32(g, product(a, b))
    if depth * PART * 255 < EXACT:
        high, low = _parts(g, a)
        return _joined(g, _as_i32(g, product(high, b)), _as_i32(g, product(low, b)))
    high, low = _parts(g, b)
    return _joined(g, _exact_half(g, a, high, product), _exact_half(g, a, low, product))


def _exact_half(g: GraphBuilder, a: str, b: str, product: Product) -> str:
    high, low = _parts(g, a)
    return _joined(g, _as_i32(g, product(high, b)), _as_i32(g, product(low, b)))


def _parts(g: GraphBuilder, x: str) -> tuple[str, str]:
    """(high, low) with x = PART * high + low."""
    high = call("floor", arg(0) / PART)
    return apply(g, high, x), apply(g, arg(0) - high * PART, x)


def _joined(g: GraphBuilder, high: str, low: str) -> str:
    return apply(g, arg(0, I32) * PART + arg(1, I32), high, low)


def _as_i32(g: GraphBuilder, x: str) -> str:
    return apply(g, cast(arg(0), I32), x)


class ConvAttributes(Op):
    """The attributes of a convolution, all of which go on to Conv."""

    auto_pad: str = "NOTSET"
    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def conv(self) -> Op:
        """The float convolution."""
        given = {name: getattr(self, name) for name in ConvAttributes.fields}
        return create("", "Conv", 11, {k: v for k, v in given.items() if v is not None})

    def shaped(self, x: TensorType, w: TensorType, dtype: DType) -> tuple[TensorType, ...]:
        """The type of the result."""
        shape = self.conv().infer(TensorType(F32, x.shape), TensorType(F32, w.shape))[0].shape
        return (TensorType(dtype, shape),)


@register("ConvInteger", since=10)
class ConvInteger(ConvAttributes):
    """The i32 convolution of bytes, from which zero points are taken off first."""

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        x_zero: TensorType | None = None,
        w_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The shape of the convolution."""
        return self.shaped(x, w, I32)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A float convolution, or several of parts."""
        x, w, x_zero, w_zero = (*inputs, "", "")[:4]
        depth = prod(g.shape(w)[1:])
        x = centred(g, x, x_zero and along(g, x_zero, g.shape(x), 0))
        w = centred(g, w, w_zero and along(g, w_zero, g.shape(w), 0))
        return (_exact(g, x, w, depth, lambda a, b: g.add(self.conv(), a, b)),)


@register("QLinearConv", since=10)
class QLinearConv(ConvAttributes):
    """A convolution of quantized values with quantized filters, quantized."""

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero: TensorType,
        w: TensorType,
        w_scale: TensorType,
        w_zero: TensorType,
        y_scale: TensorType,
        y_zero: TensorType,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The shape of the convolution."""
        return self.shaped(x, w, y_zero.dtype)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A convolution of the differences from the zero points, whose sums are scaled."""
        x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias = (*inputs, "")[:9]
        filters = g.shape(w)
        channels = filters[:1] + (1,) * (g.type(x).rank - 2)
        operands = [
            centred(g, x, reshape(g, x_zero, ())),
            centred(g, w, along(g, w_zero, filters, 0)),
        ]
        if bias:
            operands.append(apply(g, cast(arg(0, g.type(bias).dtype), F32), bias))
        sums = g.add(self.conv(), *operands)
        if g.type(w_scale).size > 1:
            w_scale = reshape(g, w_scale, channels)
        return (requantized(g, sums, x_scale, w_scale, y_scale, y_zero),)


def requantized(
    g: GraphBuilder, sums: str, a_scale: str, b_scale: str, y_scale: str, y_zero: str
) -> str:
    """Sums of products of integers as steps of the output's scale; parameters broadcast to them."""
    parameters = [broad(g, p) for p in (a_scale, b_scale, y_scale, y_zero)]
    factor = apply(g, arg(0) * arg(1) / arg(2), *parameters[:3])
    dtype = g.type(y_zero).dtype
    steps = call("round", arg(0) * arg(1)) + cast(arg(2, dtype), F32)
    return apply(g, saturate(steps, dtype), sums, factor, parameters[3])


def _matmul(g: GraphBuilder, a: str, b: str) -> str:
    return g.add(create("", "MatMul", 13, {}), a, b)


def of_rows(g: GraphBuilder, parameter: str) -> str:
    """A parameter of the left operand: one for all, or one a row."""
    t = g.type(parameter)
    if t.rank == 1 and t.size > 1:
        return reshape(g, parameter, (t.size, 1))
    return broad(g, parameter)


def broad(g: GraphBuilder, parameter: str) -> str:
    """A parameter as it is, or without dimensions where it is one for all."""
    return reshape(g, parameter, ()) if g.type(parameter).size == 1 else parameter


def _product_type(a: TensorType, b: TensorType, dtype: DType) -> tuple[TensorType, ...]:
    product = create("", "MatMul", 13, {})
    (t,) = product.infer(TensorType(F32, a.shape), TensorType(F32, b.shape))
    return (TensorType(dtype, t.shape),)


@register("MatMulInteger", since=10)
class MatMulInteger(Op):
    """The i32 product of matrices of bytes, from which zero points are taken off first."""

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        a_zero: TensorType | None = None,
        b_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The shape of the product."""
        return _product_type(a, b, I32)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A float product, or several of parts."""
        a, b, a_zero, b_zero = (*inputs, "", "")[:4]
        depth = g.shape(a)[-1]
        real_a = centred(g, a, a_zero and of_rows(g, a_zero))
        real_b = centred(g, b, b_zero and broad(g, b_zero))
        return (_exact(g, real_a, real_b, depth, lambda x, y: _matmul(g, x, y)),)


@register("QLinearMatMul", since=10)
class QLinearMatMul(Op):
    """A product of quantized matrices, quantized."""

    def infer(
        self,
        a: TensorType,
        a_scale: TensorType,
        a_zero: TensorType,
        b: TensorType,
        b_scale: TensorType,
        b_zero: TensorType,
        y_scale: TensorType,
        y_zero: TensorType,
    ) -> tuple[TensorType, ...]:
        """The shape of the product."""
        return _product_type(a, b, y_zero.dtype)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A product of the differences from the zero points, whose sums are scaled."""
        a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = inputs
        sums = _matmul(g, centred(g, a, of_rows(g, a_zero)), centred(g, b, broad(g, b_zero)))
        rows = [of_rows(g, p) for p in (a_scale, y_scale, y_zero)]
        return (requantized(g, sums, rows[0], b_scale, rows[1], rows[2]),)
