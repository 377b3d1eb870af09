"""QuantizeLinear and its kin, as elementwise expressions in f32.

q = saturate(round(x / scale) + zero_point) and x = (q - zero_point) * scale, rounding half to even.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F32, I32, U8, DType
from ..ir.expr import Expr, arg, call, cast, clamp, maximum, minimum, select
from ..ir.shape import Shape, normalize_axis, show
from ..ir.types import TensorType
from .base import Op, create, register
from .cast import dtype_of
from .compose import apply, expand_to, reshape
from .movement import StridedSlice
from .narrow import decoded, is_narrow, quantized

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["along", "dequantize", "quantize", "saturate"]


def saturate(x: Expr, dtype: DType) -> Expr:
    """A float limited to the range of an integer type of at most 16 bits, as that type."""
    if not dtype.is_int or dtype.itemsize > 2:
        raise UnsupportedOperatorError(f"quantization to {dtype} is not supported")
    low = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
    return cast(clamp(x, low, low + (1 << dtype.bits) - 1), dtype)


def along(g: GraphBuilder, parameter: str, shape: Shape, axis: int, block: int = 0) -> str:
    """A scale or zero point so shaped that it broadcasts to `shape`.

    It is one for all, one for each index along the axis, or one for each block of indices.
    """
    t = g.type(parameter)
    if block:
        if t.rank != len(shape):
            raise ShapeError(f"{t} has no value for each block of {show(shape)}")
        axis = normalize_axis(axis, len(shape))
        before, after = t.shape[:axis], t.shape[axis + 1 :]
        count = t.shape[axis]
        wide = expand_to(
            g, reshape(g, parameter, (*before, count, 1, *after)), (*before, count, block, *after)
        )
        whole = reshape(g, wide, (*before, count * block, *after))
        if count * block == shape[axis]:
            return whole
        sizes = (*before, shape[axis], *after)
        cut = StridedSlice(starts=(0,) * t.rank, steps=(1,) * t.rank, sizes=sizes)
        return g.add(cut, whole)
    if t.size == 1:
        return reshape(g, parameter, ())
    axis = normalize_axis(axis, len(shape))
    if t.rank != 1 or t.size != shape[axis]:
        raise ShapeError(f"{t} does not suit axis {axis} of {show(shape)}")
    return reshape(g, parameter, (t.size,) + (1,) * (len(shape) - axis - 1))


def quantize(g: GraphBuilder, x: str, scale: str, zero: str, dtype: DType) -> str:
    """The quantized value; scale and zero point ('' for 0) broadcast to x."""
    ratio = cast(arg(0, g.type(x).dtype), F32) / cast(arg(1, g.type(scale).dtype), F32)
    rounded = call("round", ratio)
    if not zero:
        return apply(g, saturate(rounded, dtype), x, scale)
    moved = rounded + cast(arg(2, g.type(zero).dtype), F32)
    return apply(g, saturate(moved, dtype), x, scale, zero)


def _quantize_narrow(
    g: GraphBuilder, x: str, scale: str, zero: str, dtype: DType, saturates: bool
) -> str:
    """The quantized value in a type of `narrow`; floats are rounded but once."""
    ratio = cast(arg(0, g.type(x).dtype), F32) / cast(arg(1, g.type(scale).dtype), F32)
    if not zero:
        return quantized(g, apply(g, ratio, x, scale), dtype, saturates)
    steps = ratio if dtype.name.startswith("f") else call("round", ratio)
    return quantized(g, apply(g, steps + arg(2), x, scale, zero), dtype, saturates)


def dequantize(g: GraphBuilder, x: str, scale: str, zero: str, dtype: DType | None = None) -> str:
    """The real value, by default in the dtype of the scale."""
    own, out = g.type(x).dtype, dtype or g.type(scale).dtype
    factor = cast(arg(1, g.type(scale).dtype), out)
    if not zero:
        return apply(g, cast(arg(0, own), out) * factor, x, scale)
    # The difference is exact: in i32 for i32, in floats for narrower integers.
    wide = I32 if own == I32 else out
    difference = cast(arg(0, own), wide) - cast(arg(2, g.type(zero).dtype), wide)
    return apply(g, cast(difference, out) * factor, x, scale, zero)


class _Quantize(Op):
    """What all versions of QuantizeLinear share."""

    takes_narrow = True
    axis: int = 1

    def infer(
        self, x: TensorType, scale: TensorType, zero: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The input's shape, in the dtype of the zero point."""
        wanted: int = getattr(self, "output_dtype", 0)
        dtype = zero.dtype if zero is not None else dtype_of(wanted) if wanted else U8
        return (TensorType(dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Map."""
        x, scale, zero = (*inputs, "")[:3]
        types = [g.type(i) if i else None for i in (x, scale, zero)]
        dtype = self.infer(*types)[0].dtype  # type: ignore[arg-type]
        shape, block = g.shape(x), getattr(self, "block_size", 0)
        scale = along(g, decoded(g, scale), shape, self.axis, block)
        zero = zero and along(g, decoded(g, zero), shape, self.axis, block)
        if is_narrow(dtype):
            return (_quantize_narrow(g, x, scale, zero, dtype, getattr(self, "saturate", True)),)
        return (quantize(g, x, scale, zero, dtype),)


@register("QuantizeLinear", since=10)
class QuantizeLinear10(_Quantize):
    """x in steps of a scale, as integers around a zero point."""


@register("QuantizeLinear", since=19)
class QuantizeLinear(_Quantize):
    """x in steps of a scale, as integers around a zero point; `saturate` is about 8-bit floats."""

    saturate: bool = True
    block_size: int = 0
    output_dtype: int = 0
    precision: int = 0


class _Dequantize(Op):
    """What all versions of DequantizeLinear share."""

    takes_narrow = True
    axis: int = 1

    def infer(
        self, x: TensorType, scale: TensorType, zero: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The input's shape, in the dtype of the scale, or in f32 if that is a power of two."""
        wanted: int = getattr(self, "output_dtype", 0)
        dtype = F32 if is_narrow(scale.dtype) else scale.dtype
        return (TensorType(dtype_of(wanted) if wanted else dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Map."""
        x, scale, zero = (*inputs, "")[:3]
        (t,) = self.infer(g.type(x), g.type(scale))
        block = getattr(self, "block_size", 0)
        scale = along(g, decoded(g, scale), t.shape, self.axis, block)
        zero = zero and along(g, decoded(g, zero), t.shape, self.axis, block)
        return (dequantize(g, decoded(g, x), scale, zero, t.dtype),)


@register("DequantizeLinear", since=10)
class DequantizeLinear10(_Dequantize):
    """The real values that integers stand for."""


@register("DequantizeLinear", since=21)
class DequantizeLinear(_Dequantize):
    """The real values that integers stand for."""

    block_size: int = 0
    output_dtype: int = 0


@register("DynamicQuantizeLinear", since=11)
class DynamicQuantizeLinear(Op):
    """x as u8, with the scale and zero point that its own range, made to include 0, asks for."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Quantized values, scale, zero point."""
        if x.dtype != F32:
            raise ShapeError(f"{x} is not f32")
        return TensorType(U8, x.shape), TensorType(F32, ()), TensorType(U8, ())

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Two reductions, and elementwise expressions."""
        (x,) = inputs
        whole = {"keepdims": False}
        low = g.add(create("", "ReduceMin", 13, whole), x)
        high = g.add(create("", "ReduceMax", 13, whole), x)
        extent = maximum(arg(1), 0) - minimum(arg(0), 0)
        scale = apply(g, select(extent > 0, extent / 255, 1), low, high)
        place = clamp(minimum(arg(0), 0) / arg(1) * -1.0, 0, 255)
        zero = apply(g, cast(call("round", place), U8), low, scale)
        return quantize(g, x, scale, zero, U8), scale, zero
