"""The patches of a block of output pixels: as pointers to taps, or copied to rows.

Both functions are (geometry, to, first, count): geometry is the address of ConvSpec's words from
`x` on, `to` where pointers or rows go, first and count the block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..module import Module
from ..val import Val
from .gemm import minimum
from .tile import word

__all__ = ["patches_function", "pointers_function"]

_X, _ZERO, _BLOCK, _PIXEL, _SIZES = 0, 2, 5, 10, 12


def pointers_function(m: Module) -> Function:
    """to[tap][i]: the address of pixel i's tap; of zeros in the padding."""

    def make() -> Function:
        f = m.function("conv_pointers", (i32,) * 4)
        to = f.params[1]
        walk = _Walk(f)
        block = f.let(word(f.params[0], _BLOCK) * 4)
        zero = f.let(word(f.params[0], _ZERO))
        at, ix, k = f.local(i32, "at"), f.local(i32, "ix"), f.local(i32, "k")
        with walk.pixels():
            f.set(at, to)
            with walk.rows():
                f.set(ix, walk.start["w"])
                with f.for_range(k, 0, walk.geo["kw"]):
                    inside = walk.inside & (ix < walk.geo["iw"])
                    f.i32_store(at, w.select(walk.row + ix * walk.pixel, zero, inside))
                    f.add_to(at, block)
                    f.add_to(ix, walk.geo["dw"])
            f.add_to(to, 4)
        return f

    return m.once("conv_pointers", make)


def patches_function(m: Module) -> Function:
    """to[i][K]: pixel i's patch; the window's columns are neighbours in the input.

    Whole vectors are copied: what is written too much is written again by what follows.
    """

    def make() -> Function:
        f = m.function("conv_patches", (i32,) * 4)
        walk = _Walk(f)
        low, high = f.local(i32, "low"), f.local(i32, "high")
        width, columns = walk.geo["iw"], walk.geo["kw"]
        start = walk.start["w"]
        with walk.pixels(), walk.unless_inside(), walk.rows():
            f.set(low, minimum(columns, maximum(-start, w.i32_const(0))))
            f.set(high, maximum(low, minimum(columns, width - start)))
            f.set(low, w.select(low, columns, walk.inside))
            f.set(high, w.select(high, columns, walk.inside))
            _fill(f, None, low * walk.pixel)
            _fill(f, walk.row + (start + low) * walk.pixel, (high - low) * walk.pixel)
            _fill(f, None, (columns - high) * walk.pixel)
        return f

    return m.once("conv_patches", make)


def maximum(a: Val, b: Val) -> Val:
    """The larger of two signed integers; both operands are evaluated twice."""
    return w.select(a, b, a.gt_s(b))


def _fill(f: Function, source: Val | None, nbytes: Val) -> None:
    """Copy bytes to parameter 1, or zeros, and advance it."""
    to = f.params[1]
    end = f.let(to + nbytes)
    at = f.let(source) if source is not None else None
    with f.while_(to < end):
        value = w.v128_load(at, align=4) if at is not None else w.f32x4_const(0)
        f.v128_store(to, value)
        f.add_to(to, 16)
        if at is not None:
            f.add_to(at, 16)
    f.set(to, end)
    f.free(end)
    if at is not None:
        f.free(at)


class _Walk:
    """Loops over output pixels, and over the rows of each pixel's window.

    geo: input, output, kernel, stride, dilation and padding sizes by letter and axis, as in `sw`.
    start: the window's first coordinates, `last` those at which it would leave the input.
    row, inside: a row of the window and whether it exists. run: bytes of a row of the window.
    """

    def __init__(self, f: Function) -> None:
        self.f = f
        geometry, _, first, self.count = f.params
        names = [kind + axis for kind in "ioksdp" for axis in "dhw"]
        self.geo = {name: f.let(word(geometry, _SIZES + i), name) for i, name in enumerate(names)}
        self.pixel = f.let(word(geometry, _PIXEL))
        self.x = f.let(word(geometry, _X))
        self.run = f.let(self.geo["kw"] * self.pixel)
        self.row_step = f.let(self.geo["iw"] * self.pixel * self.geo["dh"])
        self.plane_step = f.let(self.geo["iw"] * self.pixel * self.geo["ih"] * self.geo["dd"])
        self.last = {
            axis: f.let(self.geo[f"i{axis}"] - (self.geo[f"k{axis}"] - 1) * self.geo[f"d{axis}"])
            for axis in "dhw"
        }
        self.image = f.let(first)
        self.at: dict[str, Local] = {}
        for axis in "whd":
            self.at[axis] = f.let(self.image % self.geo[f"o{axis}"])
            f.set(self.image, self.image // self.geo[f"o{axis}"])
        self.start = {axis: f.local(i32, f"start_{axis}") for axis in "dhw"}
        self.row, self.inside = f.local(i32, "row"), f.local(i32, "inside")

    @contextmanager
    def pixels(self) -> Iterator[None]:
        """For each pixel of the block."""
        f, geo = self.f, self.geo
        with f.loop() as again:
            for axis, start in self.start.items():
                f.set(start, self.at[axis] * geo[f"s{axis}"] - geo[f"p{axis}"])
            yield
            f.add_to(self.at["w"], 1)
            with f.if_(self.at["w"].eq(geo["ow"])):
                self._next_row()
            f.br_if(again, f.tee(self.count, self.count - 1))

    def _next_row(self) -> None:
        f = self.f
        f.set(self.at["w"], 0)
        f.add_to(self.at["h"], 1)
        with f.if_(self.at["h"].eq(self.geo["oh"])):
            f.set(self.at["h"], 0)
            f.add_to(self.at["d"], 1)
            with f.if_(self.at["d"].eq(self.geo["od"])):
                f.set(self.at["d"], 0)
                f.add_to(self.image, 1)

    @contextmanager
    def unless_inside(self) -> Iterator[None]:
        """For a pixel whose window reaches into padding; copy the rows of all others, which is most
        pixels, without asking at each row.
        """
        f, geo = self.f, self.geo
        plane, row, kz, ky = (f.local(i32) for _ in range(4))
        inside, at = w.i32_const(1), self.image + 0
        for axis, start in self.start.items():
            inside = inside & start.ge_s(0) & start.lt_s(self.last[axis])
            at = at * geo[f"i{axis}"] + start
        with f.if_(inside):
            f.set(plane, self.x + at * self.pixel)
            with f.for_range(kz, 0, geo["kd"]):
                f.set(row, plane)
                with f.for_range(ky, 0, geo["kh"]):
                    _fill(f, row, self.run)
                    f.add_to(row, self.row_step)
                f.add_to(plane, self.plane_step)
        with f.else_():
            yield

    @contextmanager
    def rows(self) -> Iterator[None]:
        """For each row of the window at a pixel: `row` and `inside` are set."""
        f, geo = self.f, self.geo
        kz, ky = f.local(i32, "kz"), f.local(i32, "ky")
        z, y, plane = f.local(i32, "z"), f.local(i32, "y"), f.local(i32, "plane")
        f.set(z, self.start["d"])
        with f.for_range(kz, 0, geo["kd"]):
            f.set(plane, (self.image * geo["id"] + z) * geo["ih"])
            f.set(y, self.start["h"])
            with f.for_range(ky, 0, geo["kh"]):
                f.set(self.inside, (z < geo["id"]) & (y < geo["ih"]))
                f.set(self.row, self.x + (plane + y) * geo["iw"] * self.pixel)
                yield
                f.add_to(y, geo["dh"])
            f.add_to(z, geo["dd"])
