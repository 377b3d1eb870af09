"""3 by 3 convolution after Winograd, by blocks of tiles (see program/kernels/winograd.py).

for each block of tiles of the output:
    input transform of each tile's patch
    for each of the side * side values: the product of the block with the filters (tile.py)
    output transform of each tile, and the finish

What a block needs stays in the nearer caches; the filters pass by once for each block.
"""

from __future__ import annotations

from ....program.kernels.finish import Finish
from ....program.kernels.gemm import HEAD_WORDS
from ....program.kernels.winograd import REACH, SQUARE_BYTES, WinogradSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel
from ..module import Module
from ..val import Val
from .gemm import minimum
from .tile import K_WORD, OUT_STEP_WORD, PANEL_BYTES, rows_function, word
from .winograd_steps import input_function, output_function

__all__ = ["emit_winograd"]

_WORDS = (
    "x u tiles panels block by_panels scratch share square_at v_at m_at v_step m_step "
    "ih iw oh ow ph pw th tw pixel_step"
)


def emit_winograd(spec: WinogradSpec, m: Module, target: Target) -> Function:
    """Blocks of tiles, each with all panels of the range."""
    patch, tile = _patch(spec, m, target), _tile(spec, m, target)
    products = _products(spec, m, target)
    f = kernel(m, spec.name)
    args, begin, end, thread = f.params
    a = _words(f, spec, args, _WORDS)
    zero = w.i32_const(0)
    room = f.let(a["scratch"] + thread * a["share"])
    v, sums = f.let(room + a["v_at"]), f.let(room + a["m_at"])
    first = f.let(w.select(begin, zero, a["by_panels"]))
    count = f.let(w.select(end, a["panels"], a["by_panels"]) - first)
    at = f.let(w.select(zero, begin, a["by_panels"]))
    stop = f.let(w.select(a["tiles"], end, a["by_panels"]))
    left, i = f.local(i32, "left"), f.local(i32, "i")
    pixel, out_pixel = f.let(word(args, K_WORD) * 4), f.let(word(args, OUT_STEP_WORD))
    with f.for_range(i, 0, pixel, 16):
        f.v128_store(room + i, w.f32x4_const(0))
    with f.for_range(at, at, stop, a["block"]):
        f.set(left, minimum(a["block"], stop - at))
        with f.for_range(i, 0, left):
            f.call(patch, args, room, at + i, v + i * pixel)
        f.call(products, args, v, sums, first, count, left)
        with f.for_range(i, 0, left):
            f.call(tile, args, room, at + i, sums + i * out_pixel, first, count)
    return f


def _words(f: Function, spec: WinogradSpec, args: Val, names: str) -> dict[str, Local]:
    """The kernel's own words, by name."""
    first = HEAD_WORDS + len(spec.finish.operands)
    places = {name: first + i for i, name in enumerate(_WORDS.split())}
    return {name: f.let(word(args, places[name]), name) for name in names.split()}


def _products(spec: WinogradSpec, m: Module, target: Target) -> Function:
    """(args, v, sums, first, count, rows): `count` panels of all the products of a block."""
    rows = rows_function(m, target, Finish())
    f = m.function(f"{spec.name}_products", (i32,) * 6)
    args, v, sums, first, count, left = f.params
    a = _words(f, spec, args, "u panels v_step m_step")
    panel_bytes = f.let(word(args, K_WORD) * PANEL_BYTES)
    zero = f.let(0)
    f.add_to(a["u"], first * panel_bytes)
    f.add_to(sums, first * PANEL_BYTES)
    matrix = f.let(a["panels"] * panel_bytes)
    k, q = f.local(i32, "k"), f.local(i32, "q")
    b, out = f.local(i32, "b"), f.local(i32, "out")
    with f.for_range(k, 0, (spec.size + REACH) ** 2):
        f.set(b, a["u"])
        f.set(out, sums)
        with f.for_range(q, 0, count):
            ahead = b + w.select(panel_bytes, zero, (q + 1).lt_s(count))
            f.call(rows, args, v, b, out, zero, left, zero, ahead)
            f.add_to(b, panel_bytes)
            f.add_to(out, PANEL_BYTES)
        f.add_to(v, a["v_step"])
        f.add_to(sums, a["m_step"])
        f.add_to(a["u"], matrix)
    return f


class _Place:
    """Where a tile of the output begins: its image, and its first row and column."""

    def __init__(self, f: Function, spec: WinogradSpec, a: dict[str, Local], tile: Local) -> None:
        line = f.let(tile // a["tw"])
        self.x = f.let((tile - line * a["tw"]) * spec.size)
        self.image = f.let(line // a["th"])
        self.y = f.let((line - self.image * a["th"]) * spec.size)


def _patch(spec: WinogradSpec, m: Module, target: Target) -> Function:
    """(args, room, tile, v): the input transform of a tile; outside the map are zeros."""
    side = spec.size + REACH
    transform = input_function(m, target, spec.size)
    f = m.function(f"{spec.name}_patch", (i32,) * 4)
    args, room, tile, v = f.params
    a = _words(f, spec, args, "x square_at v_step ih iw ph pw th tw")
    place = _Place(f, spec, a, tile)
    pixel = f.let(word(args, K_WORD) * 4)
    f.set(place.y, place.y - a["ph"])
    f.set(place.x, place.x - a["pw"])
    f.add_to(a["x"], place.image * (a["ih"] * a["iw"] * pixel))
    rows = [f.let(a["x"] + (place.y + j) * a["iw"] * pixel) for j in range(side)]
    inside = [f.let(place.y + j < a["ih"]) for j in range(side)]
    square, i, right = f.let(room + a["square_at"]), f.local(i32, "i"), f.local(i32, "right")
    table = f.let(square + SQUARE_BYTES)
    with f.for_range(i, place.x, place.x + side):
        f.set(right, i < a["iw"])
        for j, (row, ok) in enumerate(zip(rows, inside, strict=True)):
            f.i32_store(table, w.select(row + i * pixel, room, ok & right), offset=4 * j)
        f.add_to(table, 4 * side)
    f.call(transform, square, v, a["v_step"], pixel)
    return f


def _tile(spec: WinogradSpec, m: Module, target: Target) -> Function:
    """(args, room, tile, sums, first, count): the output transform of a tile, to some panels."""
    size = spec.size
    transform = output_function(m, target, size, spec.finish)
    f = m.function(f"{spec.name}_tile", (i32,) * 6)
    args, room, tile, sums, first, count = f.params
    a = _words(f, spec, args, "square_at m_step oh ow th tw pixel_step")
    place = _Place(f, spec, a, tile)
    pixel = a["pixel_step"]
    column, nbytes = f.let(first * PANEL_BYTES), f.let(count * PANEL_BYTES)
    across = f.let(a["ow"] - place.x)
    out = f.let((place.image * a["oh"] + place.y) * a["ow"] + place.x)
    f.set(out, word(args, 0) + out * pixel + column)
    targets = [out]
    for j in range(1, size):
        targets.append(f.let(out + w.select(pixel * j, w.i32_const(0), across.gt_s(j))))
    f.call(
        transform, args, room + a["square_at"], sums + column, a["m_step"],
        minimum(a["oh"] - place.y, w.i32_const(size)), a["ow"] * pixel, *targets, column, nbytes,
    )  # fmt: skip
    return f
