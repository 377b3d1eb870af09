"""Depthwise convolution, channels last (see program/kernels/depthwise.py).

for each block of channels, for each row of the output:
    for each tile of columns: for each vector of 4 channels:
        acc[columns] = bias; for each row of the window: acc += input columns * weights; store

A tile loads each input column once for all outputs that use it, and each weight once.
"""

from __future__ import annotations

from collections.abc import Callable

from ....program.kernels.depthwise import DepthwiseSpec, Tile
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, madd
from ..module import Module
from ..val import Val
from .finishing import Finisher
from .gemm import minimum
from .patches import maximum
from .tile import columns_copy, word

__all__ = ["Rows", "count_inside", "emit_depthwise", "first_inside", "tile_functions"]

HEAD = 2
_WORDS = "rows x w scratch share channels block ih iw oh ow kh kw sh sw dh dw ph pw"
TAIL_STEP = 32  # bytes from column to column of the tile that columns_copy reads


def emit_depthwise(spec: DepthwiseSpec, m: Module, target: Target) -> Function:
    """One row of a block of channels after the other."""
    tiles = tile_functions(m, target, spec) or [_any_function(m, target, spec)]
    f = kernel(m, spec.name)
    args, begin, end, _ = f.params
    d = Rows(f, spec, args)
    oh = d.args["oh"]
    block, row, left = f.local(i32, "block"), f.local(i32, "row"), f.local(i32, "left")
    with f.for_range(begin, begin, end):
        f.set(block, begin // d.args["rows"] * d.args["block"])
        f.set(row, begin % d.args["rows"])
        f.set(left, minimum(d.args["block"], d.args["channels"] - block))
        d.row(row // oh, row % oh, block, row)
        if spec.tiles:
            d.tiles(tiles, block, left)
        else:
            d.any(tiles[0], block, left)
    return f


def tile_functions(m: Module, target: Target, spec: DepthwiseSpec) -> list[Function]:
    """The functions for the tiles of a row, for `Rows.tiles`."""
    return [_tile_function(m, target, spec, tile) for tile in spec.tiles]


class Rows:
    """Row after row of the output, in a kernel whose depthwise words lie at `args`."""

    def __init__(self, f: Function, spec: DepthwiseSpec, args: Local) -> None:
        self.f, self.spec, self.words = f, spec, args
        self.first = HEAD + len(spec.finish.operands)
        self.args = {
            name: f.let(word(args, self.first + i), name) for i, name in enumerate(_WORDS.split())
        }
        self.counts = self.first + len(self.args)
        self.size, self.out_size = _sizes(spec)
        self.pixel = f.let(self.args["channels"] * self.size)
        self.out_pixel = f.let(self.args["channels"] * self.out_size)
        self.tail = f.let(self.args["scratch"] + f.params[3] * self.args["share"])
        self.source, self.out = f.local(i32, "source"), f.local(i32, "out")
        self.weights, self.taps = f.local(i32, "weights"), f.local(i32, "taps")
        self.top, self.skip = f.local(i32, "top"), f.local(i32, "skip")

    def row(self, image: Val, y: Val, block: Local, row: Local) -> None:
        """Set source, weights and taps to those rows of the window that lie inside the input.

        source: the row's first column.
        """
        f, a = self.f, self.args
        image = f.let(image)
        f.set(self.top, y * a["sh"] - a["ph"])
        f.set(self.skip, first_inside(self.top, a["dh"]))
        f.set(self.taps, count_inside(self.top, a["ih"], a["dh"], a["kh"], self.skip))
        start = image * a["ih"] + self.top + self.skip * a["dh"]
        f.set(self.source, a["x"] + start * a["iw"] * self.pixel + block * self.size)
        f.set(self.weights, a["w"] + (block * a["kh"] * a["kw"] + self.skip * a["kw"] * 4) * 4)
        out = w.i32_load(self.words) + row * a["ow"] * self.out_pixel
        f.set(self.out, out + block * self.out_size)
        f.free(image)

    def tiles(
        self, functions: list[Function], block: Local, left: Local, ring_end: Local | None = None
    ) -> None:
        """The tiles of a row, kind by kind."""
        f, a = self.f, self.args
        more = () if ring_end is None else (ring_end,)
        source, count = f.local(i32, "tile"), f.local(i32, "count")
        f.add_to(self.source, -(a["pw"] * self.pixel))
        first_end = len(functions) - self.spec.ends
        for i, ((n, pad, _), function) in enumerate(zip(self.spec.tiles, functions, strict=True)):
            if self.spec.ends and i == first_end:
                f.set(count, word(self.words, self.counts + len(functions)))
                f.add_to(self.source, -(count * self.spec.stride * self.pixel))
                f.add_to(self.out, -(count * self.out_pixel))
            f.set(count, word(self.words, self.counts + i))
            with f.while_(count):
                f.set(source, self.source + self.pixel * pad if pad else self.source)
                f.call(
                    function, self.words, source, self.weights, self.out, self.taps, left,
                    block * 4, self.tail, *more,
                )  # fmt: skip
                f.add_to(self.source, self.pixel * (n * self.spec.stride))
                f.add_to(self.out, self.out_pixel * n)
                f.add_to(count, -1)
        f.free(source, count)

    def any(self, function: Function, block: Local, left: Local) -> None:
        """Column by column, with those columns of the window that lie inside the input."""
        f, a = self.f, self.args
        x, skip, start = f.local(i32, "x"), f.local(i32, "skip_x"), f.local(i32, "start")
        with f.for_range(x, 0, a["ow"]):
            f.set(start, x * a["sw"] - a["pw"])
            f.set(skip, first_inside(start, a["dw"]))
            f.call(
                function, self.words, self.source + (start + skip * a["dw"]) * self.pixel,
                self.weights + skip * 16, self.out, self.taps, left, block * 4, self.tail,
                count_inside(start, a["iw"], a["dw"], a["kw"], skip),
            )  # fmt: skip
            f.add_to(self.out, self.out_pixel)


def _sizes(spec: DepthwiseSpec) -> tuple[int, int]:
    """Bytes of an element of the input and of the output."""
    return 2 if spec.integer else 4, spec.finish.result.itemsize


def first_inside(start: Local, step: Local) -> Val:
    """The first tap at a coordinate that is not negative: ceil(max(0, -start) / step)."""
    return (maximum(-start, w.i32_const(0)) + step - 1) // step


def count_inside(start: Local, size: Local, step: Local, taps: Local, first: Local) -> Val:
    """How many taps from `first` on lie below `size`; none if there is none."""
    end = minimum(taps, (maximum(size - start, w.i32_const(0)) + step - 1) // step)
    return maximum(end - first, w.i32_const(0))


class _Vectors:
    """(args, source, weights, out, taps, channels, column, tail[, columns or ring_end]): a tile.

    source: of the first column and row inside the input. taps: rows of the window inside it.
    ring_end: where the rows of a ring end, and go on with its first.
    column: the first channel, in bytes. The loop over vectors of channels is the same for all.
    """

    def __init__(self, m: Module, name: str, target: Target, spec: DepthwiseSpec, n: int) -> None:
        f = self.f = m.function(name, (i32,) * (9 if spec.ring or not spec.tiles else 8))
        self.spec, self.n = spec, n
        self.acc = [f.local(v128, f"acc{i}") for i in range(n)]
        args, self.source, self.weights, self.out, self.taps, self.channels = f.params[:6]
        self.column, self.tail = f.params[6:8]
        self.finisher = Finisher(f, target, spec.finish, args, HEAD)
        first = HEAD + len(spec.finish.operands)
        self.args = {name: word(args, first + i) for i, name in enumerate(_WORDS.split())}
        self.size, self.out_size = _sizes(spec)
        self.pixel = f.let(self.args["channels"] * self.size)
        self.out_pixel = f.let(self.args["channels"] * self.out_size)
        self.row_step = f.let(self.pixel * self.args["iw"] * self.args["dh"])
        self.ring_bytes = f.let(self.row_step * self.args["ih"]) if spec.ring else None
        self.weight_step = f.let(self.args["kh"] * self.args["kw"] * 16)
        self.p, self.q = f.local(i32, "p"), f.local(i32, "q")
        self.count, self.to = f.local(i32, "count"), f.local(i32, "to")
        self.to_step = f.local(i32, "to_step")

    def each(self, row: Callable[[], None]) -> Function:
        """The function, `row` emitting what a row of the window adds, with p and q at its start."""
        f = self.f
        with f.loop() as again:
            f.set(self.acc[0], self.finisher.start(self.column))
            for acc in self.acc[1:]:
                f.set(acc, self.acc[0])
            f.set(self.p, self.source)
            f.set(self.q, self.weights)
            f.set(self.count, self.taps)
            with f.while_(self.count):
                row()
                f.add_to(self.p, self.row_step)
                if self.ring_bytes is not None:
                    around = w.select(self.ring_bytes, w.i32_const(0), self.p >= f.params[8])
                    f.set(self.p, self.p - around)
                f.add_to(self.count, -1)
            self._store()
            f.add_to(self.source, 4 * self.size)
            f.add_to(self.out, 4 * self.out_size)
            f.add_to(self.column, 16)
            f.add_to(self.weights, self.weight_step)
            f.br_if(again, f.tee(self.channels, self.channels - 4).gt_s(0))
        return f

    def _store(self) -> None:
        """Whole vectors, or the channels that are left of the last one."""
        f = self.f
        last = self.channels.lt_s(4)
        f.set(self.to_step, w.select(w.i32_const(TAIL_STEP), self.out_pixel, last))
        self._start_columns()
        for acc in self.acc:
            value = self.finisher.light(acc, self.p, self.column)
            self.finisher.store(self.to, [value])
            self._next_column()
        if self.finisher.heavy:
            self._start_columns()
            with f.for_range(self.count, 0, self.n):
                value = self.finisher.apply(w.v128_load(self.to, align=4), self.p, self.column)
                f.v128_store(self.to, value)
                self._next_column()
        with f.if_(last):
            copy = columns_copy(f.module)
            f.call(copy, self.out, self.tail, self.n, self.channels, self.out_pixel)

    def _start_columns(self) -> None:
        """Point `to` where the tile's first column is stored, `p` where it belongs."""
        self.f.set(self.to, w.select(self.tail, self.out, self.channels.lt_s(4)))
        if self.finisher.follows_out:
            self.f.set(self.p, self.out)

    def _next_column(self) -> None:
        self.f.add_to(self.to, self.to_step)
        if self.finisher.follows_out:
            self.f.add_to(self.p, self.out_pixel)


def _load(spec: DepthwiseSpec, at: Local) -> Val:
    """Four channels as f32."""
    if spec.integer:
        return w.f32x4_convert_i32x4_s(w.v128_load16x4_s(at, align=2))
    return w.v128_load(at, align=4)


def _kind(spec: DepthwiseSpec) -> str:
    return "i16" if spec.integer else "f32"


def _tile_function(m: Module, target: Target, spec: DepthwiseSpec, tile: Tile) -> Function:
    n, left, right = tile
    shape = f"{spec.columns}s{spec.stride}{'_ring' if spec.ring else ''}_{n}l{left}r{right}"
    name = f"depthwise_tile_{_kind(spec)}_{shape}{spec.finish.tag}"

    def make() -> Function:
        v = _Vectors(m, name, target, spec, n)
        f = v.f
        weights = [f.local(v128, f"w{k}") for k in range(spec.columns)]
        x, at = f.local(v128, "x"), f.local(i32, "at")
        reach = (n - 1) * spec.stride + spec.columns

        def row() -> None:
            for k, weight in enumerate(weights):
                f.set(weight, w.v128_load(v.q, offset=16 * k))
            f.add_to(v.q, 16 * spec.columns)
            f.set(at, v.p)
            for column in range(left, reach - right):
                uses = [(i, column - i * spec.stride) for i in range(n)]
                uses = [(i, k) for i, k in uses if 0 <= k < spec.columns]
                if uses:
                    f.set(x, _load(spec, at))
                    for i, k in uses:
                        f.set(v.acc[i], madd(target, x, weights[k], v.acc[i]))
                f.add_to(at, v.pixel)

        return v.each(row)

    return m.once(name, make)


def _any_function(m: Module, target: Target, spec: DepthwiseSpec) -> Function:
    name = f"depthwise_tile_{_kind(spec)}_any{spec.finish.tag}"

    def make() -> Function:
        v = _Vectors(m, name, target, spec, 1)
        f = v.f
        columns = f.params[8]
        k, at, weight = (f.local(i32) for _ in range(3))
        step = f.let(v.args["dw"] * v.pixel)
        row_of_weights = f.let(v.args["kw"] * 16)

        def row() -> None:
            f.set(at, v.p)
            f.set(weight, v.q)
            f.set(k, columns)
            with f.while_(k):
                value = _load(spec, at)
                f.set(v.acc[0], madd(target, value, w.v128_load(weight), v.acc[0]))
                f.add_to(at, step)
                f.add_to(weight, 16)
                f.add_to(k, -1)
            f.add_to(v.q, row_of_weights)

        return v.each(row)

    return m.once(name, make)
