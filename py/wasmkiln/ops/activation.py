"""Activations: elementwise operators that networks put behind their linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F32, F64
from ..ir.expr import Expr, arg, call, cast, clamp, const, maximum, minimum, select
from ..ir.shape import broadcast, show
from ..ir.types import TensorType
from .base import MICROSOFT, Op, consuming, register
from .elementwise import Elementwise, binary, unary
from .map import Map
from .movement import View

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["gelu", "gelu_tanh", "sigmoid", "softplus"]

SQRT_HALF = 0.7071067811865476
SQRT_2_OVER_PI = 0.7978845608028654
F32_MAX, F64_MAX = 3.4028234663852886e38, 1.7976931348623157e308


def sigmoid(x: Expr) -> Expr:
    """1 / (1 + exp(-x)); exp overflows to infinity where the result is 0 anyway."""
    return 1 / (1 + call("exp", -x))


def softplus(x: Expr) -> Expr:
    """log(1 + exp(x)), arranged so that exp can't overflow."""
    return maximum(x, 0) + call("log", call("exp", -call("abs", x)) + 1)


def gelu(x: Expr) -> Expr:
    """x times the normal distribution function of x."""
    return x * 0.5 * (call("erf", x * SQRT_HALF) + 1)


def gelu_tanh(x: Expr) -> Expr:
    """Gelu by the usual approximation with tanh."""
    inner = (x * x * x * 0.044715 + x) * SQRT_2_OVER_PI
    return x * 0.5 * (call("tanh", inner) + 1)


unary("Relu", lambda x: maximum(x, 0))
unary("Sigmoid", sigmoid)
unary("Softplus", softplus, since=1)
unary("Softsign", lambda x: x / (1 + call("abs", x)), since=1)
unary("HardSwish", lambda x: x * clamp(x / 6 + 0.5, 0, 1), since=14)
unary("Mish", lambda x: x * call("tanh", softplus(x)), since=18)
unary("Gelu", gelu, since=1, domain=MICROSOFT)
binary("BiasGelu", lambda x, bias: gelu(x + bias), since=1, domain=MICROSOFT)


@register("LeakyRelu", since=6)
class LeakyRelu(Elementwise):
    """x, times alpha where it is negative."""

    alpha: float = 0.01

    def expr(self, x: Expr) -> Expr:
        """A selection."""
        return select(x < 0, x * self.alpha, x)


@register("ThresholdedRelu", since=10)
class ThresholdedRelu(Elementwise):
    """x where it exceeds alpha, else 0."""

    alpha: float = 1.0

    def expr(self, x: Expr) -> Expr:
        """A selection."""
        return select(x > self.alpha, x, 0)


@register("Elu", since=6)
class Elu(Elementwise):
    """x, or alpha * (exp(x) - 1) where it is negative."""

    alpha: float = 1.0

    def expr(self, x: Expr) -> Expr:
        """A selection."""
        return select(x < 0, (call("exp", x) - 1) * self.alpha, x)


@register("Selu", since=6)
class Selu(Elementwise):
    """gamma * x, or gamma * alpha * (exp(x) - 1) where x is not positive."""

    alpha: float = 1.6732631921768188
    gamma: float = 1.0507010221481323

    def expr(self, x: Expr) -> Expr:
        """A selection."""
        return select(x > 0, x, (call("exp", x) - 1) * self.alpha) * self.gamma


@register("Selu", since=1)
class Selu1(Selu):
    """Selu, whose defaults were less exact."""

    alpha: float = 1.6732
    gamma: float = 1.0507
    consumed_inputs: tuple[int, ...] = ()


@register("Celu", since=12)
class Celu(Elementwise):
    """x, or alpha * (exp(x / alpha) - 1) where it is negative."""

    alpha: float = 1.0

    def expr(self, x: Expr) -> Expr:
        """A selection."""
        return select(x < 0, (call("exp", x / self.alpha) - 1) * self.alpha, x)


@register("HardSigmoid", since=6)
class HardSigmoid(Elementwise):
    """alpha * x + beta, limited to [0, 1]."""

    alpha: float = 0.2
    beta: float = 0.5

    def expr(self, x: Expr) -> Expr:
        """A clamp."""
        return clamp(x * self.alpha + self.beta, 0, 1)


@register("Shrink", since=9)
class Shrink(Elementwise):
    """x moved towards zero by bias, and 0 within lambd of it."""

    bias: float = 0.0
    lambd: float = 0.5

    def expr(self, x: Expr) -> Expr:
        """Computed in f32 for integers, whose bias may be a fraction."""
        wide = x if x.dtype.is_float else cast(x, const(0.0).dtype)
        inner = select(wide > self.lambd, wide - self.bias, const(0.0, wide.dtype))
        return cast(select(wide < -self.lambd, wide + self.bias, inner), x.dtype)


