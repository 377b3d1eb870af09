"""Reductions: the Reduce* operators of ONNX and the internal Reduce that they all become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import ClassVar

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import BOOL, F64, I32, U32, DType
from ..ir.evaluate import evaluate
from ..ir.expr import Expr, arg, call, cast, const, select, substitute
from ..ir.shape import Shape, normalize_axes, normalize_axis
from ..ir.types import TensorType
from ..program.kernels.reduce import TILE, Fold, ReduceSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from ..record import record
from .base import INTERNAL, Op, register
from .compose import apply, expand_to, reshape
from .movement import constant_ints

__all__ = ["Reduce", "mean"]

# Elements worth giving to a thread: waking one costs about as much as reading these.
GRAIN = 8192

# Outputs (or tiles of them) that keep all threads of a machine busy.
SHARES = 16


@register("Reduce", domain=INTERNAL)
class Reduce(Op):
    """Reduce over axes: post(fold of pre(x)), see `ReduceSpec` for the expressions' arguments.

    Extra inputs have the output's elements, in the output's shape or with the axes kept as 1.
    count: the number that `post` gets as its argument 1; 0 for that of the reduced elements.
    """

    axes: tuple[int, ...]
    fold: Fold
    keepdims: bool = True
    pre: Expr | None = None
    post: Expr | None = None
    count: int = 0

    def infer(self, x: TensorType, *extras: TensorType) -> tuple[TensorType, ...]:
        """The shape without the axes, or with 1 there."""
        pre, post = self.expressions(x.dtype)
        kinds = "fiub" if self.fold in ("max", "min") else "fiu"
        if pre.dtype.kind not in kinds or pre.arguments.get(0, x.dtype) != x.dtype:
            raise UnsupportedOperatorError(f"the {self.fold} of {x.dtype} is not supported")
        return (TensorType(post.dtype, _reduced(x.shape, self.axes, self.keepdims)),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The reduction in plain Python."""
        x = inputs[0]
        if x is None or len(inputs) > 1 or not x.is_inline or not prod(x.shape):
            return None
        pre, post = self.expressions(x.dtype)
        kept = _reduced(x.shape, self.axes, True)
        totals: list[int | float | None] = [None] * prod(kept)
        for i, value in enumerate(x.values()):
            at = _fold_index(i, x.shape, kept)
            item, total = evaluate(pre, (value,)), totals[at]
            totals[at] = item if total is None else _PYTHON_FOLDS[self.fold](total, item)
        count = self.count or prod(x.shape) // max(1, len(totals))
        values = [evaluate(post, (t or 0, count)) for t in totals]
        return (Const.of(post.dtype, _reduced(x.shape, self.axes, self.keepdims), values),)

    def expressions(self, dtype: DType) -> tuple[Expr, Expr]:
        """`pre` and `post`, being identities where they are not given."""
        pre = self.pre or arg(0, dtype)
        return pre, self.post or arg(0, pre.dtype)

    def permuted(self, perm: Sequence[int]) -> Op | None:
        """The same reduction of the transposed input."""
        if not self.keepdims:
            return None
        return self.with_(axes=tuple(sorted(perm.index(a) for a in self.axes)))

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One reduction for each run of neighbouring axes; none if nothing is reduced."""
        x, *extras = inputs
        shape = g.shape(x)
        pre, post = self.expressions(g.type(x).dtype)
        runs = _runs(shape, self.axes)
        out_shape = _reduced(shape, self.axes, self.keepdims)
        if len(runs) == 1:
            halves = self._split(g, x, extras, runs[0])
            return None if halves is None else (reshape(g, halves, out_shape),)
        count = self.count or prod(shape[a] for a in self.axes)
        extras = [reshape(g, e, _reduced(shape, self.axes, True)) for e in extras]
        if extras or not runs:  # only one run can combine elements with operands per output
            x, pre = apply(g, pre, x, *extras), arg(0, pre.dtype)
        for run in reversed(runs):
            x = g.add(Reduce(axes=run, fold=self.fold, pre=pre), x)
            pre = arg(0, pre.dtype)
        if post.op != "arg":
            counted = const(count, pre.dtype)
            operands = (arg(1 + k, g.type(e).dtype) for k, e in enumerate(extras))
            args = [arg(0, pre.dtype), counted, *operands]
            x = apply(g, substitute(post, args), x, *extras)
        return (reshape(g, x, out_shape),)

    def _split(
        self, g: GraphBuilder, x: str, extras: Sequence[str], run: tuple[int, ...]
    ) -> str | None:
        """Parts of a long reduction first, if there are too few outputs for many threads."""
        shape = g.shape(x)
        outer, r = prod(shape[: run[0]]), prod(shape[a] for a in run)
        inner = prod(shape[run[-1] + 1 :])
        units = outer * -(-inner // TILE) if inner > 1 else outer
        most = min(SHARES // max(1, units), outer * r * inner // GRAIN)
        parts = next((n for n in range(most, 1, -1) if r % n == 0), 1)
        if parts == 1:
            return None
        pre, post = self.expressions(g.type(x).dtype)
        x = reshape(g, x, (outer, parts, r // parts, inner))
        each = [reshape(g, e, (outer, 1, 1, inner)) for e in extras]
        spread = [expand_to(g, e, (outer, parts, 1, inner)) for e in each]
        x = g.add(Reduce(axes=(2,), fold=self.fold, pre=pre), x, *spread)
        total = Reduce(axes=(1,), fold=self.fold, post=post, count=self.count or r)
        return g.add(total, x, *each)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One reduce kernel over [outer, R, inner]."""
        slots = [s for s in inputs if s is not None]
        (out,) = outputs
        x = slots[0].type
        (run,) = _runs(x.shape, self.axes)
        r = prod(x.shape[a] for a in run)
        inner = prod(x.shape[run[-1] + 1 :])
        outer = prod(x.shape[: run[0]])
        pre, post = self.expressions(x.dtype)
        spec = ReduceSpec(self.fold, inner > 1, tuple(s.type.dtype for s in slots), pre, post)
        args: list[Word] = [lw.write(out), *map(lw.read, slots), r, inner, self.count or r]
        if inner > 1:
            tiles = outer * -(-inner // TILE)
            lw.call(spec, args, tiles, max(1, GRAIN // max(1, r * TILE)), unit=1)
        else:
            lw.call(spec, args, outer, max(1, GRAIN // max(1, r)), unit=1)


_PYTHON_FOLDS: dict[str, Callable[[float, float], float]] = {
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "max": max,
    "min": min,
}


def _reduced(shape: Shape, axes: Sequence[int], keepdims: bool) -> Shape:
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _runs(shape: Shape, axes: Sequence[int]) -> list[tuple[int, ...]]:
    """The axes in groups between which only dimensions of size 1 lie."""
    runs: list[list[int]] = []
    last = -1
    for axis in sorted(axes):
        if runs and all(d == 1 for d in shape[last + 1 : axis]):
            runs[-1].append(axis)
        else:
            runs.append([axis])
        last = axis
    return [tuple(run) for run in runs]


def _fold_index(index: int, shape: Shape, kept: Shape) -> int:
    """The flat index within `kept` of the flat index within `shape`."""
    at, step = 0, 1
    for size, keep in zip(reversed(shape), reversed(kept), strict=True):
        index, i = divmod(index, size)
        if keep != 1:
            at += i * step
        step *= keep
    return at


# The Reduce* operators


@record
class _Kind:
    """What a Reduce* operator means: a fold, and expressions made for the input's dtype."""

    fold: Fold
    pre: Callable[[Expr], Expr] = lambda x: x
    post: Callable[[Expr, Expr], Expr] = lambda total, count: total


def _in_float(function: str) -> Callable[[Expr, Expr], Expr]:
    """A function of the total that integers compute in f64."""

    def post(total: Expr, count: Expr) -> Expr:
        dtype = total.dtype
        return cast(call(function, total if dtype.is_float else cast(total, F64)), dtype)

    return post


_KINDS = {
    "ReduceSum": _Kind("sum"),
    "ReduceMean": _Kind("sum", post=lambda total, count: total / count),
    "ReduceMax": _Kind("max"),
    "ReduceMin": _Kind("min"),
    "ReduceProd": _Kind("prod"),
    "ReduceL1": _Kind("sum", pre=lambda x: call("abs", x)),
    "ReduceL2": _Kind("sum", pre=lambda x: x * x, post=_in_float("sqrt")),
    "ReduceSumSquare": _Kind("sum", pre=lambda x: x * x),
    "ReduceLogSum": _Kind("sum", post=_in_float("log")),
    "ReduceLogSumExp": _Kind("sum"),
}


def _make(kind: _Kind, dtype: DType, axes: tuple[int, ...], keepdims: bool) -> Reduce:
    """The internal reduction for an input's dtype; narrow integers are combined in 32 bits."""
    wide = dtype
    if dtype == BOOL or (dtype.is_int and dtype.bits < 32):
        wide = I32 if dtype.kind == "i" else U32
    pre = kind.pre(cast(arg(0, dtype), wide))
    post = cast(kind.post(arg(0, wide), arg(1, wide)), dtype)
    return Reduce(
        axes=axes,
        fold=kind.fold,
        keepdims=keepdims,
        pre=None if pre.op == "arg" else pre,
        post=None if post.op == "arg" else post,
    )


def _log_sum_exp(g: GraphBuilder, x: str, axes: tuple[int, ...], keepdims: bool) -> str:
    """max + log(sum(exp(x - max))), where an infinite maximum counts as 0."""
    t = g.type(x)
    out_shape = _reduced(t.shape, axes, keepdims)
    if not t.dtype.is_float:
        x = apply(g, cast(arg(0, t.dtype), F64), x)
    dtype = g.type(x).dtype
    top = arg(0, dtype)
    finite = select(call("eq", call("abs", top), float("inf")), const(0.0, dtype), top)
    most = g.add(Reduce(axes=axes, fold="max", post=finite), x)
    pre = call("exp", arg(0, dtype) - arg(1, dtype))
    post = call("log", arg(0, dtype)) + arg(2, dtype)
    y = g.add(Reduce(axes=axes, fold="sum", pre=pre, post=post), x, most)
    if t.dtype != dtype:
        y = apply(g, cast(arg(0, dtype), t.dtype), y)
    return reshape(g, y, out_shape)


def mean(g: GraphBuilder, x: str, axes: Sequence[int], *extras: str, of: Expr | None = None) -> str:
    """The mean of `of` (by default x itself) over axes, which are kept as 1."""
    dtype = g.type(x).dtype
    post = arg(0, dtype) / arg(1, dtype)
    return g.add(Reduce(axes=tuple(axes), fold="sum", pre=of, post=post), x, *extras)


class _ReduceOp(Op):
    """What both forms of the Reduce* operators share."""

    kind: ClassVar[_Kind]

    def _axes(
        self, x: TensorType, axes: Sequence[int] | None, noop: bool = False
    ) -> tuple[int, ...]:
        if not axes:
            return () if noop else tuple(range(x.rank))
        if x.rank == 0:  # an axis of a scalar can only be 0 or -1, which onnxruntime accepts
            return tuple({normalize_axis(a, 1) for a in axes} - {0})
        return normalize_axes(tuple(dict.fromkeys(normalize_axis(a, x.rank) for a in axes)), x.rank)

    def _type(self, x: TensorType, axes: tuple[int, ...], keepdims: bool) -> tuple[TensorType, ...]:
        if not (x.dtype.is_float or x.dtype.is_int or x.dtype == BOOL):
            raise ShapeError(f"{self.op_type} of {x.dtype} is not defined")
        return (TensorType(x.dtype, _reduced(x.shape, axes, keepdims)),)

    def _expand(
        self, g: GraphBuilder, x: str, axes: tuple[int, ...], keepdims: bool
    ) -> tuple[str, ...]:
        if self.op_type == "ReduceLogSumExp":
            return (_log_sum_exp(g, x, axes, keepdims),)
        return (g.add(_make(self.kind, g.type(x).dtype, axes, keepdims), x),)

    def _evaluate(
        self, x: Const | None, axes: tuple[int, ...], keepdims: bool
    ) -> tuple[Const, ...] | None:
        if x is None or self.op_type == "ReduceLogSumExp":
            return None
        return _make(self.kind, x.dtype, axes, keepdims).evaluate(x)


class _ByAttribute(_ReduceOp):
    """The form of older opsets, whose axes are an attribute."""

    axes: tuple[int, ...] | None = None
    keepdims: bool = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape without the axes, or with 1 there."""
        return self._type(x, self._axes(x, self.axes), self.keepdims)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The reduction in plain Python."""
        (x,) = inputs
        axes = self._axes(TensorType.of(x), self.axes) if x else ()
        return self._evaluate(x, axes, self.keepdims)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The internal Reduce."""
        (x,) = inputs
        return self._expand(g, x, self._axes(g.type(x), self.axes), self.keepdims)


class _ByInput(_ReduceOp):
    """The form of newer opsets, whose axes are an input."""

    keepdims: bool = True
    noop_with_empty_axes: bool = False

    def infer(self, x: TensorType, axes: TensorType | None = None) -> tuple[TensorType, ...]:
        """The shape without the axes, or with 1 there."""
        return self._type(x, self._chosen(x, axes), self.keepdims)

    def _chosen(self, x: TensorType, axes: TensorType | None) -> tuple[int, ...]:
        known = constant_ints(axes, "axes") if axes else ()
        return self._axes(x, known, self.noop_with_empty_axes)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The reduction in plain Python."""
        x, axes = (*inputs, None)[:2]
        if x is None:
            return None
        chosen = self._chosen(TensorType.of(x), TensorType.of(axes) if axes else None)
        return self._evaluate(x, chosen, self.keepdims)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The internal Reduce."""
        x, axes = (*inputs, "")[:2]
        chosen = self._chosen(g.type(x), g.type(axes) if axes else None)
        return self._expand(g, x, chosen, self.keepdims)


def _register_all() -> None:
    for name, kind in _KINDS.items():
        by_input = 13 if name == "ReduceSum" else 18
        for base, since in ((_ByAttribute, 1), (_ByInput, by_input)):
            members = {"kind": kind, "__doc__": f"{name}; see {base.__name__}."}
            register(name, since=since)(type(name, (base,), members))


_register_all()
