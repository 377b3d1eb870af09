"""Convolutions with packed weights, channels last: the internal ConvPacked and Depthwise."""

from __future__ import annotations

from math import prod

from ..ir.dtype import F32
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.conv import ConvSpec
from ..program.kernels.depthwise import DepthwiseSpec, Tile
from ..program.kernels.gemm import MR, NR
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from ..record import record
from .base import INTERNAL, Op, register
from .epilogue import finish_of, in_place_pairs, operand_words, split_inputs, stands_alone
from .packed import L1_BYTES, MAC_GRAIN, TILE_BYTES, block_rows, split_by_panels
from .pool import Axis

__all__ = ["TILE_COLUMNS", "ConvPacked", "Depthwise", "RowTiles", "row_tiles"]

# Below so many channels a tap's inner loop is too short to pay for its pointers.
FEW_CHANNELS = 8

# Bytes of the pointers of a block of pixels.
POINTER_BYTES = 32 << 10

# Zero bytes that padding reads come in multiples of this, so that layers share them.
ZERO_UNIT = 4096

# Accumulators, weights of a row and an input column must fit 15 vector registers.
TILE_COLUMNS, REGISTERS = 7, 15

# Columns of the tiles at the ends of rows of any width: with those of 7, they make up most widths.
NARROW = 4

# Weights of a block of channels, to stay in L1 beside the input.
WEIGHT_BYTES = 12 << 10


