"""Where in the input the largest element of each window lies; scalar, for all dtypes.

Arguments and range are described with `PoolIndexSpec`. Of equal elements the first one wins.
"""

from __future__ import annotations

from ....ir.expr import arg, call
from ....program.kernels.pool import PoolIndexSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr, scalar_type
from ..function import Function
from ..isa import i32
from ..legalize import lane
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar

__all__ = ["emit_pool_index"]

_RECORD = 16  # bytes of a table's record: offset, valid taps, counted taps, 0


def emit_pool_index(spec: PoolIndexSpec, m: Module, target: Target) -> Function:
    """One output row at a time."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, x, rows, columns, oh, ow, height, width, down, across = load_args(
        f, "out x rows columns oh ow height width down across"
    )
    size = spec.dtype.itemsize
    wins = ScalarExpr(f, call("gt", arg(0, spec.dtype), arg(1, spec.dtype)))
    best = f.local(scalar_type(lane(spec.dtype)))
    u, i, j, row, p, found, record, image, base = (f.local(i32) for _ in range(9))
    q = f.let(out + begin * ow * 8)
    stop = f.let(columns + ow * _RECORD)
    with f.for_range(u, begin, end):
        above = f.let(rows + (u % oh) * _RECORD)
        f.set(image, x + (u // oh) * height * width * size)
        f.set(base, image + w.i32_load(above))
        f.set(record, columns)
        with f.while_(record < stop):
            f.set(row, base + w.i32_load(record))
            f.set(found, row)
            f.set(best, load_scalar(spec.dtype, row))
            with f.for_range(i, 0, w.i32_load(above, offset=4)):
                f.set(p, row)
                with f.for_range(j, 0, w.i32_load(record, offset=4)):
                    value = f.let(load_scalar(spec.dtype, p))
                    with f.if_(wins(value, best)):
                        f.set(best, value)
                        f.set(found, p)
                    f.free(value)
                    f.add_to(p, across)
                f.add_to(row, down)
            index: Val = f.let((found - image) // size)
            if spec.columns_first:
                index = (index % width) * height + index // width
            f.i64_store(q, w.i64_extend_i32_u((image - x) // size + index))
            f.add_to(q, 8)
            f.add_to(record, _RECORD)
        f.free(above)
    return f
