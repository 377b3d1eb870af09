"""Register tiles of matrix products: some rows of A times panels of B, used by gemm and conv.

    for each tile of MR (or fewer) rows:
        acc[MR][NR] = bias; for k: acc[r][:] += A[r][k] * B[k][:]; store finish(acc)

Of integers, a k is two i16 of A beside each other, and NR such pairs of B: as many bytes as of f32.

`rows_function` does one panel of NR columns for many rows, `panels_function` one row for four
panels. They are called often and briefly, so that an engine can swap in optimised code.
"""

from __future__ import annotations

from ....program.kernels.finish import Finish
from ....program.kernels.gemm import HEAD_WORDS, INTEGER_MR, MR, NR
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import madd
from ..module import Module
from ..val import Val
from .finishing import Finisher

__all__ = ["K_WORD", "PANEL_BYTES", "SIDE", "panels_function", "rows_function", "word"]

VECTORS = NR // 4
PANEL_BYTES = 4 * NR  # of one k
UNROLL = 4  # steps of k: hides the loop's bookkeeping, at 760 bytes of code
SIDE = 4  # panels read side by side by one row: 8 accumulators cover the latency of madd

K_WORD, A_STEP_WORD, OUT_STEP_WORD, N_WORD, TAPS_WORD, TAP_STEP_WORD = 2, 3, 4, 5, 6, 7


def word(args: Val, index: int) -> Val:
    """An argument word."""
    return w.i32_load(args, offset=4 * index)


def rows_function(
    m: Module, target: Target, finish: Finish, pointers: bool = False, integer: bool = False
) -> Function:
    """(args, a, b, out, column, rows, tail, ahead or group): a panel of columns for `rows` rows.

    a: address of the first row; or, with `pointers`, of a table that holds for each tap a row of
    pointers to K floats, to which `group` bytes are added. b: the panel. out: where the panel's
    part of the first row goes. column: bytes of the panel's first column in a row. tail: 0, or for
    the last panel of an N that NR doesn't divide, room for a tile. ahead (without `pointers`): the
    panel that comes next, or this one.
    """
    kind = f"i16_{INTEGER_MR}" if integer else f"f32_{MR}"
    name = f"rows_{kind}x{NR}{'_pointers' if pointers else ''}{finish.tag}"
    return m.once(name, lambda: _Rows(m, name, target, finish, pointers, integer).function())


def multiply_add(target: Target, integer: bool, a: Val, b: Val, total: Val) -> Val:
    """total + a * b in four lanes; of integers, the sum of two products is added to each."""
    if integer:
        return w.i32x4_add(total, w.i32x4_dot_i16x8_s(a, b))
    return madd(target, a, b, total)


