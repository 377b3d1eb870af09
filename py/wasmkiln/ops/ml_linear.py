"""LinearClassifier and LinearRegressor: a Gemm with work behind it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, I64
from ..ir.expr import arg, const, select
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, cast_to, reshape, standard
from .scores import (
    TRANSFORMS,
    beside,
    best_class,
    check_choice,
    class_count,
    labels_of,
    logistic,
    row_count,
    rows_of,
    transformed,
)

DOMAIN = "ai.onnx.ml"


def _weighted(g: GraphBuilder, x: str, rows: int, coefficients: Sequence[float], add: str) -> str:
    """x @ coefficients.T + add, for as many rows of coefficients."""
    x = cast_to(g, rows_of(g, x), F32)
    features = g.shape(x)[1]
    if len(coefficients) != rows * features:
        raise ShapeError(f"{len(coefficients)} coefficients for {rows} x {features} features")
    weights = g.const(Const.of(F32, (rows, features), coefficients), "coefficients")
    return standard(g, "Gemm", x, weights, *((add,) if add else ()), transB=True)


def _vector(g: GraphBuilder, values: Sequence[float]) -> str:
    return g.const(Const.of(F32, (len(values),), values), "intercepts") if values else ""


@register("LinearClassifier", since=1, domain=DOMAIN)
class LinearClassifier(Op):
    """The class with the best score, and the scores of all; one score may stand for two classes."""

    coefficients: tuple[float, ...]
    classlabels_ints: tuple[int, ...] = ()
    classlabels_strings: tuple[str, ...] = ()
    intercepts: tuple[float, ...] = ()
    multi_class: int = 0
    post_transform: str = "NONE"

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N] labels, being numbers, and scores [N, classes] of f32."""
        labels = class_count(self.classlabels_ints, self.classlabels_strings)
        rows, count = row_count(x), self._count(x)
        check_choice("post_transform", self.post_transform, TRANSFORMS)
        wanted = max(2, count)
        if labels != wanted:
            raise InvalidModelError(f"{labels} labels for {wanted} classes")
        return TensorType(I64, (rows,)), TensorType(F32, (rows, wanted))

    def _count(self, x: TensorType) -> int:
        features = max(1, x.shape[-1])
        return len(self.intercepts) or max(1, len(self.coefficients) // features)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The same with classes by number, whose names are looked up."""
        names = self.classlabels_strings
        if not names:
            return None
        numbered = self.with_(classlabels_strings=(), classlabels_ints=tuple(range(len(names))))
        index, scores = g.add_all(numbered, inputs, n_outputs=2)
        return labels_of(g, index, names), scores

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Gemm, the best class and a transform."""
        (x,) = inputs
        count = self._count(g.type(x))
        scores = _weighted(g, x, count, self.coefficients, _vector(g, self.intercepts))
        if count > 1:
            labels = labels_of(g, best_class(g, scores), self.classlabels_ints)
            return labels, transformed(g, scores, self.post_transform)
        negative, positive = self.classlabels_ints
        label = select(arg(0) > 0, const(positive, I64), const(negative, I64))
        labels = reshape(g, apply(g, label, scores), (g.shape(scores)[0],))
        return labels, self._pair(g, scores)

    def _pair(self, g: GraphBuilder, score: str) -> str:
        """The scores of two classes from one."""
        if self.post_transform == "PROBIT":
            raise UnsupportedOperatorError("PROBIT of one score for two classes")
        if self.post_transform == "LOGISTIC":
            return beside(g, logistic(-arg(0)), logistic(arg(0)), score)
        return beside(g, 1.0 - arg(0), arg(0), score)


@register("LinearRegressor", since=1, domain=DOMAIN)
class LinearRegressor(Op):
    """x @ coefficients.T + intercepts; a single target is only ever transformed by PROBIT."""

    coefficients: tuple[float, ...] = ()
    intercepts: tuple[float, ...] = ()
    post_transform: str = "NONE"
    targets: int = 1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N, targets] of f32."""
        check_choice("post_transform", self.post_transform, TRANSFORMS)
        return (TensorType(F32, (row_count(x), self.targets)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gemm and a transform."""
        (x,) = inputs
        # As in onnxruntime, intercepts that are not as many as the targets do not count.
        used = self.intercepts if len(self.intercepts) == self.targets else ()
        y = _weighted(g, x, self.targets, self.coefficients, _vector(g, used))
        single = self.targets == 1 and self.post_transform != "PROBIT"
        return (y if single else transformed(g, y, self.post_transform),)
