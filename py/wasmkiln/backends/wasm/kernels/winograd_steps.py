"""The transforms of Winograd's convolution along one axis, 8 channels at a time.

What goes in and comes out is a row of floats for each of a tile's coordinates along the axis, so
that a loop reads and writes a few streams. A tile needs both axes, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ....program.kernels.finish import Finish
from ....program.kernels.gemm import HEAD_WORDS, NR
from ....program.kernels.winograd import FAR, NEAR, REACH
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import madd, nmadd
from ..module import Module
from ..val import Val
from .finishing import Finisher

__all__ = ["finish_function", "input_function", "output_function"]


def input_function(m: Module, target: Target, size: int) -> Function:
    """(sources..., to, to_step, nbytes): Bt, from a patch's side of rows to as many."""
    side = size + REACH
    name = f"winograd_input_{size}"

    def make() -> Function:
        f = m.function(name, (i32,) * (side + 3))
        *sources, to, to_step, nbytes = f.params
        targets = _rows(f, to, to_step, side)
        t = _Transform(f, target, size)
        with _vectors(f, nbytes, (*sources, *targets)) as offsets:
            for offset in offsets:
                for at, value in zip(targets, t.input(sources, offset), strict=True):
                    f.v128_store(at, value, offset=offset)
        return f

    return m.once(name, make)


def output_function(m: Module, target: Target, size: int) -> Function:
    """(source, step, to, to_step, nbytes): At, from a patch's side of rows to `size` rows."""
    name = f"winograd_output_{size}"

    def make() -> Function:
        f = m.function(name, (i32,) * 5)
        source, step, to, to_step, nbytes = f.params
        sources, targets = _rows(f, source, step, size + REACH), _rows(f, to, to_step, size)
        t = _Transform(f, target, size)
        with _vectors(f, nbytes, (*sources, *targets)) as offsets:
            for offset in offsets:
                for at, value in zip(targets, t.output(sources, offset), strict=True):
                    f.v128_store(at, value, offset=offset)
        return f

    return m.once(name, make)


def finish_function(m: Module, target: Target, size: int, finish: Finish) -> Function:
    """(args, source, step, targets..., column, nbytes): At, and the finish, to `size` pixels.

    Pixels outside the map are given as the first one, which is stored last. All is read before
    anything is stored, as an operand of the epilogue may lie where the result goes.
    """
    name = f"winograd_finish_{size}{finish.tag}"

    def make() -> Function:
        f = m.function(name, (i32,) * (size + 5))
        args, source, step, *targets, column, nbytes = f.params
        sources = _rows(f, source, step, size + REACH)
        t = _Transform(f, target, size)
        finisher = Finisher(f, target, finish, args, HEAD_WORDS)
        kept = [f.local(v128, f"kept{i}") for i in range(size)]
        with _vectors(f, nbytes, (*sources, *targets, column)) as offsets:
            for vector, offset in enumerate(offsets):
                bias = f.let(finisher.start(column, vector))
                for i, value in enumerate(t.output(sources, offset)):
                    total = f.let(_add(value, bias) if finish.bias else value)
                    f.set(kept[i], finisher.apply(total, targets[i], column, vector))
                    f.free(total)
                f.free(bias)
                for i in reversed(range(size)):
                    f.v128_store(targets[i], kept[i], offset=offset)
        return f

    return m.once(name, make)


def _rows(f: Function, first: Local, step: Local, count: int) -> list[Local]:
    rows = [first]
    for _ in range(count - 1):
        rows.append(f.let(rows[-1] + step))
    return rows


@contextmanager
def _vectors(f: Function, nbytes: Local, pointers: Sequence[Local]) -> Iterator[tuple[int, ...]]:
    """A loop over the vectors of a panel's columns; yields their offsets, and moves on."""
    with f.loop() as again:
        yield tuple(range(0, 4 * NR, 16))
        for pointer in pointers:
            f.add_to(pointer, 4 * NR)
        f.br_if(again, f.tee(nbytes, nbytes - 4 * NR))


class _Transform:
    """Bt and At for the points of program/kernels/winograd.py, with shared terms."""

    def __init__(self, f: Function, target: Target, size: int) -> None:
        self.f, self.target, self.size = f, target, size
        self.x = [f.local(v128, f"x{i}") for i in range(size + REACH)]
        self.sums = [f.local(v128, f"sum{i}") for i in range(4)]
        self.numbers: dict[float, Local] = {}
        if size == 4:
            n, (p, q) = NEAR**2 + FAR**2, (NEAR, FAR)
            for number in (n, p, p**2, p**3, q, q**2, q**3):
                self.numbers[number] = f.let(w.f32x4_const(number))

    def input(self, sources: Sequence[Local], offset: int) -> list[Val]:
        """Bt x, to be stored one by one."""
        x = self._load(sources, offset)
        if self.size == 2:
            return [_sub(x[0], x[2]), _add(x[1], x[2]), _sub(x[2], x[1]), _sub(x[1], x[3])]
        f, (a, b, c, d) = self.f, self.sums
        f.set(a, self._minus(FAR**2, x[2], x[4]))
        f.set(b, self._minus(FAR**2, x[1], x[3]))
        f.set(c, self._minus(NEAR**2, x[2], x[4]))
        f.set(d, self._minus(NEAR**2, x[1], x[3]))
        return [
            self._minus(NEAR**2 + FAR**2, x[2], _add(x[0], x[4])),
            self._plus(NEAR, b, a),
            self._minus(NEAR, b, a),
            self._plus(FAR, d, c),
            self._minus(FAR, d, c),
            self._minus(NEAR**2 + FAR**2, x[3], _add(x[1], x[5])),
        ]

    def output(self, sources: Sequence[Local], offset: int) -> list[Val]:
        """At x, to be stored one by one."""
        x = self._load(sources, offset)
        if self.size == 2:
            return [_add(_add(x[0], x[1]), x[2]), _sub(_sub(x[1], x[2]), x[3])]
        f, (a, b, c, d) = self.f, self.sums
        f.set(a, _add(x[1], x[2]))
        f.set(b, _sub(x[1], x[2]))
        f.set(c, _add(x[3], x[4]))
        f.set(d, _sub(x[3], x[4]))
        return [
            _add(_add(x[0], a), c),
            self._plus(FAR, d, self._times(NEAR, b)),
            self._plus(FAR**2, c, self._times(NEAR**2, a)),
            self._plus(FAR**3, d, self._plus(NEAR**3, b, x[5])),
        ]

    def _load(self, sources: Sequence[Local], offset: int) -> list[Local]:
        for local, source in zip(self.x, sources, strict=True):
            self.f.set(local, w.v128_load(source, offset=offset))
        return self.x

    def _times(self, factor: float, x: Val) -> Val:
        return w.f32x4_mul(self.numbers[factor], x)

    def _plus(self, factor: float, x: Val, y: Val) -> Val:
        """factor * x + y"""
        return madd(self.target, self.numbers[factor], x, y)

    def _minus(self, factor: float, x: Val, y: Val) -> Val:
        """y - factor * x"""
        return nmadd(self.target, self.numbers[factor], x, y)


def _add(a: Val, b: Val) -> Val:
    return w.f32x4_add(a, b)


def _sub(a: Val, b: Val) -> Val:
    return w.f32x4_sub(a, b)
