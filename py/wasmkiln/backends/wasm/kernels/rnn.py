"""Recurrent layers: for each sequence, all its steps (see program/kernels/rnn.py).

for each sequence: for each step: for each stage: for each panel of hidden units:
    the sums over k of the gates, then the stage's results in the panel's part of the state

A panel is a function of its own, called often and briefly, so that engines soon run its best code.
"""

from __future__ import annotations

from zlib import crc32

from ....program.kernels.gather import STATUS_ADDRESS
from ....program.kernels.rnn import HIDDEN, NEW, RnnSpec, Source, Stage
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val
from .element import sweep

__all__ = ["copy_function", "emit_rnn", "panel_function", "take_length"]

_WORDS = (
    "out out_h out_c x h c fixed lengths hidden panels steps batch reversed x_time x_row "
    "x_direction out_time out_row out_direction h_row h_direction fixed_direction scratch share"
)

# Sums that hide the latency of fused multiply-add: 4 cycles, two a cycle.
SUMS = 8

# Values of k a turn.
UNROLL = 4


def emit_rnn(spec: RnnSpec, m: Module, target: Target) -> Function:
    """One sequence after the other."""
    stages = [panel_function(m, spec.columns, s, target) for s in spec.stages]
    f = kernel(m, spec.name)
    sequence = _Sequence(f, spec, stages)
    _, begin, end, _ = f.params
    with f.for_range(begin, begin, end):
        sequence.emit(begin)
    return f


