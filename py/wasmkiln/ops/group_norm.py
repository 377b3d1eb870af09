"""GroupNormalization: statistics of groups of channels."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.expr import arg
from ..ir.types import TensorType
from .activation import sigmoid
from .base import MICROSOFT, Op, register
from .compose import apply, expand_to, reshape, standard, transpose
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


class _Contrib(Op):
    """onnxruntime's GroupNorm: by default channels are last, and an activation may follow."""

    activation: int
    groups: int
    channels_last: bool = True
    epsilon: float = 1e-5

    def _norm(self, g: GraphBuilder, x: str, gamma: str, beta: str) -> str:
        """A GroupNormalization, and SiLU."""
        rank = g.type(x).rank
        if self.channels_last:
            x = transpose(g, x, (0, rank - 1, *range(1, rank - 1)))
        op = GroupNormalization(num_groups=self.groups, epsilon=self.epsilon)
        y = g.add(op, x, gamma, beta)
        if self.activation:
            value = arg(0, g.type(y).dtype)
            y = apply(g, value * sigmoid(value), y)
        return transpose(g, y, (0, *range(2, rank), 1)) if self.channels_last else y

    def _check(self, x: TensorType, gamma: TensorType, beta: TensorType) -> TensorType:
        if self.activation not in (0, 1):
            raise UnsupportedOperatorError(f"activation {self.activation} is unknown")
        channels = x.shape[-1 if self.channels_last else 1] if x.rank > 2 else 0
        check_channels(x, channels, gamma=gamma, beta=beta)
        if not channels or self.groups < 1 or channels % self.groups:
            raise ShapeError(f"the channels of {x} do not form {self.groups} groups")
        return TensorType(x.dtype, x.shape)


@register("GroupNorm", domain=MICROSOFT)
class GroupNorm(_Contrib):
    """Normalization of groups of channels."""

    def infer(self, x: TensorType, gamma: TensorType, beta: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        return (self._check(x, gamma, beta),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A GroupNormalization."""
        return (self._norm(g, *inputs),)


@register("SkipGroupNorm", domain=MICROSOFT)
class SkipGroupNorm(_Contrib):
    """Normalization of groups of channels of x + skip + bias, which is given out as well."""

    n_outputs: int = 1

    def infer(
        self,
        x: TensorType,
        gamma: TensorType,
        beta: TensorType,
        skip: TensorType,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The input's type, twice."""
        if skip.size not in (x.size, x.shape[0] * gamma.size):
            raise ShapeError(f"skip is {skip}, which does not suit {x}")
        return (self._check(x, gamma, beta),) * self.n_outputs

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A sum and a GroupNormalization."""
        x, gamma, beta, skip, bias = (*inputs, "")[:5]
        if not self.channels_last:
            raise UnsupportedOperatorError("channels that are not last are not supported")
        t = g.type(x)
        if g.type(skip).size != t.size:  # one vector of channels for all pixels
            skip = reshape(g, skip, (t.shape[0], *(1,) * (t.rank - 2), t.shape[-1]))
        total = standard(g, "Sum", *filter(None, (x, skip, bias)))
        return (self._norm(g, total, gamma, beta), total)[: self.n_outputs]
