"""target[i..] = source[i..] by strides; transposition by tiles; counting.

Arguments and ranges are described with the specifications in program/kernels/copy.py.
"""

from __future__ import annotations

from ....program.kernels.copy import CopySpec, IotaSpec, TransposeSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .movement import Dim, copy_bytes, load_element, move_element, nest, store_element

__all__ = ["emit_copy", "emit_iota", "emit_transpose", "transpose_tile"]


def emit_copy(spec: CopySpec, m: Module, target: Target) -> Function:
    """A loop for each dimension, around a run of elements."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    outer = spec.rank - 1
    names = ["target", "source"] + [f"d{i}" for i in range(spec.rank)]
    names += [f"{side}{i}" for i in range(outer) for side in "ts"]
    words = load_args(f, " ".join(names + ["step"] * (spec.inner == "s")))
    p, q = words[0], words[1]
    sizes, steps = words[2 : 2 + spec.rank], words[2 + spec.rank :]
    step = words[-1]
    if outer:
        f.add_to(p, begin * steps[0])
        f.add_to(q, begin * steps[1])
        length = sizes[-1]
    else:
        advance: Val | int = step if spec.inner == "s" else spec.itemsize * (spec.inner == "c")
        f.add_to(p, begin * spec.itemsize)
        f.add_to(q, begin * advance)
        length = f.let(end - begin)
    dims: list[Dim] = [
        (end - begin if d == 0 else sizes[d], steps[2 * d : 2 * d + 2]) for d in range(outer)
    ]
    nbytes = f.let(length * spec.itemsize)

    def row(p: Local, q: Local) -> None:
        if spec.inner == "c":
            copy_bytes(f, p, q, nbytes)
        elif spec.inner == "b":
            _repeat(f, p, load_element(q, spec.itemsize), nbytes, spec.itemsize)
        else:
            _pick(f, p, q, nbytes, step, spec.itemsize)

    if dims:
        count = f.let(dims[0][0])
        dims[0] = (count, dims[0][1])
    nest(f, dims, (p, q), row)
    return f


def _repeat(f: Function, p: Local, bits: Val, nbytes: Local, itemsize: int) -> None:
    """Fill a run of bytes with one element."""
    element = f.let(bits)
    splats = {1: w.i8x16_splat, 2: w.i16x8_splat, 4: w.i32x4_splat, 8: w.i64x2_splat}
    wide = f.let(element if itemsize == 16 else splats[itemsize](element))
    at = f.local(i32)
    with f.if_(nbytes >= 16):
        last = f.let(nbytes - 16)
        with f.for_range(at, 0, last, 16):
            f.v128_store(p + at, wide)
        f.v128_store(p + last, wide)  # overlaps what is there by whole elements
        f.free(last)
    with f.else_(), f.for_range(at, 0, nbytes, itemsize):
        store_element(f, p + at, element, itemsize)
    f.free(element, wide, at)


def _pick(f: Function, p: Local, q: Local, nbytes: Local, step: Local, itemsize: int) -> None:
    """Gather a run of elements that lie `step` bytes apart."""
    at, source = f.local(i32), f.let(q)
    with f.for_range(at, 0, nbytes, itemsize):
        move_element(f, p + at, source, itemsize)
        f.add_to(source, step)
    f.free(at, source)


def emit_transpose(spec: TransposeSpec, m: Module, target: Target) -> Function:
    """For each outer index: 16, then 4, then single indices m; along n by 4, then by 1."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    names = ["target", "source", "M", "N", "tm", "sn"]
    names += [f"{kind}{i}" for i in range(spec.outer) for kind in "dts"]
    words = load_args(f, " ".join(names))
    p, q, _, n, tm, sn = words[:6]
    outer = words[6:]
    f.add_to(p, begin * tm)
    f.add_to(q, begin * 4)
    dims: list[Dim] = [(outer[i], outer[i + 1 : i + 3]) for i in range(0, len(outer), 3)]
    count = f.let(end - begin)
    nest(f, dims, (p, q), lambda p, q: _transpose(f, p, q, count, n, tm, sn))
    return f


