"""Normalizations; all but those of whole rows expand into reductions and elementwise operators.

Statistics are those of the deviations from the mean, not of squares minus the squared mean, which
would cancel. Channels are axis 1, as ONNX has them; parameters of one element a channel are
reshaped to broadcast along it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.dtype import F32
from ..ir.expr import Expr, arg, call, cast, const, select
from ..ir.shape import Shape, normalize_axes, normalize_axis, show
from ..ir.types import TensorType
from .base import Op, consuming, register
from .compose import apply, cast_to, reshape
from .reduce import Reduce, mean
from .row_norm import row_norm

__all__ = [
    "LayerNormalization", "RMSNormalization", "check_channels", "inverse_deviation",
    "normalize_channels", "statistics",
]  # fmt: skip


def _per_channel(g: GraphBuilder, parameter: str, rank: int) -> str:
    """A vector of channels as [C, 1, ...], which broadcasts to [N, C, ...]."""
    return reshape(g, parameter, (prod(g.shape(parameter)), *(1,) * (rank - 2)))


def check_channels(x: TensorType, channels: int, **parameters: TensorType) -> None:
    """ShapeError unless each parameter has as many elements as there are channels."""
    for name, t in parameters.items():
        if t.size != channels:
            raise ShapeError(f"{name} is {t}, but the input {x} needs {channels} elements")


def inverse_deviation(variance: Expr, epsilon: float) -> Expr:
    """1 / sqrt(variance + epsilon)."""
    return 1.0 / call("sqrt", variance + epsilon)


def statistics(g: GraphBuilder, x: str, axes: Sequence[int]) -> tuple[str, str]:
    """Mean and variance over axes, which are kept as 1."""
    average = mean(g, x, axes)
    deviation = arg(0, g.type(x).dtype) - arg(1, g.type(x).dtype)
    return average, mean(g, x, axes, average, of=deviation * deviation)


@register("InstanceNormalization", since=6)
class InstanceNormalization(Op):
    """Normalization of each channel of each image by its own statistics."""

    epsilon: float = 1e-5

    def infer(self, x: TensorType, scale: TensorType, B: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank < 3:
            raise ShapeError(f"the input {x} has no spatial axes")
        check_channels(x, x.shape[1], scale=scale, B=B)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Statistics by reductions, and one elementwise operation."""
        x, scale, bias = inputs
        t = g.type(x)
        average, variance = statistics(g, x, range(2, t.rank))
        return (normalize_channels(g, x, average, variance, self.epsilon, scale, bias),)


consuming(InstanceNormalization)


def normalize_channels(
    g: GraphBuilder, x: str, average: str, variance: str, epsilon: float, scale: str, bias: str
) -> str:
    """(x - average) * factor + bias, with parameters for each channel."""
    t = g.type(x)
    a, b, c, d = (arg(i, t.dtype) for i in range(4))
    scale, bias = _per_channel(g, scale, t.rank), _per_channel(g, bias, t.rank)
    factor = apply(g, inverse_deviation(a, epsilon) * b, variance, scale)
    return apply(g, (a - b) * c + d, x, average, factor, bias)