@register("Gelu", since=20)
class Gelu(Elementwise):
    """x times the normal distribution function of x, or its approximation with tanh."""

    approximate: str = "none"

    def expr(self, x: Expr) -> Expr:
        """One of the two forms."""
        if self.approximate not in ("none", "tanh"):
            raise UnsupportedOperatorError(f"approximate is {self.approximate!r}")
        return gelu_tanh(x) if self.approximate == "tanh" else gelu(x)


@register("Swish", since=24)
class Swish(Elementwise):
    """x * sigmoid(alpha * x)."""

    alpha: float = 1.0

    def expr(self, x: Expr) -> Expr:
        """A product."""
        return x * sigmoid(x * self.alpha)


@register("QuickGelu", since=1, domain=MICROSOFT)
class QuickGelu(Swish):
    """x * sigmoid(alpha * x), whose default approximates Gelu."""

    alpha: float = 1.702


@register("FastGelu", since=1, domain=MICROSOFT)
class FastGelu(Op):
    """Gelu with tanh, of x plus an optional bias."""

    def infer(self, x: TensorType, bias: TensorType | None = None) -> tuple[TensorType, ...]:
        """The type of x."""
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Map."""
        x, bias = (*inputs, "")[:2]
        dtype = g.type(x).dtype
        if not bias:
            return (g.add(Map(expr=gelu_tanh(arg(0, dtype))), x),)
        return (g.add(Map(expr=gelu_tanh(arg(0, dtype) + arg(1, dtype))), x, bias),)


@register("PRelu", since=6)
class PRelu6(Op):
    """x, times a slope for all, or for each channel, where it is negative."""

    def infer(self, x: TensorType, slope: TensorType) -> tuple[TensorType, ...]:
        """The type of x."""
        if slope.size not in (1, x.shape[1] if x.rank > 1 else 1):
            raise ShapeError(f"{slope.size} slopes for the channels of {x}")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A slope that broadcasts."""
        x, slope = inputs
        spatial = (1,) * max(0, g.type(x).rank - 2)
        return (g.add(PRelu(), x, g.add(View(shape=(g.type(slope).size, *spatial)), slope)),)


@register("PRelu", since=7)
class PRelu(Elementwise):
    """x, times a slope where it is negative; the slope broadcasts to x, not x to it."""

    def expr(self, x: Expr, slope: Expr) -> Expr:
        """A selection."""
        return select(x < 0, x * slope, x)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The type of x."""
        x, slope = inputs
        if broadcast(x.shape, slope.shape) != x.shape:
            raise ShapeError(
                f"slope of shape {show(slope.shape)} does not broadcast to {show(x.shape)}"
            )
        return super().infer(x, slope)


@register("Clip", since=6)
class Clip6(Elementwise):
    """x limited to [min, max], which are attributes."""

    min: float = -F32_MAX
    max: float = F32_MAX

    def expr(self, x: Expr) -> Expr:
        """Two comparisons; only infinities are outside of f32's own limits."""
        return minimum(maximum(x, self.min), self.max)


@register("Clip", since=11)
class Clip(Op):
    """x limited to [low, high]: scalars; an absent one is the dtype's largest finite number."""

    def infer(
        self, x: TensorType, low: TensorType | None = None, high: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The type of x."""
        for limit in (low, high):
            if limit is not None and (limit.dtype != x.dtype or limit.size != 1):
                raise ShapeError(f"limit {limit} is not a scalar of {x.dtype}")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Map, into which constant limits go as numbers."""
        x, low, high = (*inputs, "", "")[:3]
        dtype = g.type(x).dtype
        expr, operands = arg(0, dtype), [x]
        most = {F32: F32_MAX, F64: F64_MAX}.get(dtype)
        bounds = ("max", low, -1), ("min", high, 1)  # low first: high wins if it is smaller
        for name, limit, sign in bounds:
            known = g.type(limit).value if limit else None
            if known is not None:
                operand = const(known.item(), dtype)
            elif not limit:
                if most is None:
                    continue
                operand = const(sign * most, dtype)
            else:
                operand = arg(len(operands), dtype)
                operands.append(g.add(View(shape=()), limit))
            expr = call(name, expr, operand)
        return (g.add(Map(expr=expr), *operands),) if expr.args else (x,)


consuming(LeakyRelu, Elu, HardSigmoid, PRelu6, Clip6)
