"""The places of elements that are not zero (see program/kernels/nonzero.py).

for each row, the last dimension: vectors that are all zero bits are skipped as a whole; of others,
one element at a time. The coordinates of the row are counted along.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.dtype import DType
from ....program.kernels.nonzero import NonZeroSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar

__all__ = ["emit_nonzero"]


def emit_nonzero(spec: NonZeroSpec, m: Module, target: Target) -> Function:
    """One pass over the elements."""
    f = kernel(m, spec.name)
    size, width = spec.dtype.itemsize, 8 * spec.rank
    names = "out count x " + " ".join(f"d{i}" for i in range(spec.rank))
    out, count, x, *dims = load_args(f, names)
    outer = [f.let(0) for _ in dims[:-1]]
    rows = f.let(1)
    for dim in dims[:-1]:
        f.set(rows, rows * dim)
    inner = dims[-1]
    q, row, p, i = f.let(out), f.let(x), f.local(i32), f.local(i32)
    with f.for_range(rows, rows, 0, -1):
        f.set(p, row)
        f.set(i, 0)
        with f.while_(i.lt_s(inner)):
            with f.if_(w.v128_any_true(w.v128_load(p))):
                with f.if_(_is_nonzero(spec.dtype, p)):
                    for d, place in enumerate((*outer, i)):
                        f.i64_store(q, w.i64_extend_i32_u(place), offset=8 * d)
                    f.add_to(q, width)
                f.add_to(i, 1)
                f.add_to(p, size)
            with f.else_():
                f.add_to(i, 16 // size)
                f.add_to(p, 16)
        f.add_to(row, inner * size)
        _count_up(f, outer, dims)
    f.i64_store(count, w.i64_extend_i32_u((q - out) // width))
    f.emit(w.memory_fill(q, 0, (row - x) // size * width - (q - out)))
    return f


def _is_nonzero(dtype: DType, p: Val) -> Val:
    value = load_scalar(dtype, p)
    if dtype.is_float and dtype.itemsize == 2:
        return (value & 0x7FFF).ne(0)
    return value.ne(0)


def _count_up(f: Function, digits: Sequence[Local], dims: Sequence[Local]) -> None:
    """The coordinates of the next row."""
    if not digits:
        return
    f.add_to(digits[-1], 1)
    with f.if_(digits[-1].eq(dims[len(digits) - 1])):
        f.set(digits[-1], 0)
        _count_up(f, digits[:-1], dims)
