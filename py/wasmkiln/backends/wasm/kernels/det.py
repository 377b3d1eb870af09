"""Determinants by elimination, the greatest of a column being its pivot (see
program/kernels/det.py)."""

from __future__ import annotations

from ....ir.dtype import F32
from ....program.kernels.det import DetSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import f64, i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar, store_scalar

__all__ = ["emit_det"]


def emit_det(spec: DetSpec, m: Module, target: Target) -> Function:
    """A copy of each matrix is eliminated column by column."""
    eliminate = _eliminate(m)
    f = kernel(m, spec.name)
    _, begin, end, thread = f.params
    out, x, n, scratch, share = load_args(f, "out x n scratch share")
    room, i, size = f.let(scratch + thread * share), f.local(i32), spec.dtype.itemsize
    count = f.let(n * n)
    with f.for_range(begin, begin, end):
        source = f.let(x + begin * count * size)
        with f.for_range(i, 0, count):
            value = load_scalar(spec.dtype, source + i * size)
            f.f64_store(room + i * 8, w.f64_promote_f32(value) if spec.dtype == F32 else value)
        found: Val = f.call(eliminate, room, n)
        result = w.f32_demote_f64(found) if spec.dtype == F32 else found
        store_scalar(f, spec.dtype, out + begin * size, result)
        f.free(source)
    return f


def _eliminate(m: Module) -> Function:
    """(matrix, n): its determinant; the matrix is lost."""

    def make() -> Function:
        f = m.function("det_eliminate", (i32, i32), (f64,))
        a, n = f.params
        row = f.let(n * 8)
        total = f.let(w.f64_const(1.0))
        k, i, best, factor = f.local(i32), f.local(i32), f.local(i32), f.local(f64)
        with f.for_range(k, 0, n):
            own = f.let(a + k * row)
            f.set(best, own)
            with f.for_range(i, k + 1, n):
                at = f.let(a + i * row)
                there, so_far = (w.f64_abs(w.f64_load(p + k * 8)) for p in (at, best))
                with f.if_(there > so_far):
                    f.set(best, at)
                f.free(at)
            with f.if_(best.ne(own)):
                _swap(f, own, best, row)
                f.set(total, -total)
            f.set(total, total * w.f64_load(own + k * 8))
            with f.if_(w.f64_load(own + k * 8).eq(0.0)):
                f.return_(total)
            with f.for_range(i, k + 1, n):
                at = f.let(a + i * row)
                f.set(factor, w.f64_load(at + k * 8) / w.f64_load(own + k * 8))
                _subtract(f, at, own, factor, k * 8, row)
                f.free(at)
            f.free(own)
        f.return_(total)
        return f

    return m.once("det_eliminate", make)


def _swap(f: Function, a: Local, b: Local, nbytes: Local) -> None:
    p, kept = f.local(i32), f.local(f64)
    with f.for_range(p, 0, nbytes, 8):
        f.set(kept, w.f64_load(a + p))
        f.f64_store(a + p, w.f64_load(b + p))
        f.f64_store(b + p, kept)
    f.free(p, kept)


def _subtract(f: Function, a: Local, b: Local, factor: Local, first: Val, nbytes: Local) -> None:
    p = f.local(i32)
    with f.for_range(p, first, nbytes, 8):
        f.f64_store(a + p, w.f64_load(a + p) - factor * w.f64_load(b + p))
    f.free(p)
