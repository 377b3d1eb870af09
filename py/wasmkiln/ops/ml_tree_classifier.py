"""TreeEnsembleClassifier: a Forest whose scores are classes'.

Two classes may share one score, in several ways, for which ONNX has no words; those here are
onnxruntime's, whose converters rely on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, I64
from ..ir.expr import Expr, arg, call, cast, const, select
from ..ir.types import TensorType
from .base import register
from .compose import apply, cast_to, reshape
from .forest import fold_trees
from .ml_tree import DOMAIN, NodeColumns, computed, floats
from .movement import StridedSlice
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


@register("TreeEnsembleClassifier", since=1, domain=DOMAIN)
class TreeEnsembleClassifier(NodeColumns):
    """The class with the best score, and the scores of all."""

    class_ids: tuple[int, ...] = ()
    class_nodeids: tuple[int, ...] = ()
    class_treeids: tuple[int, ...] = ()
    class_weights: tuple[float, ...] = ()
    class_weights_as_tensor: Const | None = None
    classlabels_int64s: tuple[int, ...] = ()
    classlabels_strings: tuple[str, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N] labels, being numbers, and scores [N, classes] of f32."""
        labels = class_count(self.classlabels_int64s, self.classlabels_strings)
        check_choice("post_transform", self.post_transform, TRANSFORMS)
        rows = row_count(x)
        return TensorType(I64, (rows,)), TensorType(F32, (rows, labels))

    def weights(self) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[float]]:
        """The columns of the classes' weights."""
        weights = floats(self.class_weights, self.class_weights_as_tensor)
        return self.class_treeids, self.class_nodeids, self.class_ids, weights

    def weight_tensor(self) -> Const | None:
        """The classes' weights."""
        return self.class_weights_as_tensor

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The same with classes by number, whose names are looked up."""
        names = self.classlabels_strings
        if not names:
            return None
        if len(names) == 1:
            raise UnsupportedOperatorError("one class with a string for a label")
        numbered = self.with_(classlabels_strings=(), classlabels_int64s=tuple(range(len(names))))
        index, scores = g.add_all(numbered, inputs, n_outputs=2)
        return labels_of(g, index, names), scores

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Forest, and what makes classes of its scores."""
        return _Classes(self, g, inputs[0]).outputs()


class _Classes:
    """Makes labels and scores of a forest's sums."""

    def __init__(self, op: TreeEnsembleClassifier, g: GraphBuilder, x: str) -> None:
        self.op, self.g = op, g
        self.labels = op.classlabels_int64s
        self.base = tuple(op.base())
        self.dtype = computed(g.type(x))
        self.ids = set(op.class_ids)
        count = len(self.labels)
        if len(self.base) not in (0, count) and (count, len(self.base)) != (2, 1):
            raise InvalidModelError(f"there are {len(self.base)} base values for {count} classes")
        tables = op.tables(self.dtype, count)
        self.certain = tables.certain
        marks = count > 1 and not all(c or t not in self.ids for t, c in enumerate(self.certain))
        x = cast_to(g, rows_of(g, x), self.dtype)
        self.scores, self.marks = fold_trees(g, x, tables, count, "sum", marks)

    def outputs(self) -> tuple[str, str]:
        """The labels and the scores."""
        if len(self.labels) > 2:
            return self._many()
        return _Two(self).outputs() if len(self.labels) == 2 else self._one()

    def _many(self) -> tuple[str, str]:
        """The first of the best among the classes that have a score; others have 0."""
        g = self.g
        scores, shape = self.scores, (1, len(self.labels))
        s = arg(0, self.dtype)
        rated = scores
        if self.base:  # then all have one
            base = g.const(Const.of(self.dtype, shape, self.base))
            rated = scores = apply(g, s + arg(1, self.dtype), scores, base)
        elif not all(self.certain):
            known = [float(c) for c in self.certain]
            marks = self.marks or g.const(Const.of(self.dtype, shape, known))
            present = call("ne", arg(1, self.dtype), 0.0)
            rated = apply(g, select(present, s, float("-inf")), scores, marks)
        labels = labels_of(g, best_class(g, rated), self.labels)
        return labels, transformed(g, scores, self.op.post_transform)

    def _one(self) -> tuple[str, str]:
        """One class: its label is not asked for; 1 and 0 tell whether its score is positive."""
        g, transform = self.g, self.op.post_transform
        s = arg(0, self.dtype)
        scores = apply(g, s + self.base[0], self.scores) if self.base else self.scores
        label = select(s > 0, const(1, I64), const(0, I64))
        labels = reshape(g, apply(g, label, scores), (g.shape(scores)[0],))
        return labels, transformed(g, scores, transform if transform == "PROBIT" else "NONE")


