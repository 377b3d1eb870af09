"""Products with weights of 4 or 8 bits, decoded in registers (see program/kernels/nbits.py).

for each tile of rows: for each column: for each block of weights: a sum of a * (code - zero), then
times the scale. Codes less their zero point are exact in floats, so that rounding begins with the
products. A tile of rows shares the decoded weights.
"""

from __future__ import annotations

from ....program.kernels.nbits import NBitsSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val

__all__ = ["emit_nbits"]

ROWS = 4  # 4 sums, 4 totals, scale, zero, codes and what they become: 14 of 16 registers
BOTH = [[i // 2 + i % 2 * 16 for i in range(first, first + 16)] for first in (0, 16)]  # in turn
SUMS = 4  # of a single row: independent ones hide the latency of the additions


def emit_nbits(spec: NBitsSpec, m: Module, target: Target) -> Function:
    """Tiles of rows, and the rows that are left over."""
    tiles = {rows: _tile(spec, m, target, rows) for rows in (ROWS, 1)}
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, a, codes, scales, zeros, rows, blocks, block, lda, ldc = load_args(
        f, "out a codes scales zeros m blocks block lda ldc"
    )
    f.add_to(out, begin << 2)
    f.add_to(codes, begin * (blocks * block))
    f.add_to(scales, begin * (blocks << 2))
    f.add_to(zeros, begin * blocks)
    count, row = f.let(end - begin), f.local(i32)
    last = f.let(rows - (ROWS - 1))
    f.set(row, 0)
    for size in (ROWS, 1):
        with f.while_(row.lt_s(last if size == ROWS else rows)):
            f.call(tiles[size], out, a, codes, scales, zeros, count, blocks, block, lda, ldc)
            f.add_to(row, size)
            f.add_to(out, ldc * size)
            f.add_to(a, lda * size)
    return f


def _tile(spec: NBitsSpec, m: Module, target: Target, rows: int) -> Function:
    """(out, a, codes, scales, zeros, columns, blocks, block, lda, ldc): some rows of the result."""
    f = m.function(f"{spec.name}_{rows}", (i32,) * 10)
    tile = _Tile(f, spec, target, rows)
    columns = f.params[5]
    j = f.local(i32)
    with f.for_range(j, 0, columns):
        tile.column()
    return f


class _Tile:
    """The sums of `rows` rows with a column of weights; all addresses move along."""

    def __init__(self, f: Function, spec: NBitsSpec, target: Target, rows: int) -> None:
        self.f, self.spec, self.target, self.rows = f, spec, target, rows
        self.out, self.a, self.codes, self.scales, self.zeros, _ = f.params[:6]
        self.blocks, self.block, self.lda, self.ldc = f.params[6:]
        self.at = [f.local(i32) for _ in range(rows)]  # where a row is read
        self.left, self.end = f.local(i32), f.local(i32)
        self.sums = [[f.local(v128) for _ in range(SUMS if rows == 1 else 1)] for _ in range(rows)]
        self.totals = [f.local(v128) for _ in range(rows)]
        self.code, self.high, self.half, self.wide = (f.local(v128) for _ in range(4))
        self.zero, self.value = f.local(v128), f.local(v128)
        if spec.zero is not None:
            f.set(self.zero, w.i16x8_const(spec.zero))

    def column(self) -> None:
        """All blocks of a column, and the results of its rows."""
        f = self.f
        for r, (at, total) in enumerate(zip(self.at, self.totals, strict=True)):
            f.set(at, self.a + self.lda * r)
            f.set(total, w.f32x4_const(0))
        with f.for_range(self.left, 0, self.blocks):
            self._block()
        for r, total in enumerate(self.totals):
            pairs = f.tee(self.value, w.f32x4_add(total, _moved(total, [2, 3, 0, 1])))
            whole = w.f32x4_add(pairs, _moved(self.value, [1, 0, 3, 2]))
            f.f32_store(self.out + self.ldc * r, w.f32x4_extract_lane(whole, 0))
        f.add_to(self.out, 4)

    def _block(self) -> None:
        f = self.f
        if self.spec.zero is None:
            f.set(self.zero, w.i16x8_splat(w.i32_load8_u(self.zeros)))
            f.add_to(self.zeros, 1)
        for sums in self.sums:
            for total in sums:
                f.set(total, w.f32x4_const(0))
        f.set(self.end, self.codes + self.block)
        with f.while_(self.codes < self.end):
            self._vector()
        f.set(self.value, w.v128_load32_splat(self.scales))
        f.add_to(self.scales, 4)
        for (first, *rest), total in zip(self.sums, self.totals, strict=True):
            for other in rest:
                f.set(first, w.f32x4_add(first, other))
            f.set(total, madd(self.target, first, self.value, total))

    def _vector(self) -> None:
        """Sixteen bytes of codes."""
        f = self.f
        f.set(self.code, w.v128_load(self.codes, align=1))
        parts: list[Val] = [self.code]
        if self.spec.bits == 4:
            f.set(self.high, w.i8x16_shr_u(self.code, w.i32_const(4)))
            f.set(self.code, w.v128_and(self.code, w.i8x16_const(15)))
            parts = [w.i8x16_shuffle(self.code, self.high, picks) for picks in BOTH]
        for i, part in enumerate(parts):
            f.set(self.half, part)
            self._sixteen(64 * i)
        f.add_to(self.codes, 16)
        for at in self.at:
            f.add_to(at, 64 * len(parts))

    def _sixteen(self, offset: int) -> None:
        """The products with sixteen codes, each in a byte of `half`."""
        f = self.f
        extend = (w.i16x8_extend_low_i8x16_u, w.i16x8_extend_high_i8x16_u)
        widen = (w.i32x4_extend_low_i16x8_s, w.i32x4_extend_high_i16x8_s)
        for i in range(4):
            if i % 2 == 0:
                f.set(self.wide, w.i16x8_sub(extend[i // 2](self.half), self.zero))
            f.set(self.value, w.f32x4_convert_i32x4_s(widen[i % 2](self.wide)))
            for at, sums in zip(self.at, self.sums, strict=True):
                total: Local = sums[i % len(sums)]
                x = w.v128_load(at, offset=offset + 16 * i, align=4)
                f.set(total, madd(self.target, x, self.value, total))


def _moved(x: Val, lanes: list[int]) -> Val:
    picks = [4 * lane + byte for lane in lanes for byte in range(4)]
    return w.i8x16_shuffle(x, x, picks)
