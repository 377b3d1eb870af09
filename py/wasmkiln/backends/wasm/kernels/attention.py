"""Attention: scores of a block of queries in scratch, their softmax, times the values.

    for each block of queries of a head:
        K and V of the head into panels, unless they are there already
        scores[block][keys] = Q K'         tiles of tile.py
        each row: score expression, softmax, in place
        out = scores V                     the same tiles

Arguments, range and scratch are described with `AttentionSpec`. Only a block of scores exists at a
time, near enough to stay in a cache, and heads are read and written where the model has them.
"""

from __future__ import annotations

from collections.abc import Callable

from ....ir.dtype import F32
from ....ir.expr import arg
from ....program.kernels.attention import AttentionSpec
from ....program.kernels.finish import Finish
from ....program.kernels.gemm import NR
from ....program.kernels.pack import PackSpec
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel
from ..math import exp_negative
from ..module import Module
from ..val import Val
from .gemm import minimum
from .pack import panel_function
from .tile import A_STEP_WORD, K_WORD, N_WORD, OUT_STEP_WORD, PANEL_BYTES, rows_function, word

__all__ = ["emit_attention"]

_WORDS = [
    "out", "q", "k", "v", "heads", "group", "queries", "keys", "size", "value_size", "block",
    "blocks", "q_batch", "q_head", "q_row", "k_batch", "k_head", "k_row", "v_batch", "v_head",
    "v_row", "out_batch", "out_head", "out_row", "scratch", "share",
]  # fmt: skip
KEYS, SIZE, VALUE_SIZE = (_WORDS.index(name) for name in ("keys", "size", "value_size"))
WIDTH = 4  # vectors of scores at a time; a tenth faster than one where rows are long
_RECORD = 32  # bytes of the argument words of one product

_EXP = exp_negative(arg(0, F32) - arg(1, F32))


