"""BatchNormalization, by given statistics or, in training, by those of the batch."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.expr import arg
from ..ir.types import TensorType
from .base import Op, consuming, register
from .compose import apply, cast_to, reshape
from .norm import check_channels, inverse_deviation, statistics

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["BatchNorm", "fold_batch_norm"]


def fold_batch_norm(
    g: GraphBuilder, scale: str, bias: str, average: str, variance: str, epsilon: float
) -> tuple[str, str]:
    """The factor and the summand, one a channel, that make up a BatchNormalization."""
    dtype = g.type(variance).dtype
    s, v = arg(0, g.type(scale).dtype), arg(1, dtype)
    if s.dtype != dtype:
        scale, bias, s = cast_to(g, scale, dtype), cast_to(g, bias, dtype), arg(0, dtype)
    factor = apply(g, s * inverse_deviation(v, epsilon), scale, variance)
    summand = apply(g, arg(0, dtype) - arg(1, dtype) * arg(2, dtype), bias, average, factor)
    return factor, summand


class BatchNorm(Op):
    """What all versions share: y = x * factor + summand, with parameters for each channel.

    In training the outputs behind y are the running mean and variance, and then those of the batch.
    """

    epsilon: float = 1e-5
    momentum: float = 0.9
    n_outputs: int = 1

    def trains(self) -> bool:
        """Whether the batch's own statistics count: before opset 14, if they are asked for."""
        return self.n_outputs > 1

    def is_fixed(self) -> bool:
        """Whether it is a factor and a summand for each channel that don't depend on the input."""
        return not self.trains() and self._is_spatial()

    def _is_spatial(self) -> bool:
        return True

    def _parameters(self, x: TensorType) -> tuple[int, ...]:
        """The shape that parameters take to broadcast."""
        if not self._is_spatial():
            return (1, *x.shape[1:])
        return (1, x.shape[1], *(1,) * (x.rank - 2)) if x.rank > 1 else (1,)

    def infer(
        self,
        x: TensorType,
        scale: TensorType,
        B: TensorType,
        mean: TensorType,
        var: TensorType,
    ) -> tuple[TensorType, ...]:
        """The input's type, and those of the statistics."""
        if not x.rank:
            raise ShapeError(f"the input {x} has no dimension of rows")
        if not self._is_spatial() and x.rank < 2:
            raise ShapeError(f"the input {x} has no elements of a batch")
        count = prod(self._parameters(x))
        check_channels(x, count, scale=scale, B=B, mean=mean, var=var)
        y = TensorType(x.dtype, x.shape)
        if not self.trains():
            return (y,)
        pair = (TensorType(mean.dtype, mean.shape), TensorType(var.dtype, var.shape))
        return (y, *pair, *pair)[: self.n_outputs]

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Two elementwise operations, with parameters that init computes unless it is training."""
        x, scale, bias, average, variance = inputs
        t, wide = g.type(x), g.type(variance).dtype
        extra: tuple[str, ...] = ()
        if self.trains():
            given = (average, variance)
            average, variance = self._of_batch(g, cast_to(g, x, wide), given)
            extra = self._running(g, given, (average, variance))
        pair = fold_batch_norm(g, scale, bias, average, variance, self.epsilon)
        factor, summand = (reshape(g, p, self._parameters(t)) for p in pair)
        y = arg(0, wide) * arg(1, wide) + arg(2, wide)
        made = cast_to(g, apply(g, y, cast_to(g, x, wide), factor, summand), t.dtype)
        return (made, *extra)[: self.n_outputs]

    def _of_batch(self, g: GraphBuilder, x: str, given: tuple[str, str]) -> tuple[str, str]:
        """Mean and variance of the batch, in the shapes of the given ones."""
        axes = [d for d in range(g.type(x).rank) if d != 1] if self._is_spatial() else [0]
        average, variance = statistics(g, x, axes)
        return reshape(g, average, g.shape(given[0])), reshape(g, variance, g.shape(given[1]))

    def _running(
        self, g: GraphBuilder, given: tuple[str, str], found: tuple[str, str]
    ) -> tuple[str, ...]:
        """The running statistics and the batch's, in the dtypes of the given ones."""
        wide = g.type(found[0]).dtype
        mixed = arg(0, wide) * self.momentum + arg(1, wide) * (1 - self.momentum)
        made = [
            apply(g, mixed, cast_to(g, old, wide), new)
            for old, new in zip(given, found, strict=True)
        ]
        dtypes = [g.type(old).dtype for old in given] * 2
        return tuple(cast_to(g, v, d) for v, d in zip((*made, *found), dtypes, strict=True))


@register("BatchNormalization", since=7)
class BatchNormalization7(BatchNorm):
    """Normalization of channels or, unless `spatial`, of each element over the batch."""

    spatial: bool = True

    def _is_spatial(self) -> bool:
        return self.spatial


@register("BatchNormalization", since=6)
class BatchNormalization6(BatchNormalization7):
    """Normalization, in training mode unless `is_test` is set."""

    is_test: bool = False

    def trains(self) -> bool:
        """As the attribute says."""
        return not self.is_test


consuming(BatchNormalization6)


@register("BatchNormalization", since=9)
class BatchNormalization9(BatchNorm):
    """Normalization of channels."""


@register("BatchNormalization", since=14)
class BatchNormalization14(BatchNorm):
    """Normalization of channels, in training mode if the attribute says so."""

    training_mode: bool = False

    def trains(self) -> bool:
        """As the attribute says."""
        return self.training_mode
