"""GridSample: an image read at given places, between its pixels, in any number of dimensions."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import I64
from ..ir.expr import Expr, arg, call, cast, clamp, const, select
from ..ir.types import TensorType
from ..record import record
from .base import Op, register
from .compose import apply, cast_to, reshape, transpose
from .gather import GatherND
from .movement import StridedSlice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

# The pixels around a place that each mode reads, counted from the one at or before it.
TAPS = {"nearest": (0,), "linear": (0, 1), "cubic": (-1, 0, 1, 2)}
OLD_NAMES = {"bilinear": "linear", "bicubic": "cubic"}
CUBIC = -0.75


@record
class _Tap:
    """One pixel along one axis, for each place: its index, its weight, whether it exists."""

    index: str
    weight: str
    exists: str


class _GridSample(Op):
    """What all versions share: x [N, C, ...], grid [N, ..., axes], from the last axis on."""

    align_corners: bool = False
    padding_mode: str = "zeros"
    mode: str = "linear"

    def infer(self, x: TensorType, grid: TensorType) -> tuple[TensorType, ...]:
        """The grid's places in each channel."""
        if self.padding_mode not in ("zeros", "border", "reflection"):
            raise UnsupportedOperatorError(f"padding_mode '{self.padding_mode}' is unknown")
        if self._mode() not in TAPS:
            raise UnsupportedOperatorError(f"mode '{self.mode}' is unknown")
        axes = x.rank - 2
        fits = (
            axes > 0
            and grid.rank == x.rank
            and grid.shape[-1] == axes
            and grid.shape[0] == x.shape[0]
        )
        if not fits or (0 in x.shape[2:] and 0 not in grid.shape):
            raise ShapeError(f"the grid {grid} does not fit {x}")
        if not x.dtype.is_float or not grid.dtype.is_float:
            raise UnsupportedOperatorError(f"{x.dtype} at places in {grid.dtype}")
        return (TensorType(x.dtype, (*x.shape[:2], *grid.shape[1:-1])),)

    def _mode(self) -> str:
        return OLD_NAMES.get(self.mode, self.mode)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A gathering of all channels for each pixel around, and their weighted sum."""
        x, grid = inputs
        batch, channels, *sizes = g.shape(x)
        places = g.shape(grid)[1:-1]
        count = prod(places)
        taps = []
        for axis, size in enumerate(sizes):
            last = len(sizes) - 1 - axis
            cut = StridedSlice(starts=(0, 0, last), steps=(1,) * 3, sizes=(batch, count, 1))
            flat = reshape(g, grid, (batch, count, len(sizes)))
            taps.append(self._taps(g, g.add(cut, flat), size))
        pixels = transpose(g, reshape(g, x, (batch, channels, prod(sizes))), (0, 2, 1))
        total = ""
        for chosen in product(*taps):
            index = chosen[0].index
            for tap, size in zip(chosen[1:], sizes[1:], strict=True):
                index = apply(g, arg(0, I64) * size + arg(1, I64), index, tap.index)
            value = g.add(GatherND(batch_dims=1), pixels, index)
            total = self._add(g, total, value, chosen)
        y = cast_to(g, transpose(g, total, (0, 2, 1)), g.type(x).dtype)
        return (reshape(g, y, (batch, channels, *places)),)

    def _add(self, g: GraphBuilder, total: str, value: str, taps: tuple[_Tap, ...]) -> str:
        """The sum so far, plus a pixel's value times the weights of all axes."""
        dtype = g.type(value).dtype
        operands, y = [value], arg(0, dtype)
        for tap in taps:
            if tap.exists:
                exists = arg(len(operands), g.type(tap.exists).dtype)
                y = select(call("ne", exists, 0.0), y, const(0, dtype))
                operands.append(tap.exists)
        for tap in taps:
            if tap.weight:
                y = y * cast(arg(len(operands), g.type(tap.weight).dtype), dtype)
                operands.append(tap.weight)
        if total:
            y = arg(len(operands), dtype) + y
            operands.append(total)
        return apply(g, y, *operands)

    def _taps(self, g: GraphBuilder, place: str, size: int) -> list[_Tap]:
        """What is read along one axis, for places from -1 to 1 in it."""
        n, mode = arg(0, g.type(place).dtype), self._mode()
        x = (n + 1.0) / 2.0 * (size - 1) if self.align_corners else ((n + 1.0) * size - 1.0) / 2.0
        x = call("round", x) if mode == "nearest" else x
        low, high = (0.0, size - 1.0) if self.align_corners else (-0.5, size - 0.5)
        place = apply(g, x, place)
        first = call("floor", n)
        out = []
        for offset in TAPS[mode]:
            index = pixel = first + float(offset)
            if self.padding_mode == "reflection":
                pixel = _reflected(index, low, high)
            safe = cast(clamp(pixel, 0.0, size - 1.0), I64)
            weight = "" if mode == "nearest" else apply(g, _weight(n - first, mode, offset), place)
            exists = ""
            if self.padding_mode == "zeros":
                inside = call("and", index >= 0.0, index <= size - 1.0)
                exists = apply(g, cast(inside, n.dtype), place)
            out.append(_Tap(apply(g, safe, place), weight, exists))
        return out


def _reflected(x: Expr, low: float, high: float) -> Expr:
    """The place inside of the borders that a mirror at each of them shows."""
    extent = high - low
    if not extent:
        return const(low, x.dtype)
    way = call("abs", x - low)
    times = call("floor", way / extent)
    rest = way - times * extent
    is_odd = call("ne", times - call("floor", times / 2.0) * 2.0, 0.0)
    inside = call("and", x >= low, x <= high)
    # Towards zero, as the reference evaluator converts it to an index.
    return call("trunc", select(inside, x, select(is_odd, high - rest, rest + low)))


def _weight(x: Expr, mode: str, offset: int) -> Expr:
    """The weight of a pixel, for a place that is x behind the first one, 0 <= x < 1."""
    if mode == "linear":
        return x if offset else 1.0 - x
    a = CUBIC
    t = {-1: x + 1.0, 0: x, 1: 1.0 - x, 2: 2.0 - x}[offset]
    if offset in (0, 1):
        return ((t * (a + 2)) - (a + 3)) * t * t + 1.0
    return ((t * a - 5 * a) * t + 8 * a) * t - 4 * a


@register("GridSample", since=16)
class GridSample16(_GridSample):
    """An image read at given places."""

    mode: str = "bilinear"


@register("GridSample", since=20)
class GridSample(_GridSample):
    """A tensor of any number of spatial axes read at given places."""
