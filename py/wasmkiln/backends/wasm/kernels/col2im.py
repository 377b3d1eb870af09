"""out[pixel, c] = finish(sum over taps that fall on the pixel) (see program/kernels/col2im.py).

for each pixel of the output:
    list the addresses of the parts that fall on it
    for each group: for each vector of 4 channels: the sum over the list
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ....program.kernels.col2im import Col2ImSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel
from ..module import Module
from .finishing import Finisher
from .tile import columns_copy, word

__all__ = ["emit_col2im"]

HEAD = 2
TILE = 64  # bytes of a thread's room before its list: one vector of channels
_WORDS = (
    "parts scratch share groups channels pixel_step tap_step group_step "
    "id ih iw od oh ow kd kh kw sd sh sw dd dh dw pd ph pw"
)


def emit_col2im(spec: Col2ImSpec, m: Module, target: Target) -> Function:
    """One pixel after the other."""
    sums = _sums_function(m, target, spec)
    f = kernel(m, spec.name)
    _, begin, end, thread = f.params
    first = HEAD + len(spec.finish.operands)
    a = {name: f.let(word(f.params[0], first + i), name) for i, name in enumerate(_WORDS.split())}
    tile = f.let(a["scratch"] + thread * a["share"])
    out = f.let(word(f.params[0], 0) + begin * a["groups"] * a["channels"] * 4)
    at, column, group = f.local(i32, "at"), f.local(i32, "column"), f.local(i32, "group")
    with f.for_range(begin, begin, end):
        _list_taps(f, a, begin, tile + TILE, at)
        f.set(column, 0)
        with f.for_range(group, 0, a["groups"]):
            f.call(sums, f.params[0], tile, at, group * a["group_step"], out, a["channels"], column)
            f.add_to(out, a["channels"] * 4)
            f.add_to(column, a["channels"] * 4)
    return f


def _list_taps(f: Function, a: dict[str, Local], pixel: Local, to: w.Val, at: Local) -> None:
    """Write the addresses of a pixel's parts from `to` on; `at` is their end."""
    f.set(at, to)
    image = f.let(pixel)
    place: dict[str, Local] = {}
    for axis in "whd":
        place[axis] = f.let(image % a[f"o{axis}"])
        f.set(image, image // a[f"o{axis}"])
    base, tap = f.local(i32, "base"), f.local(i32, "tap")
    f.set(tap, 0)
    with (
        _taps(f, a, "d", place["d"], tap, a["kh"] * a["kw"]) as z,
        _taps(f, a, "h", place["h"], tap, a["kw"]) as y,
        _taps(f, a, "w", place["w"], tap, w.i32_const(1)) as x,
    ):
        f.set(base, ((image * a["id"] + z) * a["ih"] + y) * a["iw"] + x)
        f.i32_store(at, a["parts"] + base * a["pixel_step"] + tap * a["tap_step"])
        f.add_to(at, 4)
    f.free(image, base, tap, *place.values())


@contextmanager
def _taps(
    f: Function, a: dict[str, Local], axis: str, place: Local, tap: Local, inner: w.Val
) -> Iterator[Local]:
    """For each tap of an axis that reaches the pixel from a part: its coordinate.

    `tap` counts all taps passed, `inner` of them for each one of this axis.
    """
    k, source, reach = f.local(i32), f.local(i32), f.local(i32)
    start = f.let(tap)
    f.set(reach, place + a[f"p{axis}"])
    with f.for_range(k, 0, a[f"k{axis}"]):
        f.set(source, reach // a[f"s{axis}"])
        exact = (source * a[f"s{axis}"]).eq(reach)
        # Below zero, the quotient is too large to be a coordinate.
        with f.if_(exact & (source < a[f"i{axis}"]) & reach.ge_s(0)):
            f.set(tap, start + k * inner)
            yield source
        f.add_to(reach, -a[f"d{axis}"])
    f.free(k, source, reach, start)


def _sums_function(m: Module, target: Target, spec: Col2ImSpec) -> Function:
    """(args, tile, end, offset, out, channels, column): the sums of one pixel and group.

    The list lies from `tile` + TILE to `end`; `offset` is the group's place in the parts.
    """
    f = m.function(f"{spec.name}_pixel", (i32,) * 7)
    args, tile, end, offset, out, channels, column = f.params
    finisher = Finisher(f, target, spec.finish, args, HEAD)
    total, at = f.local(v128, "total"), f.local(i32, "at")
    with f.loop() as again:
        f.set(total, finisher.start(column))
        with f.for_range(at, tile + TILE, end, 4, signed=False):
            part = w.v128_load(w.i32_load(at) + offset, align=4)
            f.set(total, w.f32x4_add(total, part))
        last = channels.lt_s(4)
        f.v128_store(w.select(tile, out, last), finisher.apply(total, out, column))
        with f.if_(last):
            f.call(columns_copy(m), out, tile, 1, channels, 0)
        for pointer in (out, offset, column):
            f.add_to(pointer, 16)
        f.br_if(again, f.tee(channels, channels - 4).gt_s(0))
    return f
