"""Blocks of recent language models: SwiGLU and CausalConvWithState."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.expr import Expr, arg
from ..ir.shape import Shape
from ..ir.types import TensorType
from .activation import sigmoid
from .base import Op, register
from .compose import apply, expand_to, reshape, standard
from .elementwise import Elementwise
from .movement import StridedSlice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("SwiGLU", since=28)
class SwiGLU(Elementwise):
    """gate * sigmoid(alpha * gate) * x."""

    alpha: float = 1.0

    def expr(self, gate: Expr, x: Expr) -> Expr:
        """A sigmoid and products."""
        return gate * sigmoid(gate * self.alpha) * x

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The type of both, which do not broadcast."""
        a, b = inputs
        if a.shape != b.shape:
            raise ShapeError(f"A is {a} and B is {b}; their shapes differ")
        return super().infer(a, b)


@register("CausalConvWithState", since=27)
class CausalConvWithState(Op):
    """A depthwise convolution over time which sees only what was before, kept between calls."""

    activation: str = "none"

    def infer(
        self,
        x: TensorType,
        weight: TensorType,
        bias: TensorType | None = None,
        past: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The type of the input, and that of the steps to be kept."""
        if self.activation not in ("none", "silu", "swish"):
            raise UnsupportedOperatorError(f"activation '{self.activation}' is unknown")
        if x.rank != 3 or weight.rank != 3 or weight.shape[:2] != (x.shape[1], 1):
            raise ShapeError(f"weights {weight} for the input {x}")
        kept = (*x.shape[:2], weight.shape[2] - 1)
        if past is not None and past.shape != kept:
            raise ShapeError(f"the past is {past}, where {kept} is expected")
        return TensorType(x.dtype, x.shape), TensorType(x.dtype, kept)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Concat, a Conv and a slice."""
        x, weight, bias, past = (*inputs, "", "")[:4]
        batch, channels, length = g.shape(x)
        kept: Shape = (batch, channels, g.shape(weight)[2] - 1)
        zero = reshape(g, g.scalar(0, g.type(x).dtype), (1, 1, 1))
        whole = standard(g, "Concat", past or expand_to(g, zero, kept), x, axis=2)
        operands = (whole, weight, bias) if bias else (whole, weight)
        y = standard(g, "Conv", *operands, group=channels)
        if self.activation != "none":
            value = arg(0, g.type(y).dtype)
            y = apply(g, value * sigmoid(value), y)
        last = StridedSlice(starts=(0, 0, length), steps=(1, 1, 1), sizes=kept)
        return y, g.add(last, whole)
