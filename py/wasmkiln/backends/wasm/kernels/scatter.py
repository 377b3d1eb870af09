"""Elements or rows written to places that are data.

Arguments and ranges are described with the specifications in program/kernels/scatter.py.
"""

from __future__ import annotations

from collections.abc import Callable

from ....ir.expr import Expr
from ....program.kernels.scatter import ScatterElementsSpec, ScatterNDSpec
from ...base import Target
from ..expr import ScalarExpr
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar, store_scalar
from .gather import load_index
from .movement import Dim, copy_bytes, move_element, nest

__all__ = ["emit_scatter_elements", "emit_scatter_nd"]


def _updater(f: Function, itemsize: int, reduce: Expr | None) -> Callable[[Val, Val], None]:
    """What to do with the place of an element and that of its update."""
    if reduce is None:
        return lambda place, update: move_element(f, place, update, itemsize)
    dtype, combine = reduce.dtype, ScalarExpr(f, reduce)

    def update_element(place: Val, update: Val) -> None:
        made = combine(load_scalar(dtype, place), load_scalar(dtype, update))
        store_scalar(f, dtype, place, made)

    return update_element


def emit_scatter_elements(spec: ScatterElementsSpec, m: Module, target: Target) -> Function:
    """A loop for each dimension; each element has its own index."""
    f = kernel(m, spec.name)
    rank, width = spec.rank, spec.itemsize
    names = ["out", "updates", "indices", "size", "step"]
    names += [f"d{i}" for i in range(rank)] + [f"s{i}" for i in range(rank)]
    words = load_args(f, " ".join(names))
    out, updates, indices, size, step = words[:5]
    sizes, strides = words[5 : 5 + rank], words[5 + rank :]
    _, begin, end, _ = f.params
    update = _updater(f, width, spec.reduce)
    inner = f.let(begin)
    for d in sizes[1:]:
        f.set(inner, inner * d)
    q, at = f.let(updates + inner * width), f.let(indices + inner * spec.indices.itemsize)
    base, count = f.let(out + begin * strides[0]), f.let(end - begin)
    dims: list[Dim] = [(count, (strides[0],))]
    dims += [(sizes[d], (strides[d],)) for d in range(1, rank)]

    def element(p: Local) -> None:
        index = load_index(f, at, spec.indices, size)
        place = f.let(p + index * step)
        update(place, q)
        f.free(index, place)
        f.add_to(q, width)
        f.add_to(at, spec.indices.itemsize)

    nest(f, dims, (base,), element)
    return f


def emit_scatter_nd(spec: ScatterNDSpec, m: Module, target: Target) -> Function:
    """One row of the updates a turn, its place found from `depth` coordinates."""
    f = kernel(m, spec.name)
    names = ["out", "updates", "indices", "row"]
    names += [f"{kind}{i}" for i in range(spec.depth) for kind in ("size", "stride")]
    words = load_args(f, " ".join(names))
    out, updates, indices, nbytes = words[:4]
    axes = words[4:]
    _, begin, end, _ = f.params
    width = spec.indices.itemsize * spec.depth
    update = _updater(f, spec.itemsize, spec.reduce)
    q, at = f.let(updates + begin * nbytes), f.let(indices + begin * width)
    r, p, k = f.local(i32), f.local(i32), f.local(i32)
    with f.for_range(r, begin, end):
        f.set(p, out)
        for d in range(spec.depth):
            index = load_index(f, at + d * spec.indices.itemsize, spec.indices, axes[2 * d])
            f.add_to(p, index * axes[2 * d + 1])
            f.free(index)
        if spec.reduce is None:
            copy_bytes(f, p, q, nbytes)
        else:
            with f.for_range(k, 0, nbytes, spec.itemsize):
                update(p + k, q + k)
        f.add_to(q, nbytes)
        f.add_to(at, width)
    return f