class _Two:
    """Two classes, of which a row may have a score for one only: that stands for both.

    A class has a score always (True), never, or where an expression says so.
    """

    def __init__(self, classes: _Classes) -> None:
        self.g, self.op, self.labels = classes.g, classes.op, classes.labels
        self.dtype, self.base = classes.dtype, classes.base
        self.is_binary = len(classes.ids) == 1
        self.rows = self.g.shape(classes.scores)[0]
        self.inputs = [self._column(classes.scores, i) for i in range(2)]
        has: list[bool | Expr] = []
        for i in range(2):
            if classes.certain[i] or i not in classes.ids:
                has.append(classes.certain[i])
            else:
                has.append(call("ne", arg(len(self.inputs), self.dtype), 0.0))
                self.inputs.append(self._column(classes.marks, i))
        self.has0, self.has1 = has
        self.s0, self.s1 = arg(0, self.dtype), arg(1, self.dtype)
        first = self.s0 + self.base[0] if self.base else self.s0
        self.v0 = _pick(self.has0, first, const(0, self.dtype))

    def outputs(self) -> tuple[str, str]:
        """The labels and the scores."""
        zero = const(0, self.dtype)
        if len(self.base) == 2:  # the first score, moved by the second base value, is the second
            moved = self.s0 + self.base[1]
            pair = (
                _pick(self.has1, _pick(self.has0, -moved, zero), self.v0),
                _pick(self.has1, moved, zero),
            )
            decisive = _pick(self.has1, moved, self.v0)
            return self._label(decisive), transformed(
                self.g, self._pair(*pair), self.op.post_transform
            )
        decisive = _pick(self.has1, self.s1, self.v0)
        return self._label(decisive), self._scores()

    def _scores(self) -> str:
        g, transform = self.g, self.op.post_transform
        both = lone = ""
        if self.has1 is not False:
            both = transformed(g, self._pair(self.v0, self.s1), transform)
        if self.has1 is not True:
            if transform == "PROBIT" or (self.base and not self.is_binary):
                raise UnsupportedOperatorError(  # onnxruntime leaves the other one undefined
                    f"a row may have one score for two classes, after which {transform} and "
                    f"{len(self.base)} base values leave the other one open"
                )
            lone = self._pair(*self._shared())
        if not (both and lone):
            return both or lone
        assert isinstance(self.has1, Expr)
        n = len(self.inputs)
        chosen = select(self.has1, arg(n), arg(n + 1))
        return apply(g, chosen, *self.inputs, both, lone)

    def _shared(self) -> tuple[Expr, Expr]:
        """Both scores made of one, as f32."""
        v = self.v0
        if self.op.post_transform == "LOGISTIC":
            return logistic(cast(-v, F32)), logistic(cast(v, F32))
        other = 1.0 - v if self.is_binary and self._all_positive() else -v
        return cast(other, F32), cast(v, F32)

    def _label(self, decisive: Expr) -> str:
        """By the labels' order; where both classes have weights, 1 and 0 whatever the labels."""
        negative, positive = self.labels if self.is_binary else (0, 1)
        limit = 0.5 if self.is_binary and self._all_positive() else 0.0
        label = select(decisive > limit, const(positive, I64), const(negative, I64))
        return reshape(self.g, apply(self.g, label, *self.inputs), (self.rows,))

    def _all_positive(self) -> bool:
        return not any(weight < 0 for weight in self.op.weights()[3])

    def _pair(self, first: Expr, second: Expr) -> str:
        """Two expressions of the columns side by side."""
        return beside(self.g, first, second, *self.inputs)

    def _column(self, values: str, index: int) -> str:
        op = StridedSlice(starts=(0, index), steps=(1, 1), sizes=(self.rows, 1))
        return self.g.add(op, values)


def _pick(condition: bool | Expr, a: Expr, b: Expr) -> Expr:
    if isinstance(condition, Expr):
        return select(condition, a, b)
    return a if condition else b
