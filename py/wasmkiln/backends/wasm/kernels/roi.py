"""Regions of images reduced to grids of bins (see program/kernels/roi.py).

for each bin: find its part of the region; for each place or pixel in it: for each channel: combine
"""

from __future__ import annotations

from collections.abc import Callable

from ....ir.dtype import F64, I64, DType
from ....program.kernels.gather import STATUS_ADDRESS
from ....program.kernels.roi import RoiAlignSpec, RoiPoolSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import f32, f64, i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Operand, Val
from .element import load_scalar, store_scalar
from .gather import load_index

__all__ = ["emit_roi_align", "emit_roi_pool"]


class _Real:
    """Scalar floats of a dtype."""

    def __init__(self, f: Function, dtype: DType) -> None:
        self.f, self.dtype, self.size = f, dtype, dtype.itemsize
        self.type = f64 if dtype == F64 else f32

    def op(self, name: str, *operands: Operand) -> Val:
        """An instruction of the type."""
        function: Callable[..., Val] = getattr(w, f"{self.type}_{name}")
        return function(*operands)

    def of(self, n: Val) -> Val:
        """The float of an i32."""
        return self.op("convert_i32_s", n)

    def whole(self, x: Val) -> Val:
        """The i32 of a float, saturating."""
        truncate: Callable[[Val], Val] = getattr(w, f"i32_trunc_sat_{self.type}_s")
        return truncate(x)

    def word(self, x: Local) -> Local:
        """An f32 argument in the type."""
        return self.f.let(w.f64_promote_f32(x)) if self.dtype == F64 else x

    def load(self, address: Operand) -> Val:
        """An element."""
        return load_scalar(self.dtype, address)

    def store(self, address: Operand, value: Val) -> None:
        """Store an element."""
        store_scalar(self.f, self.dtype, address, value)


def _arguments(f: Function, names: str) -> dict[str, Local]:
    """The argument words by name."""
    plain = (name.partition(":")[0] for name in names.split())
    return dict(zip(plain, load_args(f, names), strict=True))


