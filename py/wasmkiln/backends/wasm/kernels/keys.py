"""Keys found by bisection (see program/kernels/keys.py)."""

from __future__ import annotations

from ....ir.expr import arg, call
from ....program.kernels.keys import KeysSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr
from ..function import Function
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from .element import load_scalar

__all__ = ["emit_keys"]


def emit_keys(spec: KeysSpec, m: Module, target: Target) -> Function:
    """One element after the other: halve the range [low, high) of keys that may equal it."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, keys, places, count, absent, nan = load_args(f, "out x keys places count absent nan")
    size = spec.dtype.itemsize
    a, b = arg(0, spec.dtype), arg(1, spec.dtype)
    less, equal = (ScalarExpr(f, call(op, a, b)) for op in ("lt", "eq"))
    i, low, high, middle, found = (f.local(i32) for _ in range(5))
    with f.for_range(i, begin, end):
        value = f.let(load_scalar(spec.dtype, x + i * size))
        f.set(low, 0)
        f.set(high, count)
        with f.while_(low < high):
            f.set(middle, (low + high) >> 1)
            with f.if_(less(load_scalar(spec.dtype, keys + middle * size), value)):
                f.set(low, middle + 1)
            with f.else_():
                f.set(high, middle)
        f.set(found, absent)
        with f.if_(low < count), f.if_(equal(load_scalar(spec.dtype, keys + low * size), value)):
            f.set(found, w.i32_load(places + low * 4))
        if spec.dtype.is_float:
            with f.if_(equal(value, value).eqz()):
                f.set(found, nan)
        f.i64_store(out + i * 8, w.i64_extend_i32_u(found))
        f.free(value)
    return f
