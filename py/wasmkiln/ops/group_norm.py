"""GroupNormalization: statistics of groups of channels."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError
from ..ir.builder import GraphBuilder
from ..ir.expr import arg
from ..ir.types import TensorType
from .base import Op, register
from .compose import expand_to, reshape
from .norm import check_channels, normalize_channels
from .reduce import mean

__all__: list[str] = []


class _GroupNorm(Op):
    """What the versions of GroupNormalization share."""

    num_groups: int
    epsilon: float = 1e-5

    def _check(self, x: TensorType, scale: TensorType, bias: TensorType, count: int) -> None:
        if x.rank < 3 or x.shape[1] % self.num_groups:
            raise ShapeError(f"the channels of {x} do not form {self.num_groups} groups")
        check_channels(x, count, scale=scale, bias=bias)

    def _expand(self, g: GraphBuilder, x: str, scale: str, bias: str) -> str:
        """Statistics of channels, averaged over groups: layouts keep their channels together."""
        t = g.type(x)
        spatial = range(2, t.rank)
        average = self._over_groups(g, mean(g, x, spatial))
        deviation = arg(0, t.dtype) - arg(1, t.dtype)
        variance = self._over_groups(g, mean(g, x, spatial, average, of=deviation * deviation))
        return normalize_channels(g, x, average, variance, self.epsilon, scale, bias)

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
