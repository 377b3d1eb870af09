"""Random numbers (see program/kernels/random.py).

Matsumoto and Nishimura, "Mersenne Twister" (1998): 624 words are made at once, each from three of
the last 624, and tempered as they are handed out.
"""

from __future__ import annotations

from ....ir.dtype import F64
from ....ir.expr import arg, call
from ....program.kernels.random import WORDS, DrawSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr
from ..function import Function
from ..isa import f64, i32
from ..loops import kernel, load_args
from ..module import Module

__all__ = ["emit_draw"]

INDEX = 4 * WORDS  # byte offsets into the state
HAS_SPARE = INDEX + 4
SPARE = INDEX + 8


def emit_draw(spec: DrawSpec, m: Module, target: Target) -> Function:
    """Number after number."""
    next_number = _normal(m) if spec.distribution == "normal" else _uniform(m)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, state, count = load_args(f, "out state count")
    last = f.let(out + count * 8)
    with f.for_range(begin, begin, end), f.for_range(out, out, last, 8, signed=False):
        f.f64_store(out, f.call(next_number, state))
    return f


def _refill(m: Module) -> Function:
    """(state): the next 624 words."""
    f = m.function("random_refill", (i32,))
    (state,) = f.params
    k, y, near, far = (f.local(i32) for _ in range(4))
    end = 4 * WORDS
    with f.for_range(k, 0, end, 4):
        f.set(near, w.select(k + 4, w.i32_const(0), (k + 4) < end))
        f.set(far, k + 4 * 397)
        f.set(far, far - w.select(w.i32_const(end), w.i32_const(0), far >= end))
        high = w.i32_load(state + k) & 0x80000000
        f.set(y, high | (w.i32_load(state + near) & 0x7FFFFFFF))
        twist = w.select(w.i32_const(0x9908B0DF), w.i32_const(0), y & 1)
        f.i32_store(state + k, w.i32_load(state + far) ^ (y >> 1) ^ twist)
    f.i32_store(state, w.i32_const(0), offset=INDEX)
    return f


def _word(m: Module) -> Function:
    """(state): the next word."""
    refill = _refill(m)
    f = m.function("random_word", (i32,), (i32,))
    (state,) = f.params
    with f.if_(w.i32_load(state, offset=INDEX) >= WORDS):
        f.call(refill, state)
    index = f.let(w.i32_load(state, offset=INDEX))
    f.i32_store(state, index + 1, offset=INDEX)
    y = f.let(w.i32_load(state + index * 4))
    f.set(y, y ^ (y >> 11))
    f.set(y, y ^ ((y << 7) & 0x9D2C5680))
    f.set(y, y ^ ((y << 15) & 0xEFC60000))
    f.return_(y ^ (y >> 18))
    return f


def _uniform(m: Module) -> Function:
    """(state): the next number from [0, 1), of 27 bits of a word and 26 of the next one."""

    def make() -> Function:
        word = _word(m)
        f = m.function("random_uniform", (i32,), (f64,))
        (state,) = f.params
        high = f.let(w.f64_convert_i32_u(f.call(word, state) >> 5))
        low = w.f64_convert_i32_u(f.call(word, state) >> 6)
        f.return_((high * 67108864.0 + low) * 2.0**-53)
        return f

    return m.once("random_uniform", make)


def _normal(m: Module) -> Function:
    """(state): the next of a pair of normal numbers, from a place within the unit circle."""

    def make() -> Function:
        uniform = _uniform(m)
        f = m.function("random_normal", (i32,), (f64,))
        (state,) = f.params
        with f.if_(w.i32_load(state, offset=HAS_SPARE)):
            f.i32_store(state, w.i32_const(0), offset=HAS_SPARE)
            f.return_(w.f64_load(state, offset=SPARE))
        x, y, size = f.local(f64), f.local(f64), f.local(f64)
        with f.loop() as again:
            for place in (x, y):
                f.set(place, f.call(uniform, state) * 2.0 - 1.0)
            f.set(size, x * x + y * y)
            f.br_if(again, (size >= 1.0) | size.eq(0.0))
        r = arg(0, F64)
        factor = f.let(ScalarExpr(f, call("sqrt", call("log", r) * -2.0 / r))(size))
        f.f64_store(state, factor * x, offset=SPARE)
        f.i32_store(state, w.i32_const(1), offset=HAS_SPARE)
        f.return_(factor * y)
        return f

    return m.once("random_normal", make)
