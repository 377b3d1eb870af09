"""Decision trees over rows (see program/kernels/forest.py).

for each few rows: for each tree: step down all rows at once, until none moves; add their leaves

A step has no branch that could be mispredicted, and those of several rows overlap. A leaf leads to
itself, so that rows that have arrived stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from ....ir.dtype import F32
from ....program.kernels.forest import LEAF_BIAS, ForestSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import f32, f64, i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar, store_scalar

__all__ = ["emit_forest"]

ROWS = 4  # at once: each takes a pointer to its node and one to its features


def emit_forest(spec: ForestSpec, m: Module, target: Target) -> Function:
    """Few rows at once, then the rest one by one."""
    f = kernel(m, spec.name)
    forest = _Forest(f, spec)
    _, begin, end, _ = f.params
    forest.clear(begin, end)
    row = f.let(begin)
    with f.while_((row + ROWS) <= end):
        forest.rows(row, ROWS)
        f.add_to(row, ROWS)
    with f.for_range(row, row, end):
        forest.rows(row, 1)
    return f


class _Forest:
    """The kernel's arguments, and what becomes of one group of rows."""

    def __init__(self, f: Function, spec: ForestSpec) -> None:
        self.f, self.spec = f, spec
        names = "scores marks x nodes leaves roots trees width targets"
        self.scores, self.marks, self.x, self.nodes, self.leaves, *rest = load_args(f, names)
        self.roots, self.trees, self.width, targets = rest
        self.size = spec.dtype.itemsize
        self.type = f32 if spec.dtype == F32 else f64
        self.zero = w.f32_const(0) if spec.dtype == F32 else w.f64_const(0)
        self.one = w.f32_const(1) if spec.dtype == F32 else w.f64_const(1)
        self.out_width = f.let(targets * self.size)
        self.last = f.let(self.roots + self.trees * 4)
        f.set(self.leaves, self.leaves - LEAF_BIAS)

    def clear(self, begin: Local, end: Local) -> None:
        """Begin with zeros, where scores are kept in memory."""
        if self.spec.single:
            return
        f = self.f
        for array in (self.scores, self.marks)[: 1 + self.spec.marks]:
            p, stop = f.let(array + begin * self.out_width), f.let(array + end * self.out_width)
            with f.for_range(p, p, stop, self.size, signed=False):
                store_scalar(f, self.spec.dtype, p, self.zero)
            f.free(p, stop)

    def rows(self, row: Local, count: int) -> None:
        """All trees for rows that follow each other."""
        f = self.f
        features = [f.let(self.x + (row + i) * self.width) for i in range(count)]
        out = f.let(row * self.out_width)
        totals = [f.let(self.zero) for _ in range(count if self.spec.single else 0)]
        at = [f.local(i32) for _ in range(count)]
        moved = [f.local(i32) for _ in range(count)]
        root = f.local(i32)
        with f.for_range(root, self.roots, self.last, 4, signed=False):
            f.set(at[0], self.nodes + w.i32_load(root))
            for p in at[1:]:
                f.set(p, at[0])
            with f.loop() as again:
                for p, d, x in zip(at, moved, features, strict=True):
                    f.set(d, self._step(p, x))
                    f.add_to(p, d)
                f.br_if(again, _any(moved))
            for i, p in enumerate(at):
                if self.spec.single:
                    self._fold_single(totals[i], p, root)
                else:
                    self._fold_pairs(p, f.let(out + self.out_width * i))
        for i, total in enumerate(totals):
            store_scalar(f, self.spec.dtype, self.scores + out + i * self.size, total)
        f.free(out, root, *totals, *features, *at, *moved)

    def _step(self, p: Local, x: Local) -> Val:
        """How far the next node lies from the one at p."""
        word, passed, failed = (self.size + 4 * i for i in range(3))
        value = load_scalar(self.spec.dtype, p)
        feature = w.i32_load(p, offset=word)
        if self.spec.test == "any":
            passes = self._outcome(x, feature, value)
        else:
            passes = _TESTS[self.spec.test](load_scalar(self.spec.dtype, x + feature), value)
        return w.select(w.i32_load(p, offset=passed), w.i32_load(p, offset=failed), passes)

    def _outcome(self, x: Local, word: Val, value: Val) -> Val:
        """Whether the node's mask has the bit of the outcome."""
        f = self.f
        mask = f.local(i32)
        found = f.local(self.type)
        known = f.local(self.type)
        f.set(mask, word)
        f.set(found, load_scalar(self.spec.dtype, x + (mask >> 4)))
        f.set(known, value)
        nan = found.ne(found)
        outcome = (found < known) | (found.eq(known) << 1) | (nan | (nan << 1))
        f.free(mask, found, known)
        return (mask >> outcome) & 1

    def _fold_single(self, total: Local, p: Local, root: Local) -> None:
        f, spec = self.f, self.spec
        weight = load_scalar(spec.dtype, p)
        if spec.fold == "sum":
            f.add_to(total, weight)
            return
        kept = f.let(weight)
        better = _better(spec, kept, total) | root.eq(self.roots)
        f.set(total, w.select(kept, total, better))
        f.free(kept)

    def _fold_pairs(self, p: Local, out: Local) -> None:
        """Fold a leaf's pairs into the row of scores at an offset, which is given up."""
        f, spec = self.f, self.spec
        pair = 4 + self.size
        q = f.let(self.leaves + w.i32_load(p))
        stop = f.let(q + w.i32_load(q) + 4)
        place = f.local(i32)
        with f.for_range(q, q + 4, stop, pair, signed=False):
            f.set(place, out + w.i32_load(q))
            score = self.scores + place
            weight = load_scalar(spec.dtype, q, offset=4)
            if spec.fold == "sum":
                total = load_scalar(spec.dtype, score) + weight
                store_scalar(f, spec.dtype, score, total)
            else:
                kept = f.let(weight)
                mark = load_scalar(spec.dtype, self.marks + place)
                best = load_scalar(spec.dtype, score)
                with f.if_(_better(spec, kept, best) | mark.eq(0.0)):
                    store_scalar(f, spec.dtype, score, kept)
                f.free(kept)
            if spec.marks:
                store_scalar(f, spec.dtype, self.marks + place, self.one)
        f.free(q, stop, place, out)


def _any(values: Sequence[Val]) -> Val:
    """Not zero if one of the values is not."""
    first, *others = values
    return reduce(lambda a, b: a | b, others, first)


_TESTS: dict[str, Callable[[Val, Val], Val]] = {
    "le": lambda x, value: x <= value,
    "lt": lambda x, value: x < value,
    "ge": lambda x, value: x >= value,
    "gt": lambda x, value: x > value,
    "eq": lambda x, value: x.eq(value),
    "ne": lambda x, value: x.ne(value),
}


def _better(spec: ForestSpec, a: Val, b: Val) -> Val:
    return a < b if spec.fold == "min" else a > b