def emit_attention(spec: AttentionSpec, m: Module, target: Target) -> Function:
    """A call of the block's function for each block."""
    block = _block(m, spec, target)
    pack = _pack(m, spec)
    f = kernel(m, spec.name)
    args, begin, end, thread = f.params
    a = {name: f.let(word(args, i), name) for i, name in enumerate(_WORDS)}
    scratch = f.let(a["scratch"] + thread * a["share"])
    shared = f.let(-1)
    with f.for_range(begin, begin, end):
        head = f.let(begin // a["blocks"])
        first = f.let((begin - head * a["blocks"]) * a["block"])
        batch = f.let(head // a["heads"])
        f.set(head, head - batch * a["heads"])
        group = f.let(head // a["group"])
        with f.if_(shared.ne(group + batch * a["heads"])):
            f.set(shared, group + batch * a["heads"])
            k = a["k"] + batch * a["k_batch"] + group * a["k_head"]
            f.call(pack, args, scratch, k, a["v"] + batch * a["v_batch"] + group * a["v_head"])
        f.call(block, args, scratch, batch, head, first)
        f.free(head, first, batch, group)
    return f


def _values_at(args: Val, scratch: Val) -> Val:
    """Where the panels of V begin; those of K lie in front, behind two records."""
    keys = (word(args, KEYS) + (NR - 1)) // NR
    return scratch + 2 * _RECORD + keys * (word(args, SIZE) * PANEL_BYTES)


def _scores_at(args: Val, values: Val) -> Val:
    panels = (word(args, VALUE_SIZE) + (NR - 1)) // NR
    return values + panels * (word(args, KEYS) * PANEL_BYTES)


def _pack(m: Module, spec: AttentionSpec) -> Function:
    """(args, scratch, k, v): the head's keys and values as panels of columns."""
    keys_panel = panel_function(m, PackSpec(NR, not spec.keys_inner))
    values_panel = panel_function(m, PackSpec(NR, False))
    f = m.function(f"{spec.name}_pack", (i32,) * 4)
    args, scratch, k, v = f.params
    wanted = ("keys", "size", "value_size", "k_row", "v_row")
    a = {name: f.let(word(args, _WORDS.index(name)), name) for name in wanted}
    column, to = f.local(i32), f.let(scratch + 2 * _RECORD)
    along = w.i32_const(4) if spec.keys_inner else a["k_row"]
    for panel, source, step, n, depth, row in (
        (keys_panel, k, along, a["keys"], a["size"], a["k_row"]),
        (values_panel, v, w.i32_const(4), a["value_size"], a["keys"], a["v_row"]),
    ):
        with f.for_range(column, 0, n, NR):
            columns = minimum(n - column, w.i32_const(NR))
            f.call(panel, to, source + column * step, depth, row, columns)
            f.add_to(to, depth * PANEL_BYTES)
    return f


def _block(m: Module, spec: AttentionSpec, target: Target) -> Function:
    """(args, scratch, batch, head, first): a block of queries of one head, from `first` on."""
    tiles = rows_function(m, target, Finish())
    softmax = _softmax(m, spec, target)
    f = m.function(f"{spec.name}_block", (i32,) * 5)
    args, scratch, batch, head, first = f.params
    a = {name: f.let(word(args, i), name) for i, name in enumerate(_WORDS) if i not in (1, 2, 3)}
    rows = f.let(minimum(a["block"], a["queries"] - first))
    values = f.let(_values_at(args, scratch))
    scores = f.let(_scores_at(args, values))
    score_row = f.let(((a["keys"] + (NR - 1)) & -NR) * 4)
    tile = f.let(scores + a["block"] * score_row)
    no_tail = w.i32_const(0)
    out = a["out"] + batch * a["out_batch"] + head * a["out_head"] + first * a["out_row"]
    query = word(args, 1) + batch * a["q_batch"] + head * a["q_head"] + first * a["q_row"]
    _record(f, scratch, a["size"], a["q_row"], score_row, score_row >> 2)
    second = scratch + _RECORD
    _record(f, second, a["keys"], score_row, a["out_row"], a["value_size"])
    _panels(f, tiles, scratch, query, scratch + 2 * _RECORD, scores, rows, no_tail, a["keys"])
    operands = []
    for i in range(len(spec.operands)):
        base = len(_WORDS) + 4 * i
        at = word(args, base) + batch * word(args, base + 1) + head * word(args, base + 2)
        operands.append((f.let(at + first * word(args, base + 3)), word(args, base + 3)))
    row, left = f.let(scores), f.let(rows)
    with f.loop() as again:
        f.call(softmax, row, a["keys"], *(at for at, _ in operands))
        f.add_to(row, score_row)
        for at, step in operands:
            f.add_to(at, step)
        f.br_if(again, f.tee(left, left - 1))
    _panels(f, tiles, second, scores, values, out, rows, tile, a["value_size"])
    return f


def _record(f: Function, at: Val, k: Val, a_step: Val, out_step: Val, n: Val) -> None:
    """The argument words that the tiles read."""
    words = {K_WORD: k, A_STEP_WORD: a_step, OUT_STEP_WORD: out_step, N_WORD: n}
    for index, value in words.items():
        f.i32_store(at, value, offset=4 * index)


def _panels(
    f: Function,
    tiles: Function,
    record: Val,
    a: Val,
    b: Val,
    out: Val,
    rows: Local,
    tile: Val,
    n: Local,
) -> None:
    """All panels of a product; the last one, if it is not whole, by way of `tile` unless 0."""
    panel, to, left, first = f.let(b), f.let(out), f.let(n), f.let(a)
    bytes_ = f.let(w.i32_load(record, offset=4 * K_WORD) * PANEL_BYTES)
    with f.while_(left.gt_s(0)):
        tail = w.select(tile, w.i32_const(0), left.lt_s(NR))
        f.call(tiles, record, first, panel, to, 0, rows, tail, panel)
        f.add_to(panel, bytes_)
        f.add_to(to, 4 * NR)
        f.add_to(left, -NR)
    f.free(panel, to, left, first, bytes_)


def _softmax(m: Module, spec: AttentionSpec, target: Target) -> Function:
    """(row, keys, operands ...): the row's scores become probabilities."""
    f = m.function(f"{spec.name}_softmax", (i32,) * (2 + len(spec.operands)))
    _Row(f, spec, target).emit()
    return f


class _Row:
    """A row of scores; whole vectors of it are written, as it has room for whole panels."""

    def __init__(self, f: Function, spec: AttentionSpec, target: Target) -> None:
        self.f = f
        self.row, keys, *self.operands = f.params
        self.nbytes = f.let(keys << 2)
        self.whole, self.rest = f.let(self.nbytes & -16), f.let(self.nbytes & 15)
        inside = w.i32x4_lt_s(w.i32x4_const([0, 4, 8, 12]), w.i32x4_splat(self.rest))
        self.mask = f.let(inside)
        self.most = f.let(w.f32x4_const(float("-inf")))
        self.total = f.let(w.f32x4_const(0))
        self.value, self.at = f.local(v128), f.local(i32)
        self.score = VectorExpr(f, target, spec.score) if spec.score else None
        self.exp = VectorExpr(f, target, _EXP)
        self.fixed = [
            f.let(w.v128_load32_splat(p)) if mode == "b" else None
            for p, mode in zip(self.operands, spec.operands, strict=True)
        ]

    def emit(self) -> None:
        """Scores and their maximum, exponentials and their sum, the division."""
        f = self.f
        self._walk(self._maximum)
        self._spread(self.most, w.f32x4_pmax)
        self._walk(self._exponential)
        self._spread(self.total, w.f32x4_add)
        f.set(self.total, w.f32x4_div(w.f32x4_const(1), self.total))
        self._walk(self._divided)

    def _walk(self, step: Callable[[int, bool], None]) -> None:
        """step(which vector, whether all four are scores) for each vector."""
        f = self.f
        with f.for_range(self.at, 0, self.whole & -16 * WIDTH, 16 * WIDTH):
            for v in range(WIDTH):
                step(v, True)
        with f.for_range(self.at, self.at, self.whole, 16):
            step(0, True)
        with f.if_(self.rest):
            step(0, False)

    def _load(self, base: Val, v: int) -> Val:
        return w.v128_load(base + self.at, offset=16 * v, align=4)

    def _store(self, value: Val, v: int) -> None:
        self.f.v128_store(self.row + self.at, value, offset=16 * v)

    def _maximum(self, v: int, inside: bool) -> None:
        f, x = self.f, self._load(self.row, v)
        if self.score is None:
            f.set(self.value, x)
        else:
            pairs = zip(self.operands, self.fixed, strict=True)
            values = [self._load(p, v) if known is None else known for p, known in pairs]
            f.set(self.value, self.score(x, *values))
            self._store(self.value, v)
        low = w.f32x4_const(float("-inf"))
        kept = self.value if inside else w.v128_bitselect(self.value, low, self.mask)
        f.set(self.most, w.f32x4_pmax(self.most, kept))

    def _exponential(self, v: int, inside: bool) -> None:
        f = self.f
        f.set(self.value, self.exp(self._load(self.row, v), self.most))
        self._store(self.value, v)
        kept = self.value if inside else w.v128_and(self.value, self.mask)
        f.set(self.total, w.f32x4_add(self.total, kept))

    def _divided(self, v: int, inside: bool) -> None:
        self._store(w.f32x4_mul(self._load(self.row, v), self.total), v)

    def _spread(self, vector: Local, combine: Callable[[Val, Val], Val]) -> None:
        """Combine the four lanes, and leave the result in all of them."""
        for lanes in ([2, 3, 0, 1], [1, 0, 3, 2]):
            picks = [4 * lane + byte for lane in lanes for byte in range(4)]
            self.f.set(vector, combine(vector, w.i8x16_shuffle(vector, vector, picks)))
