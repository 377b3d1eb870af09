"""Losses of classifiers: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.expr import arg, call, const, select
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, expand_to, reshape, standard

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


class _Loss(Op):
    """What both share: scores [N, C, ...], the right classes [N, ...], and a weight a class."""

    ignore_index: int | None = None
    reduction: str = "mean"

    def _type(self, x: TensorType, target: TensorType, weight: TensorType | None) -> TensorType:
        """A loss for each of the classes, or one for all."""
        if x.rank < 2 or target.shape != (x.shape[0], *x.shape[2:]):
            raise ShapeError(f"classes {target} do not fit scores {x}")
        if weight is not None and weight.shape != (x.shape[1],):
            raise ShapeError(f"weights {weight} for {x.shape[1]} classes")
        if self.reduction not in ("none", "sum", "mean"):
            raise UnsupportedOperatorError(f"reduction '{self.reduction}' is unknown")
        return TensorType(x.dtype, target.shape if self.reduction == "none" else ())

    def _loss(self, g: GraphBuilder, x: str, target: str, weight: str) -> str:
        """The loss, from logarithms of probabilities."""
        shape, dtype = g.shape(target), g.type(x).dtype
        known = self._unless_ignored(g, target, target)
        column = reshape(g, known, (shape[0], 1, *shape[1:]))
        found = reshape(g, standard(g, "GatherElements", x, column, axis=1), shape)
        losses = apply(g, -arg(0, dtype), found)
        weights = standard(g, "Gather", weight, known) if weight else ""
        if weights:
            losses = apply(g, arg(0, dtype) * arg(1, dtype), losses, weights)
        losses = self._unless_ignored(g, losses, target)
        if self.reduction == "none":
            return losses
        if self.reduction == "mean" and not weights and self.ignore_index is None:
            return standard(g, "ReduceMean", losses, keepdims=False)
        total = standard(g, "ReduceSum", losses, keepdims=False)
        if self.reduction == "sum":
            return total
        if not weights:
            one = reshape(g, g.scalar(1, dtype), (1,) * len(shape))
            weights = expand_to(g, one, shape)
        divisor = standard(g, "ReduceSum", self._unless_ignored(g, weights, target), keepdims=False)
        return apply(g, arg(0, dtype) / arg(1, dtype), total, divisor)

    def _unless_ignored(self, g: GraphBuilder, x: str, target: str) -> str:
        """Zero where the class is the one to ignore; else the value."""
        if self.ignore_index is None:
            return x
        dtype = g.type(x).dtype
        ignored = call("eq", arg(1, g.type(target).dtype), self.ignore_index)
        return apply(g, select(ignored, const(0, dtype), arg(0, dtype)), x, target)


@register("NegativeLogLikelihoodLoss", since=12)
class NegativeLogLikelihoodLoss(_Loss):
    """The negated logarithms of the right classes' probabilities, weighted."""

    def infer(
        self, x: TensorType, target: TensorType, weight: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """One loss for all, or one for each class to be found."""
        return (self._type(x, target, weight),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A gathering, and reductions."""
        x, target, weight = (*inputs, "")[:3]
        return (self._loss(g, x, target, weight),)


@register("SoftmaxCrossEntropyLoss", since=12)
class SoftmaxCrossEntropyLoss(_Loss):
    """The negative log likelihood of scores; the second output are logarithms."""

    def infer(
        self, scores: TensorType, labels: TensorType, weights: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """One loss for all, or one for each label, and as many logarithms as scores."""
        return (
            self._type(scores, labels, weights),
            TensorType(scores.dtype, scores.shape),
        )

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A LogSoftmax over the classes."""
        scores, labels, weights = (*inputs, "")[:3]
        logarithms = standard(g, "LogSoftmax", scores, axis=1)
        return self._loss(g, logarithms, labels, weights), logarithms