@register("LayerNormalization", since=1)  # so early it is of onnxruntime
class LayerNormalization(Op):
    """Normalization over all axes from `axis` on; also gives the mean and 1 / deviation."""

    axis: int = -1
    epsilon: float = 1e-5
    stash_type: int = 1
    n_outputs: int = 1

    def infer(
        self, x: TensorType, scale: TensorType, B: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The input's type, and the statistics' with 1 for the axes."""
        axis = normalize_axis(self.axis, x.rank)
        for name, t in (("scale", scale), ("B", B)):
            if t is not None and not _broadcasts(t.shape, x.shape):
                raise ShapeError(f"{name} is {t}, which does not broadcast to {show(x.shape)}")
        statistic = TensorType(F32, (*x.shape[:axis], *(1,) * (x.rank - axis)))
        return (TensorType(x.dtype, x.shape), statistic, statistic)[: self.n_outputs]

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One kernel for whole rows; else reductions and an elementwise operation."""
        x, scale, bias = (*inputs, "")[:3]
        t = g.type(x)
        axis = normalize_axis(self.axis, t.rank)
        if self.n_outputs == 1:
            y = row_norm(g, x, axis, self.epsilon, True, scale, bias)
            if y is not None:
                return (y,)
        average, variance = statistics(g, x, range(axis, t.rank))
        a, b, c, d, e = (arg(i, t.dtype) for i in range(5))
        inverse = apply(g, inverse_deviation(a, self.epsilon), variance)
        result = (a - b) * c * d
        operands = [x, average, inverse, scale]
        if bias:
            result, operands = result + e, [*operands, bias]
        both = (cast_to(g, average, F32), cast_to(g, inverse, F32))
        return (apply(g, result, *operands), *both)[: self.n_outputs]


def _broadcasts(shape: Shape, to: Shape) -> bool:
    """Whether a tensor of `shape` can be repeated to `to`."""
    tail = to[len(to) - len(shape) :]
    return len(shape) <= len(to) and all(d in (1, t) for d, t in zip(shape, tail, strict=True))


@register("RMSNormalization", since=23)
class RMSNormalization(Op):
    """Division by the root of the mean square over all axes from `axis` on."""

    axis: int = -1
    epsilon: float = 1e-5
    stash_type: int = 1

    def infer(self, x: TensorType, scale: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        normalize_axis(self.axis, x.rank)
        if not _broadcasts(scale.shape, x.shape):
            raise ShapeError(f"scale is {scale}, which does not broadcast to {show(x.shape)}")
        return (TensorType(scale.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One kernel for whole rows; else a reduction and an elementwise operation."""
        x, scale = inputs
        t = g.type(x)
        axis = normalize_axis(self.axis, t.rank)
        y = row_norm(g, x, axis, self.epsilon, False, scale)
        if y is not None:
            return (y,)
        a, b, c = arg(0, t.dtype), arg(1, t.dtype), arg(2, g.type(scale).dtype)
        axes = range(axis, t.rank)
        inverse = apply(g, inverse_deviation(a, self.epsilon), mean(g, x, axes, of=a * a))
        return (apply(g, cast(a * b, c.dtype) * c, x, inverse, scale),)


@register("LpNormalization", since=1)
class LpNormalization(Op):
    """x divided by its p-norm along an axis; 0 where that is 0."""

    axis: int = -1
    p: int = 2

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        normalize_axis(self.axis, x.rank)
        if self.p not in (1, 2):
            raise UnsupportedOperatorError(f"p is {self.p}, only 1 and 2 are defined")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The norm by a reduction, and one elementwise operation."""
        (x,) = inputs
        t = g.type(x)
        a, b = arg(0, t.dtype), arg(1, t.dtype)
        pre, post = (call("abs", a), a) if self.p == 1 else (a * a, call("sqrt", a))
        axes = normalize_axes((self.axis,), t.rank)
        norm = g.add(Reduce(axes=axes, fold="sum", pre=pre, post=post), x)
        zero = const(0, t.dtype)
        return (apply(g, select(call("eq", b, zero), zero, a / b), x, norm),)


@register("MeanVarianceNormalization", since=9)
class MeanVarianceNormalization(Op):
    """(x - mean) / (deviation + 1e-9), over the given axes."""

    axes: tuple[int, ...] = (0, 2, 3)

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        normalize_axes(self.axes, x.rank)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Statistics by reductions, and one elementwise operation."""
        (x,) = inputs
        t = g.type(x)
        average, variance = statistics(g, x, normalize_axes(self.axes, t.rank))
        a, b, c = (arg(i, t.dtype) for i in range(3))
        inverse = apply(g, 1.0 / (call("sqrt", a) + 1e-9), variance)
        return (apply(g, (a - b) * c, x, average, inverse),)


@register("MeanVarianceNormalization", since=1)
class MeanVarianceNormalization1(Op):
    """Deviations from each image's mean, of a channel or across them; by default normalized."""

    across_channels: bool = False
    normalize_variance: bool = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank != 4:
            raise ShapeError(f"the input {x} is not N, C, H, W")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The newer operator, or a difference."""
        (x,) = inputs
        axes = (1, 2, 3) if self.across_channels else (2, 3)
        if self.normalize_variance:
            return (g.add(MeanVarianceNormalization(axes=axes), x),)
        dtype = g.type(x).dtype
        return (apply(g, arg(0, dtype) - arg(1, dtype), x, mean(g, x, axes)),)
