"""The transforms of Winograd's convolution, of a tile at a time, NR channels at a time.

Both go down the columns first, to a square of vectors in the nearest cache, then along the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....program.kernels.finish import Finish
from ....program.kernels.gemm import HEAD_WORDS, NR
from ....program.kernels.winograd import FAR, NEAR, REACH, SQUARE_BYTES
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import madd, nmadd
from ..module import Module
from ..val import Val
from .finishing import Finisher

__all__ = ["input_function", "output_function"]

# Bytes of the channels that are transformed together, and of one vector of them.
STEP, VECTOR = 4 * NR, 16
VECTORS = range(0, STEP, VECTOR)

Place = tuple[Local, int]  # an address and an offset from it


def input_function(m: Module, target: Target, size: int) -> Function:
    """(square, v, v_step, nbytes): Bt patch B, to a row of each of the side * side matrices.

    nbytes: of the channels. Behind the square lie the addresses of the patch's pixels, column by
    column.
    """
    side = size + REACH
    name = f"winograd_input_{size}"

    def make() -> Function:
        f = m.function(name, (i32,) * 4)
        square, v, v_step, nbytes = f.params
        t = _Transform(f, target, size)
        sources = [f.local(i32, f"source{j}") for j in range(side)]
        targets = [f.local(i32, f"target{j}") for j in range(side)]
        c, i, at, table = (f.local(i32, n) for n in ("c", "i", "at", "table"))
        down = f.let(v_step * side)
        with f.for_range(c, 0, nbytes, STEP):
            f.set(table, square + SQUARE_BYTES)
            f.set(at, square)
            with f.for_range(i, 0, side):
                for j, source in enumerate(sources):
                    f.set(source, w.i32_load(table, offset=4 * j) + c)
                for vector in VECTORS:
                    values = t.input([(source, vector) for source in sources])
                    for j, value in enumerate(values):
                        f.v128_store(at, value, offset=STEP * j + vector)
                f.add_to(table, 4 * side)
                f.add_to(at, STEP * side)
            f.set(at, square)
            for j, to in enumerate(targets):
                f.set(to, targets[j - 1] + v_step if j else v + c)
            with f.for_range(i, 0, side):
                for vector in VECTORS:
                    values = t.input([(at, STEP * side * j + vector) for j in range(side)])
                    for to, value in zip(targets, values, strict=True):
                        f.v128_store(to, value, offset=vector)
                for to in targets:
                    f.add_to(to, down)
                f.add_to(at, STEP)
        return f

    return m.once(name, make)


def output_function(m: Module, target: Target, size: int, finish: Finish) -> Function:
    """(args, square, sums, step, rows, down, targets..., column, nbytes): At sums A, finished.

    sums, step: a row of the first of the side * side matrices, and from one to the next. targets:
    the pixels of the tile's first row, of which there are `rows`, each `down` bytes after the one
    before. nbytes: of the channels, from `column` on.

    Pixels outside the map are given as the first one, which is stored last. All of a row is read
    before anything is stored, as an operand of the epilogue may lie where the result goes.
    """
    side = size + REACH
    name = f"winograd_output_{size}{finish.tag}"

    def make() -> Function:
        f = m.function(name, (i32,) * (size + 8))
        args, square, sums, step, rows, down, *targets, column, nbytes = f.params
        t = _Transform(f, target, size)
        finisher = Finisher(f, target, finish, args, HEAD_WORDS)
        sources = [f.local(i32, f"source{j}") for j in range(side)]
        pixels = [f.local(i32, f"pixel{j}") for j in range(size)]
        kept = [f.local(v128, f"kept{j}") for j in range(size)]
        c, i, at = (f.local(i32, n) for n in ("c", "i", "at"))
        line = f.let(step * side)
        with f.for_range(c, 0, nbytes, STEP):
            f.set(at, square)
            for j, source in enumerate(sources):
                f.set(source, sources[j - 1] + line if j else sums + c)
            with f.for_range(i, 0, side):
                for vector in VECTORS:
                    values = t.output([(source, vector) for source in sources])
                    for j, value in enumerate(values):
                        f.v128_store(at, value, offset=STEP * j + vector)
                for source in sources:
                    f.add_to(source, step)
                f.add_to(at, STEP * size)
            f.set(at, square)
            for pixel, first in zip(pixels, targets, strict=True):
                f.set(pixel, first + c)
            with f.for_range(i, 0, rows):
                for n, vector in enumerate(VECTORS):
                    bias = f.let(finisher.start(column, n))
                    values = t.output([(at, STEP * size * j + vector) for j in range(side)])
                    for j, value in enumerate(values):
                        total = f.let(_add(value, bias) if finish.bias else value)
                        f.set(kept[j], finisher.apply(total, pixels[j], column, n))
                        f.free(total)
                    f.free(bias)
                    for j in reversed(range(size)):
                        f.v128_store(pixels[j], kept[j], offset=vector)
                for pixel in pixels:
                    f.add_to(pixel, down)
                f.add_to(at, STEP)
            f.add_to(column, STEP)
        return f

    return m.once(name, make)


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

    def input(self, sources: Sequence[Place]) -> list[Val]:
        """Bt x, to be stored one by one."""
        x = self._load(sources)
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

    def output(self, sources: Sequence[Place]) -> list[Val]:
        """At x, to be stored one by one."""
        x = self._load(sources)
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

    def _load(self, sources: Sequence[Place]) -> list[Local]:
        for local, (source, offset) in zip(self.x, sources, strict=True):
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
