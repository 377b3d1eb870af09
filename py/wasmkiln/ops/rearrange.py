"""Operators that expand into views, transpositions and repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import MAX_INLINE, Const
from ..ir.dtype import I64
from ..ir.shape import Shape, broadcast, normalize_axis, numel, show
from ..ir.types import TensorType
from .base import Op, register
from .indexing import broadcast_strides, offsets, take
from .movement import ExpandTo, Transpose, View, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["expand_to"]


def expand_to(g: GraphBuilder, x: str, shape: Shape) -> str:
    """x broadcast to a shape of at least its rank."""
    old = g.shape(x)
    if len(old) < len(shape):
        x = g.add(View(shape=(1,) * (len(shape) - len(old)) + old), x)
    return x if g.shape(x) == shape else g.add(ExpandTo(shape=shape), x)


@register("Expand", since=8)
class Expand(Op):
    """x broadcast to what it and the given shape have in common."""

    moves_only = True

    def infer(self, x: TensorType, shape: TensorType) -> tuple[TensorType, ...]:
        """The common shape."""
        return (TensorType(x.dtype, broadcast(x.shape, constant_ints(shape, "the shape"))),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The repeated elements, if they are few."""
        x, shape = inputs
        assert x is not None and shape is not None
        to = broadcast(x.shape, shape.ints())
        if numel(to) > MAX_INLINE:
            return None
        return (take(x, to, offsets(to, broadcast_strides(x.shape, to))),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """An ExpandTo, or nothing where the shape stays."""
        x, shape = inputs
        return (expand_to(g, x, self.infer(g.type(x), g.type(shape))[0].shape),)


@register("Tile", since=6)
class Tile(Op):
    """x repeated as a whole, repeats[d] times along each dimension."""

    moves_only = True

    def infer(self, x: TensorType, repeats: TensorType) -> tuple[TensorType, ...]:
        """The products of sizes and repeats."""
        times = constant_ints(repeats, "the number of repeats")
        if len(times) != x.rank or min(times, default=0) < 0:
            raise ShapeError(f"repeats {times} do not suit {x}")
        return (TensorType(x.dtype, tuple(d * n for d, n in zip(x.shape, times, strict=True))),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Each repeated dimension gets one of size 1 before it, which expands."""
        x, repeats = inputs
        shape = g.shape(x)
        times = constant_ints(g.type(repeats), "the number of repeats")
        split: list[int] = []
        wide: list[int] = []
        for size, n in zip(shape, times, strict=True):
            if n != 1:
                split.append(1)
                wide.append(n)
            split.append(size)
            wide.append(size)
        out = self.infer(g.type(x), g.type(repeats))[0].shape
        if len(split) == len(shape):
            return (x,)
        return (
            g.add(View(shape=out), expand_to(g, g.add(View(shape=tuple(split)), x), tuple(wide))),
        )


@register("Tile", since=1)
class Tile1(Op):
    """x repeated along one axis, both given as numbers of x's own dtype."""

    def infer(self, x: TensorType, tiles: TensorType, axis: TensorType) -> tuple[TensorType, ...]:
        """The size along the axis times the number of repeats."""
        return Tile().infer(x, TensorType.of(self._repeats(x, tiles, axis)))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A newer Tile."""
        return (g.add(Tile(), inputs[0], g.const(self._repeats(*map(g.type, inputs)))),)

    @staticmethod
    def _repeats(x: TensorType, tiles: TensorType, axis: TensorType) -> Const:
        (times,) = constant_ints(tiles, "the number of repeats")
        (place,) = constant_ints(axis, "the axis")
        repeats = [1] * x.rank
        repeats[normalize_axis(place, x.rank)] = times
        return Const.of(I64, (x.rank,), repeats)


def _blocks(x: TensorType, blocksize: int) -> tuple[int, int, int, int]:
    if x.rank != 4 or blocksize < 1:
        raise ShapeError(f"{x} is not N, C, H, W, or blocksize {blocksize} is not positive")
    n, c, h, w = x.shape
    return n, c, h, w


class _DepthToSpace(Op):
    moves_only = True
    blocksize: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Channels become blocks of blocksize x blocksize pixels."""
        n, c, h, w = _blocks(x, self.blocksize)
        b = self.blocksize
        if c % (b * b):
            raise ShapeError(f"{c} channels can't make blocks of {b} x {b}")
        return (TensorType(x.dtype, (n, c // (b * b), h * b, w * b)),)

    def _expand(self, g: GraphBuilder, x: str, mode: str) -> tuple[str, ...]:
        n, c, h, w = g.shape(x)
        b = self.blocksize
        rest = c // (b * b)
        if mode == "DCR":
            parts, perm = (n, b, b, rest, h, w), (0, 3, 4, 1, 5, 2)
        elif mode == "CRD":
            parts, perm = (n, rest, b, b, h, w), (0, 1, 4, 2, 5, 3)
        else:
            raise UnsupportedOperatorError(f"mode {mode!r} is neither 'DCR' nor 'CRD'")
        moved = g.add(Transpose(perm=perm), g.add(View(shape=parts), x))
        return (g.add(View(shape=(n, rest, h * b, w * b)), moved),)


@register("DepthToSpace", since=1)
class DepthToSpace1(_DepthToSpace):
    """Groups of channels spread over blocks of pixels: depth, then column, then row."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A transposition of six dimensions."""
        (x,) = inputs
        return self._expand(g, x, "DCR")


@register("DepthToSpace", since=11)
class DepthToSpace(_DepthToSpace):
    """Groups of channels spread over blocks of pixels, in one of two orders."""

    mode: str = "DCR"

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A transposition of six dimensions."""
        (x,) = inputs
        return self._expand(g, x, self.mode)


@register("SpaceToDepth", since=1)
class SpaceToDepth(Op):
    """Blocks of pixels gathered into channels: block row, block column, then the old channel."""

    moves_only = True
    blocksize: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Blocks of blocksize x blocksize pixels become channels."""
        n, c, h, w = _blocks(x, self.blocksize)
        b = self.blocksize
        if h % b or w % b:
            raise ShapeError(f"{show(x.shape)} does not consist of blocks of {b} x {b}")
        return (TensorType(x.dtype, (n, c * b * b, h // b, w // b)),)

    def _expand(self, g: GraphBuilder, x: str, mode: str) -> tuple[str, ...]:
        n, c, h, w = g.shape(x)
        b = self.blocksize
        if mode not in ("DCR", "CRD"):
            raise UnsupportedOperatorError(f"mode {mode!r} is neither 'DCR' nor 'CRD'")
        perm = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
        parts = g.add(View(shape=(n, c, h // b, b, w // b, b)), x)
        moved = g.add(Transpose(perm=perm), parts)
        return (g.add(View(shape=(n, c * b * b, h // b, w // b)), moved),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A transposition of six dimensions."""
        (x,) = inputs
        return self._expand(g, x, "DCR")


@register("SpaceToDepth", since=28)
class SpaceToDepth28(SpaceToDepth):
    """SpaceToDepth with a choice of the channels' order."""

    mode: str = "DCR"

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A transposition of six dimensions."""
        (x,) = inputs
        return self._expand(g, x, self.mode)
