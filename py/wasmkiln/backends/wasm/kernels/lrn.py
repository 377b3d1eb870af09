"""Sums of squares over neighbouring channels, and what is made of them.

Arguments and range are described with `LrnSpec`. Where a window lies within a pixel's channels,
four sums at once, else one.
"""

from __future__ import annotations

from ....program.kernels.lrn import LrnSpec
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module

__all__ = ["emit_lrn"]


def emit_lrn(spec: LrnSpec, m: Module, target: Target) -> Function:
    """One pixel at a time."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, channels, before, after = load_args(f, "out x c before after")
    f.set(before, before << 2)
    f.set(after, after << 2)
    nbytes = f.let(channels << 2)
    result = VectorExpr(f, target, spec.result)
    p, q = f.let(x + begin * nbytes), f.let(out + begin * nbytes)
    stop = f.let(out + end * nbytes)
    c, at, last = f.local(i32), f.local(i32), f.local(i32)
    element, total = f.local(v128), f.local(v128)
    with f.while_(q < stop):
        f.set(c, 0)
        with f.while_(c < nbytes):
            f.set(total, w.f32x4_const(0))
            with f.if_((c >= before) & (c + (after + 16) <= nbytes)):
                f.set(last, p + c + after)
                with f.for_range(at, p + c - before, last + 1, 4, signed=False):
                    f.set(element, w.v128_load(at, align=4))
                    f.set(total, madd(target, element, element, total))
                f.set(element, w.v128_load(p + c, align=4))
                f.v128_store(q + c, result(element, total))
                f.add_to(c, 16)
            with f.else_():
                f.set(at, p + w.select(c - before, w.i32_const(0), c >= before))
                f.set(last, p + w.select(c + after, nbytes - 4, (c + after) < nbytes))
                with f.while_(at <= last):
                    f.set(element, w.v128_load32_zero(at))
                    f.set(total, madd(target, element, element, total))
                    f.add_to(at, 4)
                f.set(element, w.v128_load32_zero(p + c))
                f.emit(w.v128_store32_lane(q + c, result(element, total), 0))
                f.add_to(c, 4)
        f.add_to(p, nbytes)
        f.add_to(q, nbytes)
    return f
