"""The index of the extreme element along one dimension; scalar, for all dtypes.

Arguments and range are described with `ArgReduceSpec`.
"""

from __future__ import annotations

from ....ir.expr import arg, call
from ....program.kernels.argreduce import ArgReduceSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr, scalar_type
from ..function import Function
from ..isa import i32
from ..legalize import lane
from ..loops import kernel, load_args
from ..module import Module
from .element import load_scalar

__all__ = ["emit_argreduce"]


def emit_argreduce(spec: ArgReduceSpec, m: Module, target: Target) -> Function:
    """One output at a time."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, r, inner = load_args(f, "out x r inner")
    size = spec.dtype.itemsize
    stride = f.let(inner * size)
    compare = {"max": "gt", "min": "lt"}[spec.fold].replace("t", "e" if spec.last else "t")
    wins = ScalarExpr(f, call(compare, arg(0, spec.dtype), arg(1, spec.dtype)))
    best = f.local(scalar_type(lane(spec.dtype)))
    u, p, i, found = (f.local(i32) for _ in range(4))
    with f.for_range(u, begin, end):
        f.set(p, x + (u // inner) * r * stride + (u % inner) * size)
        f.set(best, load_scalar(spec.dtype, p))
        f.set(found, 0)
        with f.for_range(i, 1, r):
            f.add_to(p, stride)
            value = f.let(load_scalar(spec.dtype, p))
            with f.if_(wins(value, best)):
                f.set(best, value)
                f.set(found, i)
            f.free(value)
        f.i64_store(out + (u << 3), w.i64_extend_i32_u(found))
    return f
