"""Operators that move a stretch of each row: ReverseSequence and TensorScatter."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import I64
from ..ir.expr import arg, call, cast, select
from ..ir.shape import normalize_axis
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, expand_to, reshape, standard, transpose
from .movement import Iota

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("ReverseSequence", since=10)
class ReverseSequence(Op):
    """The first `lengths[b]` steps of each batch entry b in the opposite order."""

    moves_only = True
    batch_axis: int = 1
    time_axis: int = 0

    def infer(self, x: TensorType, lengths: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if {self.batch_axis, self.time_axis} != {0, 1} or x.rank < 2:
            raise ShapeError(f"batch and time are axes {self.batch_axis}, {self.time_axis} of {x}")
        if lengths.shape != (x.shape[self.batch_axis],):
            raise ShapeError(f"lengths {lengths} do not fit {x}")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Steps gathered by their places; a length out of range makes an index out of range."""
        x, lengths = inputs
        t = g.type(x)
        perm = (1, 0, *range(2, t.rank)) if self.time_axis == 0 else tuple(range(t.rank))
        rows = transpose(g, x, perm)
        batch, steps = g.shape(rows)[:2]
        step, length = arg(0, I64), arg(1, I64)
        at = select(step < length, length - step - 1, step)
        known = call("and", length >= 0, length <= steps)
        places = apply(
            g,
            select(known, at, at * 0 + steps),
            reshape(g, g.add(Iota(count=steps)), (1, steps, 1)),
            reshape(g, apply(g, cast(arg(0, g.type(lengths).dtype), I64), lengths), (batch, 1, 1)),
        )
        return (transpose(g, standard(g, "GatherND", rows, places, batch_dims=1), perm),)


@register("TensorScatter", since=24)
class TensorScatter(Op):
    """A cache with some steps replaced: in batch entry b those from `places[b]` on."""

    moves_only = True
    axis: int = -2
    mode: str = "linear"

    def infer(
        self, cache: TensorType, update: TensorType, places: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The cache's type."""
        axis = normalize_axis(self.axis, cache.rank)
        size = update.shape[axis] if update.rank == cache.rank else -1
        fits = update.shape == (*cache.shape[:axis], size, *cache.shape[axis + 1 :])
        if not axis or not fits or size > cache.shape[axis] or update.dtype != cache.dtype:
            raise ShapeError(f"{update} does not fit the cache {cache} along axis {self.axis}")
        if places is not None and places.shape != cache.shape[:1]:
            raise ShapeError(f"places {places} for the cache {cache}")
        if self.mode not in ("linear", "circular"):
            raise UnsupportedOperatorError(f"mode '{self.mode}' is unknown")
        return (TensorType(cache.dtype, cache.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A scattering of steps of a three-dimensional cache."""
        cache, update, places = (*inputs, "")[:3]
        shape, axis = g.shape(cache), normalize_axis(self.axis, g.type(cache).rank)
        before, size, after = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
        steps, batch = g.shape(update)[axis], shape[0]
        step = reshape(g, g.add(Iota(count=steps)), (1, 1, steps, 1))
        index = arg(0, I64)
        operands = [step]
        if places:
            index = index + cast(arg(1, g.type(places).dtype), I64)
            operands.append(reshape(g, places, (batch, 1, 1, 1)))
        if self.mode == "circular":
            index = call("mod", index, size)
        else:  # what is before the start would count from the end
            index = select(index < 0, index * 0 + size, index)
        at = apply(g, index, *operands)
        rows = before // batch if batch else 0
        at = expand_to(g, at, (g.shape(at)[0], 1, steps, after))
        at = expand_to(g, at, (g.shape(at)[0], rows, steps, after))
        at = expand_to(g, at, (batch, rows, steps, after))
        whole = standard(
            g,
            "ScatterElements",
            reshape(g, cache, (before, size, after)),
            reshape(g, at, (before, steps, after)),
            reshape(g, update, (before, steps, after)),
            axis=1,
        )
        return (reshape(g, whole, shape),)
