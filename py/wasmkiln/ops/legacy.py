"""Experimental operators of early opsets, which some converters still wrote at opset 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.dtype import F32, DType
from ..ir.expr import Expr, arg, call
from ..ir.types import TensorType
from .activation import softplus
from .base import Op, register
from .cast import dtype_of
from .compose import apply
from .elementwise import Elementwise
from .movement import StridedSlice, constant_ints, filled
from .slice import Slice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("Affine", since=1)
class Affine(Elementwise):
    """alpha * x + beta."""

    alpha: float = 1.0
    beta: float = 0.0

    def expr(self, x: Expr) -> Expr:
        """A product and a sum."""
        return x * self.alpha + self.beta


@register("ScaledTanh", since=1)
class ScaledTanh(Elementwise):
    """alpha * tanh(beta * x)."""

    alpha: float
    beta: float

    def expr(self, x: Expr) -> Expr:
        """Two products."""
        return call("tanh", x * self.beta) * self.alpha


@register("ParametricSoftplus", since=1)
class ParametricSoftplus(Elementwise):
    """alpha * log(1 + exp(beta * x))."""

    alpha: float
    beta: float

    def expr(self, x: Expr) -> Expr:
        """Two products."""
        return softplus(x * self.beta) * self.alpha


@register("ImageScaler", since=1)
class ImageScaler(Op):
    """scale * x + bias[channel], for x of N, C, H, W."""

    bias: tuple[float, ...] = ()
    scale: float = 1.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank != 4 or len(self.bias) != x.shape[1]:
            raise ShapeError(f"{len(self.bias)} biases do not suit {x}")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Map."""
        (x,) = inputs
        dtype = g.type(x).dtype
        bias = g.const(Const.of(dtype, (len(self.bias), 1, 1), self.bias))
        return (apply(g, arg(0, dtype) * self.scale + arg(1, dtype), x, bias),)


@register("Crop", since=1)
class Crop(Op):
    """x without a border of (left, top, right, bottom); `scale` gives height and width instead."""

    border: tuple[int, ...]
    scale: tuple[int, ...] | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """What is left."""
        if x.rank != 4 or len(self.border) != 4 or len(self.scale or (0, 0)) != 2:
            raise ShapeError(f"border {self.border} does not suit {x}")
        left, top, right, bottom = self.border
        height, width = self.scale or (x.shape[2] - top - bottom, x.shape[3] - left - right)
        if min(height, width, left, top) < 0:
            raise ShapeError(f"border {self.border} leaves nothing of {x}")
        return (TensorType(x.dtype, (*x.shape[:2], height, width)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A slice."""
        (x,) = inputs
        sizes = self.infer(g.type(x))[0].shape
        starts = (0, 0, self.border[1], self.border[0])
        return (g.add(StridedSlice(starts=starts, steps=(1,) * 4, sizes=sizes), x),)


@register("Scale", since=1)
class Scale(Elementwise):
    """scale * x."""

    scale: float = 1.0

    def expr(self, x: Expr) -> Expr:
        """A product."""
        return x * self.scale


@register("DynamicSlice", since=1)
class DynamicSlice(Slice):
    """Elements [start, end) of the listed axes, given as inputs: Slice before its time."""

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """Data, starts and ends; axes are optional."""
        return 3, 4


class _Fill(Op):
    """A tensor whose shape is an attribute, another tensor's shape, or its elements."""

    shape: tuple[int, ...] | None = None
    extra_shape: tuple[int, ...] = ()
    input_as_shape: bool = False

    def infer(self, x: TensorType | None = None) -> tuple[TensorType, ...]:
        """The shape, and what is put behind one that an input gives."""
        if x is None:
            return (TensorType(self._dtype(), self.shape or ()),)
        own = constant_ints(x, "the shape") if self.input_as_shape else x.shape
        return (TensorType(self._dtype(), (*own, *self.extra_shape)),)

    def _dtype(self) -> DType:
        return F32


@register("ConstantFill", since=1)
class ConstantFill(_Fill):
    """One value everywhere."""

    value: float = 0.0
    dtype: int = F32.onnx

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A scalar, expanded."""
        (t,) = self.infer(*(g.type(i) for i in inputs if i))
        return (filled(g, Const.scalar(t.dtype, self.value), t.shape),)

    def _dtype(self) -> DType:
        return dtype_of(self.dtype)


@register("GivenTensorFill", since=1)
class GivenTensorFill(_Fill):
    """The values of an attribute."""

    values: tuple[float, ...] = ()

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A constant."""
        (t,) = self.infer(*(g.type(i) for i in inputs if i))
        if t.size != len(self.values):
            raise ShapeError(f"{len(self.values)} values do not make {t}")
        return (g.const(Const.of(F32, t.shape, self.values)),)