def _transpose(
    f: Function, p0: Local, q0: Local, count: Local, n: Local, tm: Local, sn: Local
) -> None:
    left, p, q = f.let(count), f.let(p0), f.let(q0)
    # A line of the source's cache holds 16 elements: all are used while it is there.
    for width in (16, 4):
        step = f.let(tm * width)
        with f.while_(left.ge_s(width)):
            _columns(f, p, q, n, tm, sn, width)
            f.add_to(p, step)
            f.add_to(q, 4 * width)
            f.add_to(left, -width)
        f.free(step)
    at, source = f.local(i32), f.local(i32)
    bytes_n = f.let(n << 2)
    with f.while_(left.gt_s(0)):
        f.set(source, q)
        with f.for_range(at, 0, bytes_n, 4):
            f.i32_store(p + at, w.i32_load(source))
            f.add_to(source, sn)
        f.add_to(p, tm)
        f.add_to(q, 4)
        f.add_to(left, -1)
    f.free(left, p, q, at, source, bytes_n)


def _columns(f: Function, p0: Local, q0: Local, n: Local, tm: Local, sn: Local, width: int) -> None:
    """Transpose `width` indices m and all n: read 4 rows of the source, write to `width` rows."""
    p, left = f.let(p0), f.let(n)
    sources = [f.let(q0)]
    for _ in range(3):
        sources.append(f.let(sources[-1] + sn))
    jump = f.let(sn << 2)
    with f.while_(left.ge_s(4)):
        row = f.let(p)
        for block in range(0, width, 4):
            rows = [w.v128_load(q, offset=4 * block, align=4) for q in sources]
            for v in transpose_tile(f, rows):
                f.v128_store(row, v)
                f.add_to(row, tm)
        f.free(row)
        f.add_to(p, 16)
        for q in sources:
            f.add_to(q, jump)
        f.add_to(left, -4)
    q = sources[0]
    with f.while_(left.gt_s(0)):
        row = f.let(p)
        for block in range(0, width, 4):
            v = f.let(w.v128_load(q, offset=4 * block, align=4))
            for lane in range(4):
                f.emit(w.v128_store32_lane(row, v, lane))
                f.add_to(row, tm)
            f.free(v)
        f.free(row)
        f.add_to(p, 4)
        f.add_to(q, sn)
        f.add_to(left, -1)
    f.free(p, left, jump, *sources)


def _lanes(*lanes: int) -> list[int]:
    """The byte lanes of a shuffle of four-byte lanes."""
    return [4 * lane + b for lane in lanes for b in range(4)]


def transpose_tile(f: Function, rows: list[Val]) -> list[Val]:
    """The transposed 4 x 4 tile."""
    a, b, c, d = (f.let(r) for r in rows)
    low, high = _lanes(0, 4, 1, 5), _lanes(2, 6, 3, 7)
    ab0, ab1 = f.let(w.i8x16_shuffle(a, b, low)), f.let(w.i8x16_shuffle(a, b, high))
    cd0, cd1 = f.let(w.i8x16_shuffle(c, d, low)), f.let(w.i8x16_shuffle(c, d, high))
    first, second = _lanes(0, 1, 4, 5), _lanes(2, 3, 6, 7)
    f.free(a, b, c, d, ab0, ab1, cd0, cd1)  # read again only in what is returned
    return [
        w.i8x16_shuffle(ab0, cd0, first),
        w.i8x16_shuffle(ab0, cd0, second),
        w.i8x16_shuffle(ab1, cd1, first),
        w.i8x16_shuffle(ab1, cd1, second),
    ]


def emit_iota(spec: IotaSpec, m: Module, target: Target) -> Function:
    """One i64 a turn."""
    f = kernel(m, spec.name)
    (p,) = load_args(f, "target")
    _, begin, end, _ = f.params
    i = f.local(i32)
    with f.for_range(i, begin, end):
        f.i64_store(p + (i << 3), w.i64_extend_i32_u(i))
    return f
