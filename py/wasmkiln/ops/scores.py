"""What operators of ai.onnx.ml do with scores: transform them, and name the classes they are of."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, I32, I64
from ..ir.expr import Expr, arg, call, const, select
from ..ir.types import TensorType
from .argreduce import ArgReduce
from .compose import apply, cast_to, reshape, standard
from .reduce import Reduce

__all__ = [
    "TRANSFORMS", "beside", "best_class", "check_choice", "class_count", "label_names",
    "labels_of", "logistic", "row_count", "rows_of", "transformed",
]  # fmt: skip

TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")  # by number in TreeEnsemble

TINY = 1e-7  # SOFTMAX_ZERO takes what is not larger for zero


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """UnsupportedOperatorError unless an attribute has one of its values."""
    if value not in choices:
        raise UnsupportedOperatorError(f"{name} is '{value}', none of {', '.join(choices)}")


def logistic(x: Expr) -> Expr:
    """1 / (1 + exp(-x)), which keeps its digits where it is small only as 1 - v does."""
    v = 1.0 / (1.0 + call("exp", -call("abs", x)))
    return select(x < 0, 1.0 - v, v)


def probit(x: Expr) -> Expr:
    """sqrt(2) * erfinv(2 x - 1), by Winitzki's approximation, whose error is below 0.002."""
    y = x * 2.0 - 1.0
    log = call("log", (1.0 - y) * (y + 1.0))
    v = 2.0 / (pi * 0.147) + log * 0.5
    size = call("sqrt", call("sqrt", v * v - log * (1.0 / 0.147)) - v)
    return select(y < 0, -size, size) * sqrt(2.0)


def transformed(g: GraphBuilder, scores: str, transform: str) -> str:
    """The scores [N, C] as f32 after one of TRANSFORMS, which is along C."""
    check_choice("post_transform", transform, TRANSFORMS)
    scores = cast_to(g, scores, F32)
    if transform == "LOGISTIC":
        return apply(g, logistic(arg(0)), scores)
    if transform == "PROBIT":
        return apply(g, probit(arg(0)), scores)
    if transform == "SOFTMAX":
        return standard(g, "Softmax", scores, axis=-1)
    return _softmax_zero(g, scores) if transform == "SOFTMAX_ZERO" else scores


def _softmax_zero(g: GraphBuilder, scores: str) -> str:
    """Softmax in which a score of zero has no part, and stays zero."""
    x, top = arg(0), arg(1)
    is_zero = call("abs", x) <= TINY
    largest = g.add(Reduce(axes=(1,), fold="max"), scores)
    power = select(is_zero, const(0.0), call("exp", x - top))
    total = g.add(Reduce(axes=(1,), fold="sum"), apply(g, power, scores, largest))
    share = select(is_zero, x * call("exp", -top), call("exp", x - top)) / arg(2)
    return apply(g, share, scores, largest, total)


def rows_of(g: GraphBuilder, x: str) -> str:
    """The input [N, F]; a vector is one row."""
    t = g.type(x)
    return reshape(g, x, (1, t.size)) if t.rank == 1 else x


def row_count(x: TensorType) -> int:
    """How many rows `rows_of` gives; UnsupportedOperatorError unless the rank is 1 or 2."""
    if x.rank not in (1, 2) or not (x.dtype.is_float or x.dtype in (I32, I64)):
        raise UnsupportedOperatorError(f"the input is {x}, rows of numbers are expected")
    return 1 if x.rank == 1 else x.shape[0]


def best_class(g: GraphBuilder, scores: str) -> str:
    """The number of the first of the best scores, for each row of [N, C]."""
    best = g.add(ArgReduce(axis=1, fold="max"), scores)
    return reshape(g, best, (g.shape(scores)[0],))


def beside(g: GraphBuilder, first: Expr, second: Expr, *columns: str) -> str:
    """Two expressions of columns [N, 1], as the columns of [N, 2]."""
    side = g.const(Const.of(I32, (1, 2), (0, 1)))
    at = call("eq", arg(len(columns), I32), 0)
    return apply(g, select(at, first, second), *columns, side)


def class_count(ints: Sequence[int], strings: Sequence[str]) -> int:
    """How many classes have labels. UnsupportedOperatorError if these are strings: see `parts`."""
    if strings and not ints:
        raise UnsupportedOperatorError("strings as labels are looked up in parts")
    return len(label_names(ints, strings))


def label_names(ints: Sequence[int], strings: Sequence[str]) -> tuple[int, ...] | tuple[str, ...]:
    """The labels of classes, of which there must be one kind."""
    if bool(ints) == bool(strings):
        raise InvalidModelError("labels of classes must be either integers or strings")
    return tuple(ints) if ints else tuple(strings)


def labels_of(g: GraphBuilder, index: str, labels: Sequence[int] | Sequence[str]) -> str:
    """The labels that indices stand for."""
    if isinstance(labels[0], str):
        names = Const.strings((len(labels),), [str(label) for label in labels])
    else:
        names = Const.of(I64, (len(labels),), [int(label) for label in labels])
    return standard(g, "Gather", g.const(names, "labels"), index, axis=0)
