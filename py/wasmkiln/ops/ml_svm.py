"""SVMClassifier and SVMRegressor: kernels of distances or products, then products with weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, combinations

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, F64, I64
from ..ir.expr import arg, call, cast, clamp, const, select
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, cast_to, standard
from .reduce import Reduce
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
from .svm_steps import Coupling, Distance

DOMAIN = "ai.onnx.ml"
KERNELS = ("LINEAR", "POLY", "RBF", "SIGMOID")
LEAST = 1e-7  # what a probability is kept away from 0 and 1


class _Machine(Op):
    """What both operators share."""

    coefficients: tuple[float, ...] = ()
    kernel_params: tuple[float, ...] = ()
    kernel_type: str = "LINEAR"
    post_transform: str = "NONE"
    rho: tuple[float, ...] = ()
    support_vectors: tuple[float, ...] = ()

    def _check(self) -> None:
        check_choice("kernel_type", self.kernel_type, KERNELS)
        check_choice("post_transform", self.post_transform, TRANSFORMS)
        if len(self.kernel_params) not in (0, 3):
            raise InvalidModelError(f"{len(self.kernel_params)} kernel_params, 3 are expected")
        if not self.coefficients or not self.rho:
            raise InvalidModelError("coefficients or rho are missing")

    def _kernels(self, g: GraphBuilder, x: str, vectors: int) -> str:
        """The kernel between each row [N, F] and each support vector, [N, vectors]."""
        gamma, coef0, degree = self.kernel_params or (0.0, 0.0, 0.0)
        support = _matrix(g, self.support_vectors, vectors, g.shape(x)[1], "support_vectors")
        if self.kernel_type == "RBF":
            return apply(g, call("exp", arg(0) * -gamma), g.add(Distance(), x, support))
        y = standard(g, "Gemm", x, support, transB=True)
        if self.kernel_type == "LINEAR":
            return y
        moved = arg(0) * gamma + coef0
        if self.kernel_type == "SIGMOID":
            return apply(g, call("tanh", moved), y)
        y = apply(g, moved, y)
        powers = {2.0: arg(0) * arg(0), 3.0: arg(0) * arg(0) * arg(0)}
        return apply(g, powers.get(degree, call("pow", arg(0), degree)), y)

    def _linear(self, g: GraphBuilder, x: str, rows: int) -> str:
        """x @ coefficients.T + rho[0], without support vectors."""
        weights = _matrix(g, self.coefficients, rows, g.shape(x)[1], "coefficients")
        return apply(g, arg(0) + self.rho[0], standard(g, "Gemm", x, weights, transB=True))


def _matrix(g: GraphBuilder, values: Sequence[float], rows: int, columns: int, name: str) -> str:
    if len(values) != rows * columns:
        raise InvalidModelError(f"{len(values)} {name}, {rows} x {columns} are expected")
    return g.const(Const.of(F32, (rows, columns), values), name)


@register("SVMRegressor", since=1, domain=DOMAIN)
class SVMRegressor(_Machine):
    """kernels @ coefficients + rho; its sign for a single class. Scores are not transformed."""

    n_supports: int = 0
    one_class: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N, 1] of f32."""
        self._check()
        return (TensorType(F32, (row_count(x), 1)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Kernels and a Gemm."""
        x = cast_to(g, rows_of(g, inputs[0]), F32)
        if self.n_supports > 0:
            kernels = self._kernels(g, x, self.n_supports)
            weights = _matrix(g, self.coefficients, 1, self.n_supports, "coefficients")
            y = standard(g, "Gemm", kernels, weights, transB=True)
            y = apply(g, arg(0) + self.rho[0], y)
        else:
            y = self._linear(g, x, 1)
        if self.one_class:
            y = apply(g, select(arg(0) > 0, const(1.0), -1.0), y)
        return (y,)


@register("SVMClassifier", since=1, domain=DOMAIN)
class SVMClassifier(_Machine):
    """A vote between each two classes; with prob_a and prob_b also the classes' probabilities.

    Without support vectors, a score for each class.
    """

    classlabels_ints: tuple[int, ...] = ()
    classlabels_strings: tuple[str, ...] = ()
    prob_a: tuple[float, ...] = ()
    prob_b: tuple[float, ...] = ()
    vectors_per_class: tuple[int, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N] labels, numbers, and scores of f32: [N, classes], or of more than two the pairs."""
        self._check()
        count = class_count(self.classlabels_ints, self.classlabels_strings)
        has_vectors = sum(self.vectors_per_class) > 0
        if has_vectors:
            self._check_pairs(count)
        by_pairs = has_vectors and not self.prob_a and count > 2
        columns = count * (count - 1) // 2 if by_pairs else count
        rows = row_count(x)
        return TensorType(I64, (rows,)), TensorType(F32, (rows, columns))

    def _check_pairs(self, count: int) -> None:
        pairs = count * (count - 1) // 2
        if count < 2 or len(self.vectors_per_class) != count or min(self.vectors_per_class) < 0:
            raise InvalidModelError(f"vectors_per_class is for {count} classes, at least two")
        for name in ("rho", "prob_a", "prob_b"):
            given = len(getattr(self, name))
            if given < pairs and (name == "rho" or self.prob_a or self.prob_b):
                raise InvalidModelError(f"{given} {name} for {pairs} pairs of classes")

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The same with classes by number, whose names are looked up."""
        names = self.classlabels_strings
        if not names:
            return None
        numbered = self.with_(classlabels_strings=(), classlabels_ints=tuple(range(len(names))))
        index, scores = g.add_all(numbered, inputs, n_outputs=2)
        return labels_of(g, index, names), scores

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Kernels, and what makes classes of them."""
        x = cast_to(g, rows_of(g, inputs[0]), F32)
        if sum(self.vectors_per_class) > 0:
            return self._by_pairs(g, x)
        return self._by_class(g, x)

    def _by_class(self, g: GraphBuilder, x: str) -> tuple[str, str]:
        """Linear scores."""
        count = len(self.classlabels_ints)
        scores = self._linear(g, x, count)
        best = best_class(g, scores)
        labels = labels_of(g, best, self.classlabels_ints)
        if count == 2:  # as in onnxruntime: the second class, unless no score is high enough
            high = g.add(Reduce(axes=(1,), fold="max", keepdims=False), scores)
            is_high = arg(1) > 0 if min(self.coefficients) < 0 else arg(1) >= 0.5
            second = const(self.classlabels_ints[1], I64)
            labels = apply(g, select(is_high, second, arg(0, I64)), labels, high)
        single = count == 1 and self.post_transform != "PROBIT"
        return labels, scores if single else transformed(g, scores, self.post_transform)

    def _by_pairs(self, g: GraphBuilder, x: str) -> tuple[str, str]:
        """Votes, and scores or probabilities."""
        count = len(self.classlabels_ints)
        sums = self._sums(g, x, count)
        labels = labels_of(g, best_class(g, self._votes(g, sums, count)), self.classlabels_ints)
        scores = cast_to(g, sums, F32)
        if self.prob_a:
            scores = self._probabilities(g, scores, count)
        elif count == 2:
            return labels, self._pair(g, scores)
        return labels, transformed(g, scores, self.post_transform)

    def _sums(self, g: GraphBuilder, x: str, count: int) -> str:
        """For each pair i < j of classes, the weighted kernels of their vectors, in f64."""
        total = sum(self.vectors_per_class)
        if len(self.coefficients) < (count - 1) * total:
            raise InvalidModelError(
                f"{len(self.coefficients)} coefficients, {count - 1} x {total} are expected"
            )
        pairs = list(combinations(range(count), 2))
        starts = [0, *accumulate(self.vectors_per_class)]
        weights = [0.0] * (total * len(pairs))
        for p, (i, j) in enumerate(pairs):
            for own, other in ((i, j - 1), (j, i)):
                for v in range(starts[own], starts[own + 1]):
                    weights[v * len(pairs) + p] = self.coefficients[other * total + v]
        kernels = cast_to(g, self._kernels(g, x, total), F64)
        table = g.const(Const.of(F64, (total, len(pairs)), weights), "coefficients")
        rho = g.const(Const.of(F64, (1, len(pairs)), self.rho[: len(pairs)]), "rho")
        product = standard(g, "MatMul", kernels, table)
        return apply(g, arg(0, F64) + arg(1, F64), product, rho)

    def _votes(self, g: GraphBuilder, sums: str, count: int) -> str:
        """How many pairs each class wins: the first of a pair, if its sum is positive."""
        pairs = list(combinations(range(count), 2))
        change = [float(c == i) - float(c == j) for i, j in pairs for c in range(count)]
        second = [float(sum(c == j for _, j in pairs)) for c in range(count)]
        won = apply(g, cast(arg(0, F64) > 0, F32), sums)
        table = g.const(Const.of(F32, (len(pairs), count), change), "pairs")
        base = g.const(Const.of(F32, (count,), second), "pairs")
        return standard(g, "Gemm", won, table, base)

    def _probabilities(self, g: GraphBuilder, scores: str, count: int) -> str:
        pairs = count * (count - 1) // 2
        a, b = (
            g.const(Const.of(F32, (1, pairs), values[:pairs]), "prob")
            for values in (self.prob_a, self.prob_b)
        )
        won = clamp(1.0 - logistic(arg(0) * arg(1) + arg(2)), LEAST, 1 - LEAST)
        return g.add(Coupling(classes=count), apply(g, won, scores, a, b))

    def _pair(self, g: GraphBuilder, score: str) -> str:
        """The scores of two classes from one."""
        if self.post_transform == "PROBIT":
            raise UnsupportedOperatorError("PROBIT of one score for two classes")
        if self.post_transform == "NONE":
            return beside(g, -arg(0), arg(0), score)
        if self.post_transform == "LOGISTIC":
            return beside(g, logistic(-arg(0)), logistic(arg(0)), score)
        return beside(g, 1.0 - arg(0), arg(0), score)
