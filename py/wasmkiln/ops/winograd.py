"""Winograd's 3 by 3 convolution: the internal operators Winograd and WinogradFilters."""

from __future__ import annotations

from ..ir.dtype import F32
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.gemm import MR, NR
from ..program.kernels.winograd import REACH, TRANSFORM_BYTES, WinogradFiltersSpec, WinogradSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .epilogue import finish_of, in_place_pairs, operand_words, split_inputs, stands_alone
from .packed import MAC_GRAIN
from .pool import Axis

__all__ = ["Winograd", "WinogradFilters"]


# Bytes of a block of tiles, transformed and multiplied: what level 2 holds, or else so many that
# the filters, which pass by for each block, do so rarely.
BLOCKS_BYTES = 512 << 10, 2 << 20

# What it takes to fetch a byte of a block that level 2 doesn't hold, for each of the filters.
FAR_BYTE = 1.5

# Channels of panels of filters worth giving to a thread.
PANEL_GRAIN = 256


@register("Winograd", domain=INTERNAL)
class Winograd(Op):
    """finish(conv(x, w) + bias): x [N, H, W, C], u [side * side, P, C, NR] (WinogradFilters).

    size: of a tile of the output along both axes, 2 or 4; side: size + 2.
    """

    axes: tuple[Axis, Axis]
    n: int
    size: int = 4
    bias: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, x: TensorType, u: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """[N, positions..., filters]."""
        height, width = self.axes
        return (TensorType(F32, (x.shape[0], height.out, width.out, self.n)),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """Those of the convolution by its definition, so that speeds can be compared."""
        return outputs[0].size * 9 * (inputs[0].shape[-1] if inputs[0] else 0)

    def writes_apart(self, out: TensorType, *inputs: TensorType | None) -> bool:
        """Unless an operand has the output's shape."""
        return stands_alone(out, inputs[len(inputs) - self.n_extra :])

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One kernel over all tiles or all panels."""
        (x, u, bias), extras = split_inputs(inputs, self.n_extra, 3)
        (out,) = outputs
        assert x is not None and u is not None
        height, width = self.axes
        channels, panels, side = x.type.shape[3], u.type.shape[1], (self.size + REACH) ** 2
        down, across = -(-height.out // self.size), -(-width.out // self.size)
        tiles = x.type.shape[0] * down * across
        by_panels = _split_by_panels(tiles, self.n, lw.threads)
        own = tiles if by_panels else -(-tiles // lw.threads)
        block = _block(own, 4 * side * (channels + self.n), u.type.nbytes)
        # 64 bytes between the matrices, or they would compete for the same lines of a cache.
        v_step, m_step = 4 * block * channels + 64, 4 * block * self.n + 64
        square_at = -(-4 * channels // 64) * 64
        v_at = -(-(square_at + TRANSFORM_BYTES) // 64) * 64
        m_at = v_at + side * v_step
        scratch, share = lw.scratch(m_at + side * m_step)
        spec = WinogradSpec(self.size, finish_of(self.bias, self.epilogue, out.type, extras))
        args: list[Word] = [lw.write(out), lw.read(bias) if bias else 0]
        args += [channels, 4 * channels, 4 * self.n, self.n, 0, 0, *operand_words(lw, extras)]
        args += [lw.read(x), lw.read(u), tiles, panels, block, int(by_panels)]
        args += [scratch, share, square_at, v_at, m_at, v_step, m_step]
        args += [height.size, width.size, height.out, width.out]
        args += [height.begin, width.begin, down, across, out.pitch or 4 * self.n]
        work = side * channels * (tiles * NR if by_panels else self.n)
        pairs = in_place_pairs(out, (x, u, bias), extras)
        extent, unit = (panels, 1) if by_panels else (tiles, MR)
        lw.call(spec, args, extent, -(-MAC_GRAIN // work), pairs, unit)


def _split_by_panels(tiles: int, filters: int, threads: int) -> bool:
    """Whether threads share the filters, so that each fetches only some, but transforms all input.

    They do where there are few tiles: then filters take longer to fetch than inputs to transform,
    and shares of tiles would be uneven.
    """
    return threads > 1 and tiles < max(MR * threads, filters * 2 // 3)


def _block(tiles: int, tile_bytes: int, filter_bytes: int) -> int:
    """Tiles of a block: blocks are of nearly equal size, in whole tiles of the products' rows."""
    best, chosen = float("inf"), tiles
    for most, far in zip(BLOCKS_BYTES, (0, FAR_BYTE), strict=True):
        blocks = -(-tiles // max(MR, most // tile_bytes))
        # A block is written, read, written again as products, and read.
        cost = blocks * filter_bytes + 2 * far * tiles * tile_bytes
        if cost < best:
            best, chosen = cost, min(tiles, -(-tiles // (blocks * MR)) * MR)
    return chosen


@register("WinogradFilters", domain=INTERNAL)
class WinogradFilters(Op):
    """Filters [M, C, 3, 3] as panels of G w Gt, [side * side, M / NR, C, NR]; size: of a tile."""

    size: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The panels of each of the side * side matrices."""
        filters, channels = x.shape[:2]
        return (TensorType(F32, ((self.size + REACH) ** 2, filters // NR, channels, NR)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One kernel over all panels."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        _, panels, channels, _ = out.type.shape
        words: list[Word] = [lw.write(out), lw.read(x), channels, panels]
        grain = -(-PANEL_GRAIN // channels)
        lw.call(WinogradFiltersSpec(self.size), words, panels, grain)
