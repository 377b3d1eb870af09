"""Running sums or products, one line after the other (see program/kernels/cumulative.py)."""

from __future__ import annotations

from ....ir.expr import arg, call, const
from ....program.kernels.cumulative import CumulativeSpec
from ...base import Target
from ..expr import ScalarExpr, scalar_type
from ..function import Function
from ..isa import i32
from ..legalize import lane
from ..loops import kernel, load_args
from ..module import Module
from .element import load_scalar, store_scalar

__all__ = ["emit_cumulative"]


def emit_cumulative(spec: CumulativeSpec, m: Module, target: Target) -> Function:
    """Each line in its order."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, r, inner, first, step = load_args(f, "out x r inner first step")
    dtype, size = spec.dtype, spec.dtype.itemsize
    add = ScalarExpr(f, call(spec.fold, arg(0, dtype), arg(1, dtype)))
    start = ScalarExpr(f, const(1 if spec.fold == "mul" else 0, dtype))
    total = f.local(scalar_type(lane(dtype)))
    at, i = f.local(i32), f.local(i32)
    with f.for_range(begin, begin, end):
        outer = begin // inner
        f.set(at, (outer * r * inner + (begin - outer * inner)) * size + first)
        f.set(total, start())
        with f.for_range(i, 0, r):
            value = f.let(load_scalar(dtype, x + at))
            if spec.exclusive:
                store_scalar(f, dtype, out + at, total)
                f.set(total, add(total, value))
            else:
                f.set(total, add(total, value))
                store_scalar(f, dtype, out + at, total)
            f.free(value)
            f.add_to(at, step)
    return f
