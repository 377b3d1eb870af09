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
from ..function import Function, Local
from ..isa import f64, i32
from ..loops import kernel, load_args
from ..module import Module

__all__ = ["emit_draw"]

INDEX = 4 * WORDS  # byte offsets into the state
HAS_SPARE = INDEX + 4
SPARE = INDEX + 8


def emit_draw(spec: DrawSpec, m: Module, target: Target) -> Function:
    """Number after number."""
    refill = _refill(m)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, state, count = load_args(f, "out state count")
    last = f.let(out + count * 8)
    words = _Words(f, state, refill)
    with f.for_range(begin, begin, end):
        if spec.distribution == "normal":
            _normal(f, words, out, last)
        else:
            number = f.local(f64)
            with f.for_range(out, out, last, 8, signed=False):
                words.uniform(number)
                f.f64_store(out, number)
        words.close()
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
    return f


class _Words:
    """The state, whose index is in a local until `close`. Words leave it in pairs."""

    def __init__(self, f: Function, state: Local, refill: Function) -> None:
        self.f, self.state, self.refill = f, state, refill
        self.index = f.let(w.i32_load(state, offset=INDEX))
        self.high, self.low = f.local(i32), f.local(i32)

    def uniform(self, number: Local) -> None:
        """number = the next one from [0, 1), of 27 bits of a word and 26 of the next one."""
        f = self.f
        with f.if_(self.index >= WORDS):
            f.call(self.refill, self.state)
            f.set(self.index, 0)
        for i, y in enumerate((self.high, self.low)):
            f.set(y, w.i32_load(self.state + self.index * 4, offset=4 * i))
            f.set(y, y ^ (y >> 11))
            f.set(y, y ^ ((y << 7) & 0x9D2C5680))
            f.set(y, y ^ ((y << 15) & 0xEFC60000))
            f.set(y, y ^ (y >> 18))
        f.add_to(self.index, 2)
        high, low = w.f64_convert_i32_u(self.high >> 5), w.f64_convert_i32_u(self.low >> 6)
        f.set(number, (high * 67108864.0 + low) * 2.0**-53)

    def close(self) -> None:
        """Put the index back."""
        self.f.i32_store(self.state, self.index, offset=INDEX)


def _normal(f: Function, words: _Words, out: Local, last: Local) -> None:
    """Pairs from places within the unit circle; one that is left over waits in the state."""
    state = words.state
    x, y, size = f.local(f64), f.local(f64), f.local(f64)
    r = arg(0, F64)
    scale = ScalarExpr(f, call("sqrt", call("log", r) * -2.0 / r))
    with f.if_(w.i32_load(state, offset=HAS_SPARE) & (out < last)):
        f.i32_store(state, w.i32_const(0), offset=HAS_SPARE)
        f.f64_store(out, w.f64_load(state, offset=SPARE))
        f.add_to(out, 8)
    with f.while_(out < last):
        with f.loop() as again:
            for place in (x, y):
                words.uniform(place)
                f.set(place, place * 2.0 - 1.0)
            f.set(size, x * x + y * y)
            f.br_if(again, (size >= 1.0) | size.eq(0.0))
        f.set(size, scale(size))
        f.f64_store(out, size * y)
        f.add_to(out, 8)
        with f.if_(out < last):
            f.f64_store(out, size * x)
            f.add_to(out, 8)
        with f.else_():
            f.f64_store(state, size * x, offset=SPARE)
            f.i32_store(state, w.i32_const(1), offset=HAS_SPARE)
