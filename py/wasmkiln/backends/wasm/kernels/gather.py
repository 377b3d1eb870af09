"""Elements or rows picked by indices that are data.

Arguments and ranges are described with the specifications in program/kernels/gather.py.
"""

from __future__ import annotations

from ....ir.dtype import I64, DType
from ....program.kernels.gather import (
    STATUS_ADDRESS,
    GatherElementsSpec,
    GatherNDSpec,
    GatherSpec,
)
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, i64
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .movement import Dim, copy_bytes, move_element, nest

__all__ = ["emit_gather", "emit_gather_elements", "emit_gather_nd", "load_index"]


def load_index(f: Function, address: Val, dtype: DType, size: Local) -> Local:
    """Load an index into an axis of the given size, in range whatever the data holds.

    A negative one counts from the end; one out of range becomes 0, and the status says so.
    """
    wide = dtype == I64
    index = f.local(i64 if wide else i32)
    limit = f.let(w.i64_extend_i32_u(size) if wide else size)
    f.set(index, (w.i64_load if wide else w.i32_load)(address))
    with f.if_(index.lt_s(0)):
        f.add_to(index, limit)
    with f.if_(index >= limit):  # unsigned: still negative ones are large
        f.i32_store(w.i32_const(STATUS_ADDRESS), 1)
        f.set(index, 0)
    f.free(limit)
    if not wide:
        return index
    narrow = f.let(w.i32_wrap_i64(index))
    f.free(index)
    return narrow


def _move_row(f: Function, target: Val, source: Val, itemsize: int, nbytes: Local) -> None:
    if itemsize:
        move_element(f, target, source, itemsize)
    else:
        copy_bytes(f, target, source, nbytes)


def emit_gather(spec: GatherSpec, m: Module, target: Target) -> Function:
    """One row of the target a turn; o and i are counted along."""
    f = kernel(m, spec.name)
    out, source, indices, count, size, nbytes = load_args(f, "out source indices count size row")
    _, begin, end, _ = f.params
    outer = f.let(begin // count)
    i = f.let(begin % count)
    block = f.let(size * nbytes)
    base = f.let(source + outer * block)
    p = f.let(out + begin * nbytes)
    r = f.local(i32)
    with f.for_range(r, begin, end):
        at = load_index(f, indices + i * spec.indices.itemsize, spec.indices, size)
        row = f.let(base + at * nbytes)
        _move_row(f, p, row, spec.itemsize, nbytes)
        f.free(at, row)
        f.add_to(p, nbytes)
        f.add_to(i, 1)
        with f.if_(i.eq(count)):
            f.set(i, 0)
            f.add_to(base, block)
    return f


def emit_gather_elements(spec: GatherElementsSpec, m: Module, target: Target) -> Function:
    """A loop for each dimension; each element has its own index."""
    f = kernel(m, spec.name)
    rank, width = spec.rank, spec.itemsize
    names = ["out", "source", "indices", "size", "step"]
    names += [f"d{i}" for i in range(rank)] + [f"s{i}" for i in range(rank)]
    words = load_args(f, " ".join(names))
    out, source, indices, size, step = words[:5]
    sizes, strides = words[5 : 5 + rank], words[5 + rank :]
    _, begin, end, _ = f.params
    inner = f.let(begin)
    for d in sizes[1:]:
        f.set(inner, inner * d)
    p = f.let(out + inner * width)
    at = f.let(indices + inner * spec.indices.itemsize)
    base = f.let(source + begin * strides[0])
    count = f.let(end - begin)
    dims: list[Dim] = [(count, (strides[0],))]
    dims += [(sizes[d], (strides[d],)) for d in range(1, rank)]

    def element(q: Local) -> None:
        index = load_index(f, at, spec.indices, size)
        move_element(f, p, q + index * step, width)
        f.free(index)
        f.add_to(p, width)
        f.add_to(at, spec.indices.itemsize)

    nest(f, dims, (base,), element)
    return f


def emit_gather_nd(spec: GatherNDSpec, m: Module, target: Target) -> Function:
    """One row of the target a turn, its place found from `depth` coordinates."""
    f = kernel(m, spec.name)
    names = ["out", "source", "indices", "per_batch", "batch", "row"]
    names += [f"{kind}{i}" for i in range(spec.depth) for kind in ("size", "stride")]
    words = load_args(f, " ".join(names))
    out, source, indices, per_batch, batch, nbytes = words[:6]
    axes = words[6:]
    _, begin, end, _ = f.params
    width = spec.indices.itemsize * spec.depth
    left = f.let(per_batch - begin % per_batch)
    base = f.let(source + begin // per_batch * batch)
    p, at = f.let(out + begin * nbytes), f.let(indices + begin * width)
    r, q = f.local(i32), f.local(i32)
    with f.for_range(r, begin, end):
        f.set(q, base)
        for d in range(spec.depth):
            place = at + d * spec.indices.itemsize
            index = load_index(f, place, spec.indices, axes[2 * d])
            f.add_to(q, index * axes[2 * d + 1])
            f.free(index)
        _move_row(f, p, q, spec.itemsize, nbytes)
        f.add_to(p, nbytes)
        f.add_to(at, width)
        f.add_to(left, -1)
        with f.if_(left.eqz()):
            f.set(left, per_batch)
            f.add_to(base, batch)
    return f
