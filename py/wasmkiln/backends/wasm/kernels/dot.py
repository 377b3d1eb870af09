"""out[m, n] = sum_k a[m, k] * b[k, n], one element after the other (see program/kernels/dot.py)."""

from __future__ import annotations

from ....ir.dtype import DType
from ....program.kernels.dot import DotSpec
from ...base import Target
from .. import asm as w
from ..function import Function
from ..isa import f32, f64, i32, i64
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val

__all__ = ["emit_dot"]


def emit_dot(spec: DotSpec, m: Module, target: Target) -> Function:
    """A call for each row."""
    row = _row(m, spec)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, a, b, rows, n, k, k_step, n_step, a_batch, b_batch = load_args(
        f, "out a b m n k k_step n_step a_batch b_batch"
    )
    item = spec.dtype.itemsize
    with f.for_range(begin, begin, end):
        batch = f.let(begin // rows)
        left = a + batch * a_batch + (begin - batch * rows) * (k * item)
        right = b + batch * b_batch
        f.call(row, out + begin * (n * item), left, right, n, k, k_step, n_step)
        f.free(batch)
    return f


def _row(m: Module, spec: DotSpec) -> Function:
    """(out, a, b, n, k, k_step, n_step): one row of the product."""
    f = m.function(f"{spec.name}_row", (i32,) * 7)
    out, a, b, n, k, k_step, n_step = f.params
    item = spec.dtype.itemsize
    total = f.local(f64 if item == 8 and spec.dtype.is_float else _type(spec.dtype), "total")
    j, p, q, end = (f.local(i32) for _ in range(4))
    f.set(end, a + k * item)
    with f.for_range(j, 0, n):
        f.set(total, 0)
        f.set(p, a)
        f.set(q, b + j * n_step)
        with f.while_(p < end):
            f.set(total, total + _load(spec.dtype, p) * _load(spec.dtype, q))
            f.add_to(p, item)
            f.add_to(q, k_step)
        f.emit(_store(spec.dtype, out, total))
        f.add_to(out, item)
    return f


def _type(dtype: DType) -> w.ValType:
    if dtype.is_float:
        return f32
    return i64 if dtype.itemsize == 8 else i32


def _load(dtype: DType, at: Val) -> Val:
    suffix = "" if dtype.itemsize >= 4 else f"{dtype.bits}_{'s' if dtype.kind == 'i' else 'u'}"
    wide = "f64" if dtype.is_float and dtype.itemsize == 8 else str(_type(dtype))
    value: Val = getattr(w, f"{wide}_load{suffix}")(at)
    return value


def _store(dtype: DType, at: Val, value: Val) -> Val:
    suffix = "" if dtype.itemsize >= 4 else str(dtype.bits)
    wide = "f64" if dtype.is_float and dtype.itemsize == 8 else str(_type(dtype))
    statement: Val = getattr(w, f"{wide}_store{suffix}")(at, value)
    return statement
