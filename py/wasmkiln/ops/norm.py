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
from ..ir.expr import Expr, arg, call, const, select
from ..ir.shape import Shape, normalize_axes, normalize_axis, show
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, cast_to, expand_to, reshape
from .reduce import Reduce, mean
from .row_norm import row_norm

__all__ = ["fold_batch_norm"]


def _per_channel(g: GraphBuilder, parameter: str, rank: int) -> str:
    """A vector of channels as [C, 1, ...], which broadcasts to [N, C, ...]."""
    return reshape(g, parameter, (prod(g.shape(parameter)), *(1,) * (rank - 2)))


def _check_channels(x: TensorType, channels: int, **parameters: TensorType) -> None:
    for name, t in parameters.items():
        if t.size != channels:
            raise ShapeError(f"{name} is {t}, but the input {x} needs {channels} elements")


def _inverse_deviation(variance: Expr, epsilon: float) -> Expr:
    return 1.0 / call("sqrt", variance + epsilon)


def _statistics(g: GraphBuilder, x: str, axes: Sequence[int]) -> tuple[str, str]:
    """Mean and variance over axes, which are kept as 1."""
    average = mean(g, x, axes)
    deviation = arg(0, g.type(x).dtype) - arg(1, g.type(x).dtype)
    return average, mean(g, x, axes, average, of=deviation * deviation)


def fold_batch_norm(
    g: GraphBuilder, scale: str, bias: str, average: str, variance: str, epsilon: float
) -> tuple[str, str]:
    """The factor and the summand, one a channel, that make up a BatchNormalization."""
    dtype = g.type(variance).dtype
    s, v = arg(0, g.type(scale).dtype), arg(1, dtype)
    if s.dtype != dtype:
        scale, bias, s = cast_to(g, scale, dtype), cast_to(g, bias, dtype), arg(0, dtype)
    factor = apply(g, s * _inverse_deviation(v, epsilon), scale, variance)
    summand = apply(g, arg(0, dtype) - arg(1, dtype) * arg(2, dtype), bias, average, factor)
    return factor, summand


