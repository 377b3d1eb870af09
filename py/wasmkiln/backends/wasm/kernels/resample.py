"""Picking and mixing positions of the input along one or two axes.

Arguments and ranges are described with the specifications in program/kernels/resample.py.
"""

from __future__ import annotations

from ....ir.dtype import F32
from ....program.kernels.resample import BilinearSpec, PickSpec, ResampleSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import f32, f64, i32
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val
from .element import Store, load_scalar, store_scalar, sweep
from .movement import copy_bytes, move_element

__all__ = ["emit_bilinear", "emit_pick", "emit_resample"]


def emit_pick(spec: PickSpec, m: Module, target: Target) -> Function:
    """One output row at a time."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, rows, columns, oh, ow, image, pixel = load_args(
        f, "out x rows columns oh ow image pixel"
    )
    u, source, column = f.local(i32), f.local(i32), f.local(i32)
    q = f.let(out + begin * ow * pixel)
    stop = f.let(columns + (ow << 2))
    with f.for_range(u, begin, end):
        f.set(source, x + (u // oh) * image + w.i32_load(rows + ((u % oh) << 2)))
        f.set(column, columns)
        with f.while_(column < stop):
            p = f.let(source + w.i32_load(column))
            if spec.unit == 16:
                f.v128_store(q, w.v128_load(p, align=1))
            elif spec.unit:
                move_element(f, q, p, spec.unit)
            else:
                copy_bytes(f, q, p, pixel)
            f.free(p)
            f.add_to(q, pixel)
            f.add_to(column, 4)
    return f


def emit_bilinear(spec: BilinearSpec, m: Module, target: Target) -> Function:
    """One output row at a time; the four weights of a pixel are formed once."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, rows, columns, oh, ow, c, image = load_args(f, "out x rows columns oh ow c image")
    nbytes = f.let(c << 2)
    q = f.let(out + begin * ow * nbytes)
    u, record, base = f.local(i32), f.local(i32), f.local(i32)
    stop = f.let(columns + (ow << 4))
    with f.for_range(u, begin, end):
        f.set(record, rows + ((u % oh) << 4))
        f.set(base, x + (u // oh) * image)
        above, below = (f.let(base + w.i32_load(record, offset=4 * i)) for i in range(2))
        heights = [f.let(w.f32_load(record, offset=8 + 4 * i)) for i in range(2)]
        f.set(record, columns)
        with f.while_(record < stop):
            corners: list[tuple[Local, Local]] = []
            for row, height in zip((above, below), heights, strict=True):
                for i in range(2):
                    p = f.let(row + w.i32_load(record, offset=4 * i))
                    weight = w.f32x4_splat(height * w.f32_load(record, offset=8 + 4 * i))
                    corners.append((p, f.let(weight)))
            _mix_corners(f, target, corners, q, nbytes)
            f.free(*(local for pair in corners for local in pair))
            f.add_to(q, nbytes)
            f.add_to(record, 16)
        f.free(above, below, *heights)
    return f


def _mix_corners(
    f: Function, target: Target, corners: list[tuple[Local, Local]], q: Local, nbytes: Local
) -> None:
    def body(at: Local, width: int, store: Store) -> None:
        for v in range(width):
            total: Val | None = None
            for p, weight in corners:
                element = w.v128_load(p + at, offset=16 * v, align=4)
                if total is None:
                    total = w.f32x4_mul(element, weight)
                else:
                    total = madd(target, element, weight, total)
            assert total is not None
            store(q + at, total, v)

    sweep(f, nbytes, body, (2, 1))


def emit_resample(spec: ResampleSpec, m: Module, target: Target) -> Function:
    """One output vector at a time: long ones of f32 on vectors, others by elements."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, index, weights, size, inner, taps, step = load_args(
        f, "out x index weights size inner taps step"
    )
    itemsize = spec.dtype.itemsize
    nbytes = f.let(inner * itemsize)
    q = f.let(out + begin * nbytes)
    u, i, at = f.local(i32), f.local(i32), f.local(i32)
    source = f.local(i32)
    loops = _Taps(f, target, index, weights, taps, itemsize)
    with f.for_range(u, begin, end):
        f.set(i, (u % size) * taps)
        f.set(source, x + (u // size) * step)
        loops.start(i)
        if spec.dtype == F32:
            with f.if_(nbytes >= 16):
                sweep(f, nbytes, lambda at, n, store: loops.vectors(source, q, at, n, store))
            with f.else_(), f.for_range(at, 0, nbytes, itemsize):
                loops.scalar(spec, source, q, at)
        else:
            with f.for_range(at, 0, nbytes, itemsize):
                loops.scalar(spec, source, q, at)
        f.add_to(q, nbytes)
    return f


class _Taps:
    """Loops over the taps of one output position."""

    def __init__(
        self, f: Function, target: Target, index: Local, weights: Local, taps: Local, itemsize: int
    ) -> None:
        self.f, self.target, self.itemsize = f, target, itemsize
        self.index, self.weights, self.taps = index, weights, taps
        self.index_at, self.weight_at = f.local(i32), f.local(i32)
        self.i, self.w, self.stop = f.local(i32), f.local(i32), f.local(i32)

    def start(self, i: Local) -> None:
        """Begin an output position, whose first tap is number `i`."""
        f = self.f
        f.set(self.index_at, self.index + (i << 2))
        f.set(self.weight_at, self.weights + i * self.itemsize)
        f.set(self.stop, self.index_at + (self.taps << 2))

    def _rewind(self) -> None:
        self.f.set(self.i, self.index_at)
        self.f.set(self.w, self.weight_at)

    def _advance(self) -> None:
        self.f.add_to(self.i, 4)
        self.f.add_to(self.w, self.itemsize)

    def vectors(self, source: Local, q: Local, at: Local, width: int, store: Store) -> None:
        """`width` vectors at an offset."""
        f = self.f
        accs = [f.let(w.f32x4_const(0)) for _ in range(width)]
        self._rewind()
        with f.while_(self.i < self.stop):
            p = f.let(source + w.i32_load(self.i) + at)
            weight = f.let(w.v128_load32_splat(self.w))
            for v, acc in enumerate(accs):
                f.set(acc, madd(self.target, w.v128_load(p, offset=16 * v, align=4), weight, acc))
            f.free(p, weight)
            self._advance()
        for v, acc in enumerate(accs):
            store(q + at, acc, v)
        f.free(*accs)

    def scalar(self, spec: ResampleSpec, source: Local, q: Local, at: Local) -> None:
        """One element at an offset."""
        f = self.f
        acc = f.local(f32 if spec.dtype == F32 else f64)
        f.set(acc, 0)
        self._rewind()
        with f.while_(self.i < self.stop):
            element = load_scalar(spec.dtype, source + w.i32_load(self.i) + at)
            f.set(acc, acc + element * load_scalar(spec.dtype, self.w))
            self._advance()
        store_scalar(f, spec.dtype, q + at, acc)
        f.free(acc)
