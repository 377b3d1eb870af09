"""Experimental operators of early opsets, which some converters still wrote at opset 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.expr import Expr, arg, call
from ..ir.types import TensorType
from .activation import softplus
from .base import Op, register
from .compose import apply
from .elementwise import Elementwise
from .movement import StridedSlice

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