class _Sequence:
    def __init__(self, f: Function, spec: RnnSpec, stages: list[Function]) -> None:
        self.f, self.spec, self.stages = f, spec, stages
        names = _WORDS + "".join(f" w{i} w{i}_direction" for i in range(len(stages)))
        self.args = dict(zip(names.split(), load_args(f, names), strict=True))
        self.row = f.let(self.args["hidden"] * 4)  # bytes of a sequence's h
        self.stride = f.let(self.args["panels"] * (4 * spec.columns))
        self.state = f.let(self.args["scratch"] + f.params[3] * self.args["share"])
        self.weights = [f.local(i32) for _ in stages]
        self.copy = copy_function(f.module)

    def emit(self, u: Local) -> None:
        """The sequence of index `u`."""
        f, a = self.f, self.args
        d = f.let(u // a["batch"])
        n = f.let(u - d * a["batch"])
        ends = f.let(d * a["h_direction"] + n * a["h_row"])
        self._load(0, a["h"], ends)
        if self.spec.cell:
            self._load(2, a["c"], ends)
        length = f.let(a["steps"])
        with f.if_(a["lengths"]):
            take_length(f, length, a["lengths"] + n * 4)
        x = f.let(a["x"] + d * a["x_direction"] + n * a["x_row"])
        out = f.let(a["out"] + d * a["out_direction"] + n * a["out_row"])
        self._padding(out, length)
        fixed = f.let(a["fixed"] + d * a["fixed_direction"])
        for i, start in enumerate(self.weights):
            f.set(start, a[f"w{i}"] + d * a[f"w{i}_direction"])
        self._steps(d, length, x, out, fixed)
        self._store(0, a["out_h"], ends)
        if self.spec.cell:
            self._store(2, a["out_c"], ends)
        f.free(d, n, ends, length, x, out, fixed)

    def _load(self, vector: int, source: Local, offset: Local) -> None:
        """A state vector's first value: given, or zero."""
        f = self.f
        to = f.let(self.state + self.stride * vector)
        at = f.local(i32)
        with f.if_(source):
            f.call(self.copy, to, source + offset, self.row)
        with f.else_(), f.for_range(at, 0, self.stride, 16):
            f.v128_store(to + at, w.f32x4_const(0))
        f.free(to, at)

    def _store(self, vector: int, out: Local, offset: Local) -> None:
        f = self.f
        f.call(self.copy, out + offset, self.state + self.stride * vector, self.row)

    def _padding(self, out: Local, length: Local) -> None:
        """Zeros behind the end of a sequence."""
        f, a = self.f, self.args
        t, at = f.local(i32), f.local(i32)
        p = f.let(out + length * a["out_time"])
        with f.for_range(t, length, a["steps"]):
            with f.for_range(at, 0, self.row, 4):
                f.i32_store(p + at, 0)
            f.add_to(p, a["out_time"])
        f.free(t, at, p)

    def _steps(self, d: Local, length: Local, x: Local, out: Local, fixed: Local) -> None:
        f, a = self.f, self.args
        x_step, out_step = f.let(a["x_time"]), f.let(a["out_time"])
        with f.if_(d >= a["reversed"]):
            f.add_to(x, (length - 1) * x_step)
            f.add_to(out, (length - 1) * out_step)
            f.set(x_step, -x_step)
            f.set(out_step, -out_step)
        t = f.local(i32)
        with f.for_range(t, 0, length):
            for i in range(len(self.stages)):
                self._stage(i, x, fixed)
            new = self.state + self.stride * NEW
            f.call(self.copy, self.state, new, self.stride)
            f.call(self.copy, out, new, self.row)
            f.add_to(x, x_step)
            f.add_to(out, out_step)
        f.free(x_step, out_step, t)

    def _stage(self, i: int, x: Local, fixed: Local) -> None:
        """All panels of a stage."""
        f, spec, stage = self.f, self.spec, self.spec.stages[i]
        width = 4 * spec.columns
        at, gates, weights = f.local(i32), f.let(x), f.let(self.weights[i])
        hidden = self.args["hidden"]
        with f.for_range(at, 0, self.stride, width):
            source = self.state + self.stride * stage.source
            own = self.state + at
            new = own + self.stride * NEW
            vectors = own, new, own, fixed + at
            f.call(self.stages[i], gates, weights, source, hidden, *vectors, self.stride)
            f.add_to(gates, width * spec.gates)
            f.add_to(weights, hidden * (width * len(stage.starts)))
        f.free(at, gates, weights)


def panel_function(m: Module, columns: int, stage: Stage, target: Target) -> Function:
    """(x, weights, source, k, old, new, own, fixed, stride): one panel of a stage.

    old, new: its parts of h and the next h. own: of the state's first vector, fixed: of the first
    fixed vector; others lie `stride` bytes behind each other.
    """
    name = f"rnn_panel_{columns}_{crc32(repr(stage).encode()) & 0xFFFFFF:06x}"
    return m.once(name, lambda: _panel(m, name, columns, stage, target))


def _panel(m: Module, name: str, columns: int, stage: Stage, target: Target) -> Function:
    f = m.function(name, (i32,) * 9)
    x, weights, source, k, old, new, own, fixed, stride = f.params
    vectors = columns // 4

    def state(index: int) -> Val:
        return {HIDDEN: old, NEW: new}.get(index, own + stride * index)

    def load(where: Source, v: int) -> Val:
        kind, index = where
        if kind == "zero":
            return w.f32x4_const(0)
        if kind == "x":
            return w.v128_load(x, offset=4 * columns * index + 16 * v, align=4)
        base = state(index) if kind == "state" else fixed + stride * index
        return w.v128_load(base, offset=16 * v, align=4)

    starts = [load(s, v) for s in stage.starts for v in range(vectors)]
    sums = _products(f, target, starts, weights, source, k)
    exprs = [(vector, VectorExpr(f, target, expr)) for vector, expr in stage.results]
    for v in range(vectors):
        values: list[Val] = [sums[g * vectors + v] for g in range(len(stage.starts))]
        values += [load(s, v) for s in stage.operands]
        for vector, expr in exprs:
            made = f.let(expr(*values))
            f.v128_store(state(vector), made, offset=16 * v)
            values.append(made)
    return f


def _products(
    f: Function, target: Target, starts: list[Val], weights: Local, source: Local, k: Local
) -> list[Local]:
    """starts[v] + sum over k of source[k] * weights[k][v]; few sums are split by k."""
    count = len(starts)
    ways = 1
    while count * ways < SUMS:
        ways *= 2
    zero = w.f32x4_const(0)
    sums = [[f.let(s if i == 0 else zero) for s in starts] for i in range(ways)]
    end = f.let(source + k * 4)
    factor = f.local(v128)

    def term(i: int) -> None:
        f.set(factor, w.v128_load32_splat(source, offset=4 * i))
        for v, total in enumerate(sums[i % ways]):
            loaded = w.v128_load(weights, offset=16 * (count * i + v), align=16)
            f.set(total, madd(target, loaded, factor, total))

    def advance(n: int) -> None:
        f.add_to(source, 4 * n)
        f.add_to(weights, 16 * count * n)

    with f.while_(source + 4 * UNROLL <= end):
        for i in range(UNROLL):
            term(i)
        advance(UNROLL)
    with f.while_(source < end):
        term(0)
        advance(1)
    while ways > 1:
        ways //= 2
        for i in range(ways):
            for a, b in zip(sums[i], sums[i + ways], strict=True):
                f.set(a, w.f32x4_add(a, b))
    return sums[0]


def take_length(f: Function, length: Local, address: Val) -> None:
    """Lower a length, which is the most there is, to one in memory; the status says if it can't be.

    Whatever the data hold, nothing outside of the tensors is touched.
    """
    given = f.let(w.i32_load(address))
    with f.if_(given > length):  # unsigned: negative ones are large
        f.i32_store(w.i32_const(STATUS_ADDRESS), 1)
    with f.else_():
        f.set(length, given)
    f.free(given)


def copy_function(m: Module) -> Function:
    """(out, source, nbytes): copy a vector of floats."""
    return m.once("rnn_copy", lambda: _copy(m))


def _copy(m: Module) -> Function:
    """(out, source, nbytes): copy a vector of floats."""
    f = m.function("rnn_copy", (i32, i32, i32))
    out, source, nbytes = f.params

    def body(at: Local, width: int, store: object) -> None:
        for v in range(width):
            store(out + at, w.v128_load(source + at, offset=16 * v, align=4), v)  # type: ignore[operator]

    sweep(f, nbytes, body)
    return f
