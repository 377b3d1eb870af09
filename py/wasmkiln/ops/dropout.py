"""Dropout: nothing at all outside of training, random zeros in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.dtype import BOOL, F32, F64, DType
from ..ir.expr import arg, cast, const, select
from ..ir.types import TensorType
from .base import Op, consuming, register
from .compose import apply, cast_to, reshape
from .movement import constant_ints, filled

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Dropout"]


class Dropout(Op):
    """What all versions share."""

    takes_narrow: ClassVar[bool] = True  # where nothing is dropped
    n_outputs: int = 1

    def trains(self, *inputs: TensorType | None) -> bool:
        """Whether elements are dropped, as far as the mode says."""
        return False

    def is_pure(self) -> bool:
        """False, since it depends on an input."""
        return False

    def _types(self, x: TensorType) -> tuple[TensorType, ...]:
        own = TensorType(x.dtype, x.shape)
        return (own, TensorType(self._mask(x.dtype), x.shape))[: self.n_outputs]

    def _mask(self, dtype: DType) -> DType:
        """The dtype of the mask."""
        return BOOL

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """The input itself, and a constant mask; in training a product with a random mask."""
        x, t = inputs[0], g.type(inputs[0])
        if self.trains(*(g.type(i) if i else None for i in inputs)):
            return self._dropped(g, x, inputs[1] if len(inputs) > 1 else "")
        if self.n_outputs == 1:
            return (x,)
        return (x, filled(g, Const.scalar(self._mask(t.dtype), 1), t.shape))

    def _dropped(self, g: GraphBuilder, x: str, ratio: str) -> tuple[str, ...]:
        from .random import Draw  # inference needs none

        t = g.type(x)
        share = reshape(g, ratio, ()) if ratio else g.scalar(0.5, F32)
        own = g.type(share).dtype
        draw = g.add(Draw(shape=t.shape, seed=getattr(self, "seed", None)))
        kept = arg(0, F64) >= cast(arg(1, own), F64)
        mask = apply(g, kept, draw, share)
        scale = cast(1.0 / (1.0 - cast(arg(2, own), F64)), t.dtype)
        y = select(arg(1, BOOL), arg(0, t.dtype) * scale, const(0, t.dtype))
        return (apply(g, y, x, mask, share), cast_to(g, mask, self._mask(t.dtype)))[
            : self.n_outputs
        ]


@register("Dropout", since=10)
class Dropout10(Dropout):
    """The input; the ratio matters in training only, which this version does not know."""

    ratio: float = 0.5

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type, and a mask."""
        return self._types(x)


@register("Dropout", since=7)
class Dropout7(Dropout10):
    """The input, and a mask of its dtype."""

    def _mask(self, dtype: DType) -> DType:
        return dtype


@register("Dropout", since=6)
class Dropout6(Dropout7):
    """Dropout at a ratio that is an attribute, in training unless `is_test` is set."""

    is_test: bool = False

    def trains(self, *inputs: TensorType | None) -> bool:
        """As the attribute says."""
        return not self.is_test

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """As for an input with the ratio."""
        (x,) = inputs
        return super().expand(g, x, g.scalar(self.ratio, F32))


consuming(Dropout6)


@register("Dropout", since=12)
class Dropout12(Dropout):
    """Dropout at a ratio that is an input, if `training_mode` is set."""

    seed: int | None = None

    def trains(self, *inputs: TensorType | None) -> bool:
        """As the input says; a known ratio of zero drops nothing."""
        _, ratio, mode = (*inputs, None, None)[:3]
        if mode is None or not any(constant_ints(mode, "training_mode")):
            return False
        return ratio is None or ratio.value is None or any(ratio.value.values())

    def infer(
        self,
        x: TensorType,
        ratio: TensorType | None = None,
        training_mode: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The input's type, and a mask."""
        for name, t in (("ratio", ratio), ("training_mode", training_mode)):
            if t is not None and t.size != 1:
                raise ShapeError(f"{name} is {t}, one number is expected")
        self.trains(x, ratio, training_mode)
        return self._types(x)
