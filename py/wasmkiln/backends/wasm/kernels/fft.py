"""Fourier transforms by Stockham's method (see program/kernels/fft.py).

for each line: for each factor p of n, between two rooms, the last one being the output:
    s = product of the factors before, m = n / (s p)
    to[q + s (p k + j)] = w^(s k j) * sum over i < p of from[q + s (k + m i)] * w^(i j n / p)
for all k < m, j < p, q < s. It needs no sorting by reversed bits, and any factors will do; an odd p
takes about p multiplications a number, so that 4, which takes three for four, stands for 2 times 2.
"""

from __future__ import annotations

from collections.abc import Callable

from ....ir.dtype import F32
from ....program.kernels.fft import FftSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args
from ..module import Module
from ..val import Operand, Val

__all__ = ["emit_fft"]

_PASS = (i32,) * 7  # to, from, p, m, s, roots, n


def emit_fft(spec: FftSpec, m: Module, target: Target) -> Function:
    """The passes of each line."""
    passes = {p: make(m, spec) for p, make in ((4, _by_four), (2, _by_two), (0, _by_odd))}
    f = kernel(m, spec.name)
    _, begin, end, thread = f.params
    out, x, roots, factors, count, n, scratch, share = load_args(
        f, "out x roots factors count n scratch share"
    )
    number = 2 * spec.dtype.itemsize
    room, size = f.let(scratch + thread * share), f.let(n * number)
    source, to, i = f.local(i32), f.local(i32), f.local(i32)
    p, rest, s = f.local(i32), f.local(i32), f.local(i32)
    with f.for_range(begin, begin, end):
        f.set(source, x + begin * size)
        f.set(rest, n)
        f.set(s, 1)
        with f.if_(count.eqz()):
            f.emit(w.memory_copy(out + begin * size, source, w.i32_const(number)))
        with f.for_range(i, 0, count):
            f.set(p, w.i32_load(factors + i * 4))
            f.set(rest, rest // p)
            f.set(to, w.select(room, out + begin * size, (count - i + 1) & 1))
            for factor, function in passes.items():
                with f.if_(p.eq(factor) if factor else p & 1):
                    f.call(function, to, source, p, rest, s, roots, n)
            f.set(s, s * p)
            f.set(source, to)
    return f


class _Numbers:
    """Complex numbers in the first lanes of vectors: what the passes compute with."""

    def __init__(self, f: Function, spec: FftSpec) -> None:
        self.f = f
        self.narrow = spec.dtype == F32
        self.size = 2 * spec.dtype.itemsize
        shape = "f32x4" if self.narrow else "f64x2"
        operations: list[Callable[[Val, Val], Val]]
        operations = [getattr(w, f"{shape}_{op}") for op in ("add", "sub", "mul")]
        self.add, self.sub, self.mul = operations
        signs = (1.0, -1.0) if spec.inverse else (-1.0, 1.0)
        make: Callable[..., Val] = getattr(w, f"{shape}_const")
        self.sign = f.let(make(signs * 2 if self.narrow else signs))

    def load(self, address: Operand) -> Val:
        """A number."""
        return (w.v128_load64_zero if self.narrow else w.v128_load)(address)

    def store(self, address: Operand, x: Val) -> None:
        """Put a number into memory."""
        if self.narrow:
            self.f.emit(w.v128_store64_lane(address, x, 0))
        else:
            self.f.v128_store(address, x)

    def part(self, x: Local, imaginary: bool) -> Val:
        """One part of a number in both its places."""
        half = self.size // 2
        lane = [*range(half * imaginary, half * imaginary + half)]
        return w.i8x16_shuffle(x, x, lane * (16 // half))

    def turned(self, x: Local) -> Val:
        """The number times i, or times -i for the inverse."""
        half = self.size // 2
        order = [*range(half, 2 * half), *range(half)]
        return self.mul(w.i8x16_shuffle(x, x, order * (16 // self.size)), self.sign)

    def times(self, x: Local, root: Local) -> Val:
        """x * root, or x * conj(root) for the inverse."""
        real = self.mul(x, self.part(root, False))
        return self.add(real, self.mul(self.turned(x), self.part(root, True)))


def _by_two(m: Module, spec: FftSpec) -> Function:
    f = m.function(f"{spec.name}_2", _PASS)
    to, source, _, rest, s, roots, _ = f.params
    c = _Numbers(f, spec)
    k, q = f.local(i32), f.local(i32)
    at, place = f.let(source), f.let(to)
    step, row = f.let(rest * s * c.size), f.let(s * c.size)
    with f.for_range(k, 0, rest):
        turn = f.let(c.load(roots + k * s * c.size))
        with f.for_range(q, 0, s):
            x, y = f.let(c.load(at)), f.let(c.load(at + step))
            c.store(place, c.add(x, y))
            f.set(x, c.sub(x, y))
            c.store(place + row, c.times(x, turn))
            f.free(x, y)
            f.add_to(at, c.size)
            f.add_to(place, c.size)
        f.add_to(place, row)
        f.free(turn)
    return f


def _by_four(m: Module, spec: FftSpec) -> Function:
    f = m.function(f"{spec.name}_4", _PASS)
    to, source, _, rest, s, roots, _ = f.params
    n = _Numbers(f, spec)
    k, q = f.local(i32), f.local(i32)
    at, place = f.let(source), f.let(to)
    step, row = f.let(rest * s * n.size), f.let(s * n.size)
    with f.for_range(k, 0, rest):
        turns = [f.let(n.load(roots + k * s * (j * n.size))) for j in (1, 2, 3)]
        with f.for_range(q, 0, s):
            a, b, c, d = (f.let(n.load(at + step * i)) for i in range(4))
            outer, inner = f.let(n.add(a, c)), f.let(n.add(b, d))
            f.set(a, n.sub(a, c))
            f.set(b, n.sub(b, d))
            f.set(d, n.turned(b))
            n.store(place, n.add(outer, inner))
            for j, x in enumerate((n.sub(a, d), n.sub(outer, inner), n.add(a, d))):
                f.set(c, x)
                n.store(place + row * (j + 1), n.times(c, turns[j]))
            f.free(a, b, c, d, outer, inner)
            f.add_to(at, n.size)
            f.add_to(place, n.size)
        f.add_to(place, row * 3)
        f.free(*turns)
    return f


def _by_odd(m: Module, spec: FftSpec) -> Function:
    """Terms i and p - i together: their roots differ in the sign of the imaginary part only."""
    f = m.function(f"{spec.name}_odd", _PASS)
    to, source, p, rest, s, roots, n = f.params
    c = _Numbers(f, spec)
    k, j, q, i, turn = (f.local(i32) for _ in range(5))
    first, low, high, place = f.local(i32), f.local(i32), f.local(i32), f.local(i32)
    step, row = f.let(rest * s * c.size), f.let(s * c.size)
    part, half = f.let(n // p), f.let((p + 1) // 2)
    even, odd, root, x, y = (f.local(v128) for _ in range(5))
    with f.for_range(k, 0, rest), f.for_range(q, 0, s), f.for_range(j, 0, half):
        f.set(first, source + (k * s + q) * c.size)
        f.set(even, c.load(first))
        f.set(odd, c.sub(even, even))
        f.set(low, first + step)
        f.set(high, first + step * (p - 1))
        f.set(turn, j)
        with f.for_range(i, 1, half):
            f.set(x, c.load(low))
            f.set(y, c.load(high))
            f.set(root, c.load(roots + turn * part * c.size))
            f.set(even, c.add(even, c.mul(c.add(x, y), c.part(root, False))))
            f.set(odd, c.add(odd, c.mul(c.sub(x, y), c.part(root, True))))
            f.add_to(low, step)
            f.set(high, high - step)
            f.add_to(turn, j)
            f.set(turn, turn - w.select(p, w.i32_const(0), turn >= p))
        f.set(odd, c.turned(odd))
        for number, value in ((j, c.add(even, odd)), (p - j, c.sub(even, odd))):
            with f.if_(number < p):
                f.set(place, to + (k * p + number) * row + q * c.size)
                f.set(root, c.load(roots + k * number * s * c.size))
                f.set(x, value)
                c.store(place, c.times(x, root))
    return f