class _Rows:
    """Emits the function; its hot locals come first, so that V8 gives them registers evenly."""

    def __init__(
        self,
        m: Module,
        name: str,
        target: Target,
        finish: Finish,
        pointers: bool,
        integer: bool,
    ) -> None:
        self.target, self.pointers, self.integer = target, pointers, integer
        self.most = INTEGER_MR if integer else MR
        f = self.f = m.function(name, (i32,) * 8)
        self.args, self.a, self.b, self.out, self.column = f.params[:5]
        self.rows, self.tail, self.ahead = f.params[5:]
        self.acc = [f.local(v128, f"acc{i}") for i in range(self.most * VECTORS)]
        self.wide = [f.local(v128, f"b{i}") for i in range(VECTORS)]
        self.value = f.local(v128, "a")
        self.row = [f.local(i32, f"row{i}") for i in range(self.most)]
        self.panel, self.end = f.local(i32, "panel"), f.local(i32, "end")
        self.finisher = Finisher(f, target, finish, self.args, HEAD_WORDS)
        k_bytes = f.let(word(self.args, K_WORD) * 4)
        self.main = f.let(k_bytes & -4 * UNROLL)
        self.rest = f.let(k_bytes - self.main)
        self.a_step = f.let(4 if pointers else word(self.args, A_STEP_WORD))
        self.out_step = f.let(word(self.args, OUT_STEP_WORD))
        self.store_step = f.let(w.select(w.i32_const(4 * NR), self.out_step, self.tail))
        self.to, self.at = f.local(i32, "to"), f.local(i32, "at")

    def function(self) -> Function:
        """Tiles of nearly equal height: none is much smaller than MR, which would waste latency."""
        f = self.f
        tiles = f.let((self.rows + (self.most - 1)) // self.most)
        height = f.let(self.rows // tiles)
        self.ahead_step = f.let(w.i32_const(UNROLL * PANEL_BYTES) // tiles)
        taller = f.let(self.rows - height * tiles)
        size = f.local(i32, "size")
        with f.loop() as again:
            f.set(size, height + taller.gt_s(0))
            with f.block() as done:
                for rows in range(self.most, 0, -1):
                    with f.if_(size.eq(rows)):
                        self._tile(rows)
                        f.br(done)
            self._complete(size)
            f.add_to(self.a, self.a_step * size)
            f.add_to(self.out, self.out_step * size)
            f.set(taller, taller - 1)
            f.br_if(again, f.tee(tiles, tiles - 1))
        return f

    def _tile(self, rows: int) -> None:
        f = self.f
        for v in range(VECTORS):
            start = w.i32x4_const(0) if self.integer else self.finisher.start(self.column, v)
            f.set(self.acc[v], start)
        for i in range(VECTORS, rows * VECTORS):
            f.set(self.acc[i], self.acc[i - VECTORS])
        f.set(self.panel, self.b)
        if self.pointers:
            self._taps(rows)
        else:
            for r in range(rows):
                f.set(self.row[r], self.row[r - 1] + self.a_step if r else self.a)
            self._inner(rows)
        self._store(rows)

    def _taps(self, rows: int) -> None:
        f = self.f
        table, tap_step = f.let(self.a), f.let(word(self.args, TAP_STEP_WORD))
        taps = f.let(word(self.args, TAPS_WORD))
        with f.loop() as again:
            for r in range(rows):
                f.set(self.row[r], w.i32_load(table, offset=4 * r) + f.params[7])
            self._inner(rows)
            f.add_to(table, tap_step)
            f.br_if(again, f.tee(taps, taps - 1))
        f.free(table, tap_step, taps)

    def _inner(self, rows: int) -> None:
        """K steps, UNROLL at a time, then singly."""
        f = self.f
        for limit, steps in ((self.main, UNROLL), (self.rest, 1)):
            f.set(self.end, self.row[0] + limit)
            with f.while_(self.row[0].ne(self.end)):
                if steps == UNROLL and not self.pointers:
                    self._touch_ahead()
                for k in range(steps):
                    self._step(rows, k)
                f.add_to(self.panel, PANEL_BYTES * steps)
                for r in range(rows):
                    f.add_to(self.row[r], 4 * steps)

    def _touch_ahead(self) -> None:
        """Load from the next panel, so that it is near when its turn comes.

        All tiles together touch it once. Else the first tile of each panel would wait for memory
        while the others leave it idle; a load whose value is dropped is all the prefetch there is.
        Convolutions through pointers use a panel for so many rows that it doesn't pay.
        """
        f = self.f
        f.drop(w.i32_load(self.ahead))
        f.add_to(self.ahead, self.ahead_step)

    def _step(self, rows: int, k: int) -> None:
        f = self.f
        for v in range(VECTORS):
            f.set(self.wide[v], w.v128_load(self.panel, offset=PANEL_BYTES * k + 16 * v))
        for r in range(rows):
            f.set(self.value, w.v128_load32_splat(self.row[r], offset=4 * k))
            for v in range(VECTORS):
                acc = self.acc[r * VECTORS + v]
                total = multiply_add(self.target, self.integer, self.value, self.wide[v], acc)
                f.set(acc, total)

    def _store(self, rows: int) -> None:
        """To the output, or to `tail`; a heavy epilogue is left for later."""
        self._start_rows()
        for r in range(rows):
            values = []
            for v in range(VECTORS):
                total = as_float(self.integer, self.acc[r * VECTORS + v])
                values.append(self.finisher.light(total, self.at, self.column, v))
            self.finisher.store(self.to, values)
            if r < rows - 1:
                self._next_row()

    def _complete(self, size: Local) -> None:
        """What all heights share: a heavy epilogue, and the copy of the last columns."""
        f = self.f
        if self.finisher.heavy:
            left = f.let(size)
            self._start_rows()
            with f.loop() as again:
                for v in range(VECTORS):
                    total = w.v128_load(self.to, offset=16 * v)
                    value = self.finisher.apply(total, self.at, self.column, v)
                    f.v128_store(self.to, value, offset=16 * v)
                self._next_row()
                f.br_if(again, f.tee(left, left - 1))
            f.free(left)
        with f.if_(self.tail):
            n = word(self.args, N_WORD)
            f.call(columns_copy(f.module), self.out, self.tail, size, n, self.out_step)

    def _start_rows(self) -> None:
        """Point `to` where the tile's first row is stored, `at` where it belongs."""
        self.f.set(self.to, w.select(self.tail, self.out, self.tail))
        if self.finisher.follows_out:
            self.f.set(self.at, self.out)

    def _next_row(self) -> None:
        self.f.add_to(self.to, self.store_step)
        if self.finisher.follows_out:
            self.f.add_to(self.at, self.out_step)


def columns_copy(m: Module) -> Function:
    """(out, tile, rows, n, out_step): the first n % NR columns of a tile to rows of the output."""

    def make() -> Function:
        f = m.function("columns_copy", (i32,) * 5)
        out, tile, rows, n, out_step = f.params
        column, count = f.local(i32, "column"), f.let((n & NR - 1) * 4)
        with f.loop() as again:
            with f.for_range(column, 0, count, 4):
                f.i32_store(out + column, w.i32_load(tile + column))
            f.add_to(out, out_step)
            f.add_to(tile, 4 * NR)
            f.br_if(again, f.tee(rows, rows - 1))
        return f

    return m.once("columns_copy", make)


def as_float(integer: bool, total: Val) -> Val:
    """A sum as the epilogue takes it."""
    return w.f32x4_convert_i32x4_s(total) if integer else total


def panels_function(m: Module, target: Target, finish: Finish, integer: bool = False) -> Function:
    """(args, a, b, out, column): one row of A for SIDE whole panels.

    Reading B is what takes the time: panels side by side are that many streams from memory.
    """
    name = f"panels_{'i16' if integer else 'f32'}_1x{SIDE * NR}{finish.tag}"

    def make() -> Function:
        f = m.function(name, (i32,) * 5)
        args, a, b, out, column = f.params
        acc = [f.local(v128, f"acc{i}") for i in range(SIDE * VECTORS)]
        value = f.local(v128, "a")
        finisher = Finisher(f, target, finish, args, HEAD_WORDS)
        k = f.let(word(args, K_WORD))
        panels = [b, *(f.local(i32, f"panel{i}") for i in range(1, SIDE))]
        for i, panel in enumerate(panels[1:]):
            f.set(panel, panels[i] + k * PANEL_BYTES)
        for v, total in enumerate(acc):
            f.set(total, w.i32x4_const(0) if integer else finisher.start(column, v))
        for steps, times in ((2, k >> 1), (1, k & 1)):
            _one_row_steps(f, target, integer, acc, value, a, panels, steps, f.let(times))
        to = f.let(out)
        for v in range(0, len(acc), VECTORS):
            totals = [as_float(integer, total) for total in acc[v : v + VECTORS]]
            values = [finisher.light(t, out, column, v + i) for i, t in enumerate(totals)]
            finisher.store(to, values)
            f.add_to(to, NR * finish.result.itemsize)
        if finisher.heavy:
            end = f.let(out + 16 * len(acc))
            with f.while_(out < end):
                f.v128_store(out, finisher.apply(w.v128_load(out, align=4), out, column))
                f.add_to(out, 16)
                f.add_to(column, 16)
        return f

    return m.once(name, make)


def _one_row_steps(
    f: Function,
    target: Target,
    integer: bool,
    acc: list[Local],
    value: Local,
    a: Local,
    panels: list[Local],
    steps: int,
    times: Local,
) -> None:
    with f.if_(times), f.loop() as again:
        for k in range(steps):
            f.set(value, w.v128_load32_splat(a, offset=4 * k))
            for i, total in enumerate(acc):
                offset = PANEL_BYTES * k + 16 * (i % VECTORS)
                wide = w.v128_load(panels[i // VECTORS], offset=offset)
                f.set(total, multiply_add(target, integer, value, wide, total))
        f.add_to(a, 4 * steps)
        for panel in panels:
            f.add_to(panel, PANEL_BYTES * steps)
        f.br_if(again, f.tee(times, times - 1))
