"""C[m, n] = finish(sum_k A[m, k] * B[k, n]); B packed in panels (see program/kernels/gemm.py).

for each matrix of the batch, for each block of rows of A:
    for each panel of B: the tiles of the block (tile.py)

A block of all rows reads each panel once, a block of few rows reads A once.
"""

from __future__ import annotations

from ....program.kernels.gemm import HEAD_WORDS, NR, GemmSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel
from ..module import Module
from ..val import Val
from .tile import (
    A_STEP_WORD,
    K_WORD,
    N_WORD,
    OUT_STEP_WORD,
    PANEL_BYTES,
    SIDE,
    panels_function,
    rows_function,
    word,
)

__all__ = ["emit_gemm", "minimum"]

_WORDS = "a b m panels block by_panels a_batch b_batch out_batch column_batch scratch share"


def emit_gemm(spec: GemmSpec, m: Module, target: Target) -> Function:
    """Split the range into matrices, and those into blocks."""
    rows = rows_function(m, target, spec.finish, integer=spec.integer)
    side = spec.single_row
    panels = panels_function(m, target, spec.finish, spec.integer) if side else None
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    g = _Gemm(f, spec, rows, panels)
    units = f.let(w.select(g.args["panels"], g.args["m"], g.args["by_panels"]))
    with f.while_(begin < end):
        batch = f.let(begin // units)
        first = f.let(begin - batch * units)
        count = f.let(minimum(units - first, end - begin))
        g.matrix(batch, first, count)
        f.add_to(begin, count)
        f.free(batch, first, count)
    return f


def minimum(a: Val, b: Val) -> Val:
    """The smaller of two signed integers; both operands are evaluated twice."""
    return w.select(a, b, a.lt_s(b))


class _Gemm:
    def __init__(
        self, f: Function, spec: GemmSpec, rows: Function, panels: Function | None
    ) -> None:
        self.f, self.spec, self.rows, self.panels = f, spec, rows, panels
        args = f.params[0]
        self.stored = NR * spec.finish.result.itemsize  # bytes of a panel's columns
        first = HEAD_WORDS + len(spec.finish.operands)
        self.args = {
            name: f.let(word(args, first + i), name) for i, name in enumerate(_WORDS.split())
        }
        self.out = f.let(word(args, 0))
        self.panel_bytes = f.let(word(args, K_WORD) * PANEL_BYTES)
        self.a_step = f.let(word(args, A_STEP_WORD))
        self.out_step = f.let(word(args, OUT_STEP_WORD))
        self.n = f.let(word(args, N_WORD))
        self.tail = f.let(self.args["scratch"] + f.params[3] * self.args["share"])
        self.p, self.p_end = f.local(i32, "p"), f.local(i32, "p_end")
        self.a, self.b, self.c = f.local(i32, "a"), f.local(i32, "b"), f.local(i32, "c")
        self.column = f.local(i32, "column")

    def matrix(self, batch: Local, first: Local, count: Local) -> None:
        """`count` rows or panels of one matrix of the batch, from `first` on."""
        f, args = self.f, self.args
        by_panels = args["by_panels"]
        zero = w.i32_const(0)
        row = f.let(w.select(zero, first, by_panels))
        row_end = f.let(w.select(args["m"], first + count, by_panels))
        p0 = f.let(w.select(first, zero, by_panels))
        f.set(self.p_end, w.select(first + count, args["panels"], by_panels))
        left = f.local(i32, "left")
        with f.for_range(row, row, row_end, args["block"]):
            f.set(left, minimum(args["block"], row_end - row))
            f.set(self.p, p0)
            f.set(self.a, args["a"] + batch * args["a_batch"] + row * self.a_step)
            f.set(self.b, args["b"] + batch * args["b_batch"] + p0 * self.panel_bytes)
            f.set(self.c, self.out + batch * args["out_batch"] + row * self.out_step)
            f.add_to(self.c, p0 * self.stored)
            f.set(self.column, batch * args["column_batch"] + p0 * (4 * NR))
            if self.panels:
                self._side_by_side(self.panels)
            self._one_by_one(left)
        f.free(row, row_end, p0, left)

    def _one_by_one(self, left: Local) -> None:
        f = self.f
        zero = w.i32_const(0)
        with f.while_(self.p < self.p_end):
            f.add_to(self.p, 1)
            tail = w.select(self.tail, zero, self.p * NR > self.n)
            ahead = self.b + w.select(self.panel_bytes, zero, self.p < self.p_end)
            f.call(self.rows, f.params[0], self.a, self.b, self.c, self.column, left, tail, ahead)
            self._advance(1)

    def _side_by_side(self, panels: Function) -> None:
        f = self.f
        whole = minimum(self.n // NR, self.p_end)
        last = f.let(whole - SIDE)
        with f.while_(self.p.le_s(last)):
            f.add_to(self.p, SIDE)
            f.call(panels, f.params[0], self.a, self.b, self.c, self.column)
            self._advance(SIDE)
        f.free(last)

    def _advance(self, panels: int) -> None:
        f = self.f
        f.add_to(self.b, self.panel_bytes * panels)
        f.add_to(self.c, self.stored * panels)
        f.add_to(self.column, 4 * NR * panels)