@register("ConvPacked", domain=INTERNAL)
class ConvPacked(Op):
    """finish(conv(x, w) + bias): x [N, D, H, W, C], w [groups, P, K, NR] packed, of n filters each.

    K runs over the window's taps, then the channels of a group.
    """

    axes: tuple[Axis, ...]
    n: int
    groups: int = 1
    bias: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, x: TensorType, packed: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """[N, positions..., filters]."""
        out = (a.out for a in self.axes)
        return (TensorType(F32, (x.shape[0], *out, self.groups * self.n)),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """K for each element of the output."""
        return outputs[0].size * (inputs[1].shape[2] if inputs[1] else 0)

    def writes_apart(self, out: TensorType, *inputs: TensorType | None) -> bool:
        """Unless an operand has the output's shape."""
        return stands_alone(out, inputs[len(inputs) - self.n_extra :])

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One conv kernel over all pixels or all panels."""
        (x, packed, bias), extras = split_inputs(inputs, self.n_extra, 3)
        (out,) = outputs
        assert x is not None and packed is not None
        if not out.type.size:
            return
        channels, filters = x.type.shape[-1], out.type.shape[-1]
        _, panels, k, _ = packed.type.shape
        taps, depth, m = (
            prod(a.window for a in self.axes),
            channels // self.groups,
            (out.type.size // filters),
        )
        copied = self.groups == 1 and depth < FEW_CHANNELS and self.axes[2].dilation == 1
        block = self._block(m, k, copied, x.type)
        row_bytes = 4 * k if copied else 4 * taps
        scratch, share = lw.scratch(TILE_BYTES + block * row_bytes + 64)
        by_panels = split_by_panels(m, x.type.size, self.groups * self.n * k, lw.threads)
        spec = ConvSpec(finish_of(self.bias, self.epilogue, out.type, extras), copied)
        args: list[Word] = [lw.write(out), lw.read(bias) if bias else 0]
        args += [k if copied else depth, 4 * k, out.pitch or 4 * filters]
        args += [self.n, taps, 4 * block]
        args += operand_words(lw, extras)
        args += [lw.read(x), lw.read(packed), self._zeros(lw, 4 * channels)]
        args += [m, panels, block, int(by_panels), scratch, share, TILE_BYTES]
        args += [4 * channels, 4 * depth, *(a.size for a in self.axes), *(a.out for a in self.axes)]
        for field in ("window", "stride", "dilation", "begin"):
            args += [getattr(a, field) for a in self.axes]
        work = k * NR * (m if by_panels else panels * self.groups)
        extent = panels * self.groups if by_panels else m
        grain = -(-MAC_GRAIN // max(1, work))
        pairs = in_place_pairs(out, (x, packed, bias), extras)
        lw.call(spec, args, extent, grain, pairs, 1 if by_panels else MR)

    def _block(self, m: int, k: int, copied: bool, x: TensorType) -> int:
        """Copied rows should stay in L1; pointers let the input itself stay at hand."""
        if copied:
            return min(m, max(1, L1_BYTES // (4 * k * MR)) * MR)
        taps = prod(a.window for a in self.axes)
        most = max(1, POINTER_BYTES // (4 * taps * MR)) * MR
        footprint = x.shape[-1] * prod(a.stride for a in self.axes)
        return min(most, block_rows(m, self.groups * self.n, k, min(k, footprint)))

    def _zeros(self, lw: Lowering, nbytes: int) -> Word:
        """Zeros that taps in the padding point to."""
        if all(a.begin == 0 and _end(a) <= a.size for a in self.axes):
            return 0
        return lw.read(lw.table(bytes(-(-nbytes // ZERO_UNIT) * ZERO_UNIT)))


def _end(axis: Axis) -> int:
    """One past the last coordinate that the window reaches."""
    return (axis.out - 1) * axis.stride - axis.begin + (axis.window - 1) * axis.dilation + 1


@register("Depthwise", domain=INTERNAL)
class Depthwise(Op):
    """finish(conv(x, w) + bias), a filter for each channel.

    x [N, H, W, C], w [1, ceil(C / 4), taps, 4] packed. integer: x is i16. The result is f32 unless
    the epilogue makes it i16, for which C must be a multiple of 4.
    """

    axes: tuple[Axis, Axis]
    bias: bool = False
    integer: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, x: TensorType, packed: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """[N, positions..., C]."""
        n, _, _, channels = x.shape
        dtype = self.epilogue.dtype if self.epilogue else F32
        return (TensorType(dtype, (n, self.axes[0].out, self.axes[1].out, channels)),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """The taps for each element of the output."""
        return outputs[0].size * self.axes[0].window * self.axes[1].window

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One depthwise kernel over blocks of channels and rows of the output."""
        (x, packed, bias), extras = split_inputs(inputs, self.n_extra, 3)
        (out,) = outputs
        assert x is not None and packed is not None
        if not out.type.size:
            return
        height, width = self.axes
        channels, rows = x.type.shape[3], x.type.shape[0] * height.out
        row = row_tiles(width, lw.any_size)
        finish = finish_of(self.bias, self.epilogue, out.type, extras)
        tiled = bool(row.tiles)
        spec = DepthwiseSpec(
            width.window if tiled else 0, width.stride if tiled else 0, row.tiles, finish,
            ends=row.ends, integer=self.integer,
        )  # fmt: skip
        block = _channel_block(channels, height.window * width.window)
        scratch, share = lw.scratch(32 * TILE_COLUMNS)
        args: list[Word] = [lw.write(out), lw.read(bias) if bias else 0]
        args += operand_words(lw, extras)
        args += [rows, lw.read(x), lw.read(packed), scratch, share, channels, block]
        args += [height.size, width.size, height.out, width.out]
        for field in ("window", "stride", "dilation", "begin"):
            args += [getattr(a, field) for a in self.axes]
        args += row.words
        work = width.out * height.window * width.window * block
        grain = max(1, MAC_GRAIN // 2 // max(1, work))
        extent = -(-channels // block) * rows
        pairs = [] if row.back else in_place_pairs(out, (x, packed, bias), extras)
        lw.call(spec, args, extent, grain, pairs, unit=1)


def _channel_block(channels: int, taps: int) -> int:
    """Channels of a unit: equal multiples of 4 whose weights stay at hand."""
    vectors = -(-channels // 4)
    blocks = -(-vectors * taps * 16 // WEIGHT_BYTES)
    return -(-vectors // blocks) * 4


@record
class RowTiles:
    """How a row of the output is cut: kinds of tiles in order, and how often each comes.

    ends: see `DepthwiseSpec`. back: columns that the last tile has in common with those before it.
    """

    tiles: tuple[Tile, ...] = ()
    counts: tuple[int, ...] = ()
    ends: int = 0
    back: int = 0

    @property
    def words(self) -> tuple[int, ...]:
        """What a kernel is told."""
        return (*self.counts, self.back) if self.ends else self.counts


def row_tiles(axis: Axis, any_size: bool = False) -> RowTiles:
    """Tiles of nearly equal width, or kinds that suit other sizes too.

    None for odd windows, nor for rows of any size that are too short for tiles at both ends.
    """
    if axis.dilation != 1 or min(TILE_COLUMNS, REGISTERS - 1 - axis.window) < NARROW:
        return RowTiles()
    flexible = _flexible_tiles(axis) if any_size else None
    return flexible or (RowTiles() if any_size and axis.out < 2 * NARROW else _equal_tiles(axis))


def _equal_tiles(axis: Axis) -> RowTiles:
    """Only the row's ends may reach into padding, so few kinds of tiles come up."""
    tiles = -(-axis.out // min(TILE_COLUMNS, REGISTERS - 1 - axis.window))
    wide, extra = divmod(axis.out, tiles)
    runs: list[tuple[Tile, int]] = []
    at = 0
    for i in range(tiles):
        n = wide + (i < extra)
        left, right = _padding(axis, at, n)
        reach = (n - 1) * axis.stride + axis.window
        if left + right >= reach or max(left, right) >= axis.window:
            return RowTiles()  # a column of the output that sees nothing but padding
        if runs and runs[-1][0] == (n, left, right):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append(((n, left, right), 1))
        at += n
    if len(runs) > 5:
        return RowTiles()
    return RowTiles(tuple(tile for tile, _ in runs), tuple(count for _, count in runs))


def _flexible_tiles(axis: Axis) -> RowTiles | None:
    """Narrow tiles at both ends and wide ones between; None where ends are not like that.

    The last tile may lie over others, so that all widths from that of two ends on can be had.
    """
    wide = min(TILE_COLUMNS, REGISTERS - 1 - axis.window)
    middle = axis.out - 2 * NARROW
    most = axis.window // 2
    left, beyond = _padding(axis, 0, NARROW)
    early, right = _padding(axis, axis.out - NARROW, NARROW)
    if axis.out <= NARROW or beyond or early or max(left, right) > most:
        return None
    wides, rest = divmod(max(middle, 0), wide)
    narrow = 0
    if rest > NARROW:
        wides += 1
    elif rest:
        narrow = 1
    kinds = [(NARROW, left, 0), (wide, 0, 0), (NARROW, 0, 0)]
    ends = [(NARROW, 0, r) for r in range(most + 1)]
    back = wides * wide + narrow * NARROW - middle
    counts = (1, wides, narrow, *(int(r == right) for r in range(most + 1)))
    return RowTiles((*kinds, *ends), counts, len(ends), back)


def _padding(axis: Axis, at: int, n: int) -> tuple[int, int]:
    """Columns of padding under the left and the right end of n columns of the output."""
    start = at * axis.stride - axis.begin
    reach = (n - 1) * axis.stride + axis.window
    return max(0, -start), max(0, start + reach - axis.size)