class _Bin:
    """The bin that a unit of the range stands for: its region, row, column and place in out."""

    def __init__(self, f: Function, unit: Local, a: dict[str, Local], size: int) -> None:
        rows, columns, channels = a["rows"], a["columns"], a["channels"]
        self.bins = f.let(rows * columns)
        self.roi = f.let(unit // self.bins)
        rest = f.let(unit % self.bins)
        self.row, self.column = f.let(rest // columns), f.let(rest % columns)
        self.out = f.let(a["out"] + (self.roi * channels * self.bins + rest) * size)
        self.locals = (self.bins, self.roi, rest, self.row, self.column, self.out)


def emit_roi_align(spec: RoiAlignSpec, m: Module, target: Target) -> Function:
    """One bin after the other."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    a = _arguments(
        f,
        "out x rois batches images channels height width rows columns samples scale:f32 offset:f32",
    )
    n = _Real(f, spec.dtype)
    edges = n.word(a["scale"]), n.word(a["offset"])
    iy, ix, count = f.local(i32), f.local(i32), f.local(i32)
    add = _sample_function(m, spec, n)
    with f.for_range(begin, begin, end):
        b = _Bin(f, begin, a, n.size)
        image = load_index(f, a["batches"] + b.roi * 8, I64, a["images"])
        plane = f.let(a["height"] * a["width"] * n.size)
        source = f.let(a["x"] + image * a["channels"] * plane)
        rows = _samples(f, n, spec, a, b, *edges, is_column=False)
        columns = _samples(f, n, spec, a, b, *edges, is_column=True)
        f.set(count, 0)
        _clear(f, n, b, a["channels"])
        with f.for_range(iy, 0, rows[0]), f.for_range(ix, 0, columns[0]):
            y, x = (
                start + (n.of(i) + 0.5) * step
                for i, (_, start, step) in ((iy, rows), (ix, columns))
            )
            sizes = (a["height"], a["width"], a["channels"])
            f.call(add, b.out, source, y, x, *sizes, plane, b.bins, count)
            f.add_to(count, 1)
        if not spec.greatest:
            _divide(f, n, b, a["channels"], count)
        f.free(image, plane, source, *rows, *columns, *b.locals)
    return f


def _samples(
    f: Function,
    n: _Real,
    spec: RoiAlignSpec,
    a: dict[str, Local],
    b: _Bin,
    scale: Local,
    offset: Local,
    is_column: bool,
) -> tuple[Local, Local, Local]:
    """How many places of a bin lie along an axis, where the bin begins, and their distance."""
    parts, part = (a["columns"], b.column) if is_column else (a["rows"], b.row)
    corner = a["rois"] + b.roi * (4 * n.size)
    low, high = (n.load(corner + (2 * i + 1 - is_column) * n.size) for i in (0, 1))
    first = f.let(low * scale - offset)
    extent = f.let(high * scale - offset - first)
    if spec.at_least_one:
        f.set(extent, n.op("max", extent, 1.0))
    f.set(extent, extent / n.of(parts))
    count = f.let(n.whole(n.op("ceil", extent)))
    with f.if_(a["samples"]):
        f.set(count, a["samples"])
    f.set(first, first + n.of(part) * extent)
    f.set(extent, extent / n.of(count))
    return count, first, extent


def _clear(f: Function, n: _Real, b: _Bin, channels: Local) -> None:
    c, p = f.local(i32), f.let(b.out)
    with f.for_range(c, 0, channels):
        n.store(p, n.op("const", 0.0))
        f.add_to(p, b.bins * n.size)
    f.free(c, p)


def _divide(f: Function, n: _Real, b: _Bin, channels: Local, count: Local) -> None:
    with f.if_(count.gt_s(1)):
        c, p = f.local(i32), f.let(b.out)
        divisor = f.let(n.of(count))
        with f.for_range(c, 0, channels):
            n.store(p, n.load(p) / divisor)
            f.add_to(p, b.bins * n.size)
        f.free(c, p, divisor)


def _sample_function(m: Module, spec: RoiAlignSpec, outer: _Real) -> Function:
    """(out, image, y, x, height, width, channels, plane, bins, count): one place, all channels."""
    params = (i32, i32, outer.type, outer.type, *(i32,) * 6)
    f = m.function(f"{spec.name}_sample", params)
    out, image, y, x, height, width, channels, plane, bins, count = f.params
    n = _Real(f, spec.dtype)
    inside = f.let((y >= -1.0) & (y <= n.of(height)) & (x >= -1.0) & (x <= n.of(width)))
    rows, columns = _neighbours(f, n, y, height), _neighbours(f, n, x, width)
    corners = []
    for row, share in rows:
        for column, part in columns:
            weight = w.select(share * part, n.op("const", 0.0), inside)
            corners.append((f.let((row * width + column) * n.size), f.let(weight)))
    c, found, before = f.local(i32), f.local(n.type), f.local(n.type)
    with f.for_range(c, 0, channels):
        values = [weight * n.load(image + at) for at, weight in corners]
        if spec.greatest:
            # The greatest of the four weighted pixels, not of their sums: so ONNX has it.
            f.set(found, n.op("max", n.op("max", *values[:2]), n.op("max", *values[2:])))
            f.set(before, n.load(out))
            n.store(out, w.select(n.op("max", found, before), found, count))
        else:
            n.store(out, n.load(out) + (values[0] + values[1] + values[2] + values[3]))
        f.add_to(out, bins * n.size)
        f.add_to(image, plane)
    return f


def _neighbours(f: Function, n: _Real, at: Local, size: Local) -> list[tuple[Local, Local]]:
    """The pixels before and behind a place, and their shares; both are the last one at the end."""
    place = f.let(n.op("max", at, 0.0))
    last = f.let(size - 1)
    low = f.let(n.whole(place))
    with f.if_(low.ge_s(last)):
        f.set(low, last)
        f.set(place, n.of(last))
    high = f.let(w.select(low + 1, last, low.lt_s(last)))
    share = f.let(place - n.of(low))
    return [(low, f.let(n.op("const", 1.0) - share)), (high, share)]


def emit_roi_pool(spec: RoiPoolSpec, m: Module, target: Target) -> Function:
    """One bin after the other."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    a = _arguments(f, "out x rois images channels height width rows columns scale:f32")
    n = _Real(f, spec.dtype)
    scale = n.word(a["scale"])
    iy, ix, c = f.local(i32), f.local(i32), f.local(i32)
    best, p, at = f.local(n.type), f.local(i32), f.local(i32)
    with f.for_range(begin, begin, end):
        b = _Bin(f, begin, a, n.size)
        place = f.let(a["rois"] + b.roi * (5 * n.size))
        image = f.let(n.whole(n.load(place)))
        with f.if_(image >= a["images"]):
            f.i32_store(w.i32_const(STATUS_ADDRESS), 1)
            f.set(image, 0)
        y = _span(f, n, place + n.size, b.row, a["rows"], a["height"], scale)
        x = _span(f, n, place, b.column, a["columns"], a["width"], scale)
        f.set(p, b.out)
        f.set(at, a["x"] + image * a["channels"] * a["height"] * a["width"] * n.size)
        with f.for_range(c, 0, a["channels"]):
            f.set(best, n.op("const", float("-inf")))
            with f.for_range(iy, y[0], y[1]), f.for_range(ix, x[0], x[1]):
                pixel = n.load(at + (iy * a["width"] + ix) * n.size)
                f.set(best, n.op("max", best, pixel))
            empty = y[0].ge_s(y[1]) | x[0].ge_s(x[1])
            n.store(p, w.select(n.op("const", 0.0), best, empty))
            f.add_to(p, b.bins * n.size)
            f.add_to(at, a["height"] * a["width"] * n.size)
        f.free(place, image, *y, *x, *b.locals)
    return f


def _span(
    f: Function, n: _Real, place: Val, part: Local, parts: Local, size: Local, scale: Local
) -> tuple[Local, Local]:
    """The first pixel of a bin along an axis, and the first one behind it, within the image."""
    first, last = (_rounded(f, n, n.load(place + i * n.size) * scale) for i in (1, 3))
    extent = f.let(last - first + 1)
    with f.if_(extent.lt_s(1)):
        f.set(extent, 1)
    step = f.let(n.of(extent) / n.of(parts))
    ends = []
    for name, index in (("floor", part), ("ceil", part + 1)):
        edge = f.let(n.whole(n.op(name, n.of(index) * step)) + first)
        with f.if_(edge.lt_s(0)):
            f.set(edge, 0)
        with f.if_(edge.gt_s(size)):
            f.set(edge, size)
        ends.append(edge)
    f.free(first, last, extent, step)
    return ends[0], ends[1]


def _rounded(f: Function, n: _Real, x: Val) -> Local:
    """The nearest i32, halves away from zero."""
    kept = f.let(x)
    half = n.op("copysign", n.op("const", 0.5), kept)
    made = f.let(n.whole(kept + half))
    f.free(kept)
    return made