class _BatchNorm(Op):
    """What all versions share, in inference: y = x * factor + summand."""

    epsilon: float = 1e-5
    momentum: float = 0.9

    def infer(
        self,
        x: TensorType,
        scale: TensorType,
        B: TensorType,
        mean: TensorType,
        var: TensorType,
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        if not x.rank:
            raise ShapeError(f"the input {x} has no dimension of rows")
        channels = x.shape[1] if x.rank > 1 else 1
        _check_channels(x, channels, scale=scale, B=B, mean=mean, var=var)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Two elementwise operations, with parameters that init computes."""
        x, *parameters = inputs
        t = g.type(x)
        scale, bias, average, variance = parameters
        pair = fold_batch_norm(g, scale, bias, average, variance, self.epsilon)
        factor, summand = (_per_channel(g, p, max(2, t.rank)) for p in pair)
        wide = g.type(factor).dtype
        y = arg(0, wide) * arg(1, wide) + arg(2, wide)
        return (cast_to(g, apply(g, y, cast_to(g, x, wide), factor, summand), t.dtype),)


@register("BatchNormalization", since=7)
class BatchNormalization7(_BatchNorm):
    """Normalization by given statistics; `spatial` = 0 had them for each element."""

    spatial: bool = True

    def infer(
        self,
        x: TensorType,
        scale: TensorType,
        B: TensorType,
        mean: TensorType,
        var: TensorType,
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        if not self.spatial:
            raise UnsupportedOperatorError(
                "statistics for each element (spatial=0) are not supported"
            )
        return super().infer(x, scale, B, mean, var)


@register("BatchNormalization", since=6)
class BatchNormalization6(BatchNormalization7):
    """Normalization by given statistics, where `is_test` says that this is not training."""

    is_test: bool = False

    def infer(
        self,
        x: TensorType,
        scale: TensorType,
        B: TensorType,
        mean: TensorType,
        var: TensorType,
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        if not self.is_test:
            raise UnsupportedOperatorError("training mode is not supported")
        return super().infer(x, scale, B, mean, var)


@register("BatchNormalization", since=9)
class BatchNormalization9(_BatchNorm):
    """Normalization by given statistics."""


@register("BatchNormalization", since=14)
class BatchNormalization14(_BatchNorm):
    """Normalization by given statistics; in training mode by those of the batch."""

    training_mode: bool = False

    def infer(
        self,
        x: TensorType,
        scale: TensorType,
        B: TensorType,
        mean: TensorType,
        var: TensorType,
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        if self.training_mode:
            raise UnsupportedOperatorError("training mode is not supported")
        return super().infer(x, scale, B, mean, var)


@register("InstanceNormalization", since=1)
class InstanceNormalization(Op):
    """Normalization of each channel of each image by its own statistics."""

    epsilon: float = 1e-5

    def infer(self, x: TensorType, scale: TensorType, B: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank < 3:
            raise ShapeError(f"the input {x} has no spatial axes")
        _check_channels(x, x.shape[1], scale=scale, B=B)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Statistics by reductions, and one elementwise operation."""
        x, scale, bias = inputs
        t = g.type(x)
        average, variance = _statistics(g, x, range(2, t.rank))
        return (_normalize(g, x, average, variance, self.epsilon, scale, bias),)


def _normalize(
    g: GraphBuilder, x: str, average: str, variance: str, epsilon: float, scale: str, bias: str
) -> str:
    """(x - average) * factor + bias, with parameters for each channel."""
    t = g.type(x)
    a, b, c, d = (arg(i, t.dtype) for i in range(4))
    scale, bias = _per_channel(g, scale, t.rank), _per_channel(g, bias, t.rank)
    factor = apply(g, _inverse_deviation(a, epsilon) * b, variance, scale)
    return apply(g, (a - b) * c + d, x, average, factor, bias)


class _GroupNorm(Op):
    """What the versions of GroupNormalization share."""

    num_groups: int
    epsilon: float = 1e-5

    def _check(self, x: TensorType, scale: TensorType, bias: TensorType, count: int) -> None:
        if x.rank < 3 or x.shape[1] % self.num_groups:
            raise ShapeError(f"the channels of {x} do not form {self.num_groups} groups")
        _check_channels(x, count, scale=scale, bias=bias)

    def _expand(self, g: GraphBuilder, x: str, scale: str, bias: str) -> str:
        """Statistics of channels, averaged over groups: layouts keep their channels together."""
        t = g.type(x)
        spatial = range(2, t.rank)
        average = self._over_groups(g, mean(g, x, spatial))
        deviation = arg(0, t.dtype) - arg(1, t.dtype)
        variance = self._over_groups(g, mean(g, x, spatial, average, of=deviation * deviation))
        return _normalize(g, x, average, variance, self.epsilon, scale, bias)

    def _over_groups(self, g: GraphBuilder, x: str) -> str:
        """The mean over each group, for each channel: [N, C, 1, ...] to itself."""
        n, c, *rest = g.shape(x)
        grouped = reshape(g, x, (n, self.num_groups, c // self.num_groups))
        spread = expand_to(g, mean(g, grouped, (2,)), g.shape(grouped))
        return reshape(g, spread, (n, c, *rest))


@register("GroupNormalization", since=18)
class GroupNormalization18(_GroupNorm):
    """Normalization of groups of channels; scale and bias have an element for each group."""

    def infer(self, x: TensorType, scale: TensorType, bias: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        self._check(x, scale, bias, self.num_groups)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Reductions and elementwise operations, with parameters repeated for each channel."""
        x, scale, bias = inputs
        per_group = g.shape(x)[1] // self.num_groups
        spread = (_repeat(g, p, per_group) for p in (scale, bias))
        return (self._expand(g, x, *spread),)


def _repeat(g: GraphBuilder, x: str, times: int) -> str:
    """Each element of a vector several times."""
    count = prod(g.shape(x))
    return reshape(g, expand_to(g, reshape(g, x, (count, 1)), (count, times)), (count * times,))


@register("GroupNormalization", since=21)
class GroupNormalization(_GroupNorm):
    """Normalization of groups of channels; scale and bias have an element for each channel."""

    stash_type: int = 1

    def infer(self, x: TensorType, scale: TensorType, bias: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        self._check(x, scale, bias, x.shape[1] if x.rank > 1 else 0)
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Reductions and elementwise operations."""
        return (self._expand(g, *inputs),)


@register("LayerNormalization", since=17)
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
        average, variance = _statistics(g, x, range(axis, t.rank))
        a, b, c, d, e = (arg(i, t.dtype) for i in range(5))
        inverse = apply(g, _inverse_deviation(a, self.epsilon), variance)
        result = (a - b) * c * d
        operands = [x, average, inverse, scale]
        if bias:
            result, operands = result + e, [*operands, bias]
        statistics = (cast_to(g, average, F32), cast_to(g, inverse, F32))
        return (apply(g, result, *operands), *statistics)[: self.n_outputs]


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
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One kernel for whole rows; else a reduction and an elementwise operation."""
        x, scale = inputs
        t = g.type(x)
        axis = normalize_axis(self.axis, t.rank)
        y = row_norm(g, x, axis, self.epsilon, False, scale)
        if y is not None:
            return (y,)
        a, b, c = (arg(i, t.dtype) for i in range(3))
        axes = range(axis, t.rank)
        inverse = apply(g, _inverse_deviation(a, self.epsilon), mean(g, x, axes, of=a * a))
        return (apply(g, a * b * c, x, inverse, scale),)


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
        average, variance = _statistics(g, x, normalize_axes(self.axes, t.rank))
        a, b, c = (arg(i, t.dtype) for i in range(3))
        inverse = apply(g, 1.0 / (call("sqrt", a) + 1e-9), variance)
        return (apply(g, (a - b) * c, x, average, inverse),)
