"""LayerNormalization and its like as onnxruntime's optimizer fuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.dtype import F32, I32
from ..ir.expr import Expr, arg, call, cast, const
from ..ir.shape import broadcast, normalize_axis
from ..ir.types import TensorType
from .base import MICROSOFT, Op, register
from .compose import apply, cast_to, reshape, standard
from .movement import Iota, filled
from .norm import LayerNormalization, RMSNormalization, inverse_deviation, statistics
from .reduce import Reduce, mean

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["EmbedLayerNormalization"]


@register("LayerNormalization", domain=MICROSOFT)
class ContribLayerNormalization(LayerNormalization):
    """LayerNormalization."""


class _Simplified(Op):
    """x by its root mean square over all axes from `axis` on, and the inverse of that."""

    axis: int = -1
    epsilon: float = 1e-5
    stash_type: int = 1
    n_outputs: int = 1

    def infer(self, x: TensorType, scale: TensorType) -> tuple[TensorType, ...]:
        """The input's type, and the statistic's with 1 for the axes."""
        (y,) = RMSNormalization(axis=self.axis).infer(x, scale)
        axis = normalize_axis(self.axis, x.rank)
        statistic = TensorType(F32, (*x.shape[:axis], *(1,) * (x.rank - axis)))
        return (y, statistic)[: self.n_outputs]

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """An RMSNormalization, and the statistic by itself, as hardly anyone asks for it."""
        x, _ = inputs
        y = g.add(RMSNormalization(axis=self.axis, epsilon=self.epsilon), *inputs)
        if self.n_outputs == 1:
            return (y,)
        t = g.type(x)
        a, axes = arg(0, t.dtype), range(normalize_axis(self.axis, t.rank), t.rank)
        inverse = apply(g, inverse_deviation(a, self.epsilon), mean(g, x, axes, of=a * a))
        return (y, cast_to(g, inverse, F32))


for _domain in ("", MICROSOFT):
    _body: dict[str, object] = {
        "__doc__": _Simplified.__doc__, "__module__": __name__, "__annotations__": {},
    }  # fmt: skip
    register("SimplifiedLayerNormalization", 1, _domain)(
        type("SimplifiedLayerNormalization", (_Simplified,), _body)
    )


class _Skip(Op):
    """What the operators share that normalize x + skip + bias, and also give this sum."""

    epsilon: float = 1e-12
    n_outputs: int = 1

    def _types(self, x: TensorType, skip: TensorType) -> tuple[TensorType, ...]:
        """The output, mean, 1 / deviation, and the sum."""
        if broadcast(x.shape, skip.shape) != x.shape:
            raise ShapeError(f"skip is {skip}, which does not broadcast to {x}")
        statistic = TensorType(F32, (*x.shape[:-1], 1))
        own = TensorType(x.dtype, x.shape)
        return (own, statistic, statistic, own)[: self.n_outputs]

    def _sum(self, g: GraphBuilder, x: str, skip: str, bias: str) -> str:
        dtype = g.type(x).dtype
        total: Expr = arg(0, dtype) + arg(1, dtype)
        if bias:
            return apply(g, total + arg(2, dtype), x, skip, bias)
        return apply(g, total, x, skip)

    def _statistics(self, g: GraphBuilder, x: str, centred: bool) -> tuple[str, str]:
        """Mean and 1 / deviation, which vanish where nothing uses them."""
        t = g.type(x)
        a, axes = arg(0, t.dtype), (t.rank - 1,)
        average, variance = statistics(g, x, axes)
        variance = variance if centred else mean(g, x, axes, of=a * a)
        inverse = apply(g, inverse_deviation(a, self.epsilon), variance)
        return cast_to(g, average, F32), cast_to(g, inverse, F32)


@register("SkipLayerNormalization", domain=MICROSOFT)
class SkipLayerNormalization(_Skip):
    """LayerNormalization of x + skip + bias along the last axis."""

    def infer(
        self,
        x: TensorType,
        skip: TensorType,
        gamma: TensorType,
        beta: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The input's type, statistics, and the sum's type."""
        LayerNormalization().infer(x, gamma, beta)
        return self._types(x, skip)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A sum and a LayerNormalization."""
        x, skip, gamma, beta, bias = (*inputs, "", "")[:5]
        total = self._sum(g, x, skip, bias)
        scale = (gamma, beta) if beta else (gamma,)
        y = g.add(LayerNormalization(epsilon=self.epsilon), total, *scale)
        if self.n_outputs == 1:
            return (y,)
        return (y, *self._statistics(g, total, True), total)[: self.n_outputs]


@register("SkipSimplifiedLayerNormalization", domain=MICROSOFT)
class SkipSimplifiedLayerNormalization(_Skip):
    """RMSNormalization of x + skip + bias along the last axis."""

    def infer(
        self,
        x: TensorType,
        skip: TensorType,
        gamma: TensorType,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The input's type, statistics, and the sum's type."""
        RMSNormalization().infer(x, gamma)
        return self._types(x, skip)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A sum and an RMSNormalization."""
        x, skip, gamma, bias = (*inputs, "")[:4]
        total = self._sum(g, x, skip, bias)
        y = g.add(RMSNormalization(epsilon=self.epsilon), total, gamma)
        if self.n_outputs == 1:
            return (y,)
        return (y, *self._statistics(g, total, False), total)[: self.n_outputs]


@register("EmbedLayerNormalization", domain=MICROSOFT)
class EmbedLayerNormalization(Op):
    """LayerNormalization of the sum of a word's, its place's and its segment's embedding."""

    epsilon: float = 1e-12
    mask_index_type: int | None = None
    n_outputs: int = 1

    def infer(
        self,
        ids: TensorType,
        segments: TensorType | None,
        words: TensorType,
        places: TensorType,
        segment_table: TensorType | None,
        gamma: TensorType,
        beta: TensorType,
        mask: TensorType | None = None,
        place_ids: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Rows of embeddings, the number of words of each row, and the sum of embeddings."""
        batch, length = ids.shape if ids.rank == 2 else (0, -1)
        size = words.shape[-1] if words.rank else 0
        fits = words.rank == places.rank == 2 and places.shape[-1] == size == gamma.size
        same = all(t is None or t.shape == ids.shape for t in (segments, mask))
        if length < 0 or not fits or not same or (segments is None) != (segment_table is None):
            raise ShapeError(f"embeddings {words} and {places} do not fit the words {ids}")
        if place_ids is None and places.shape[0] < length:
            raise ShapeError(f"there are {places.shape[0]} places for {length} words")
        y = TensorType(words.dtype, (batch, length, size))
        return (y, TensorType(I32, (batch,)), y)[: self.n_outputs]

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Gathers, a sum and a LayerNormalization."""
        ids, segments, words, places, table, gamma, beta, mask, at = (*inputs, "", "")[:9]
        length = g.shape(ids)[1]
        parts = [standard(g, "Gather", words, ids)]
        at = at or reshape(g, g.add(Iota(count=length)), (1, length))
        parts.append(standard(g, "Gather", places, at))
        if segments:
            parts.append(standard(g, "Gather", table, segments))
        total = standard(g, "Sum", *parts)
        y = g.add(LayerNormalization(epsilon=self.epsilon), total, gamma, beta)
        return (y, self.count(g, ids, mask), total)[: self.n_outputs]

    def count(self, g: GraphBuilder, ids: str, mask: str) -> str:
        """How many words of each row the mask keeps; 0 without one."""
        batch = g.shape(ids)[0]
        if not mask or self.mask_index_type == 0:
            return filled(g, Const.scalar(I32, 0), (batch,))
        kept = cast(call("eq", arg(0, g.type(mask).dtype), const(1, g.type(mask).dtype)), I32)
        return reshape(g, g.add(Reduce(axes=(1,), fold="sum"), apply(g, kept, mask)), (batch,))
