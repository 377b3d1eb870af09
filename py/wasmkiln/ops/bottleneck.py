"""The internal Bottleneck: expand, depthwise convolution and projection as one kernel call."""

from __future__ import annotations

from ..ir.dtype import F32
from ..ir.types import TensorType
from ..program.kernels.bottleneck import BottleneckSpec
from ..program.kernels.depthwise import DepthwiseSpec
from ..program.kernels.finish import Finish
from ..program.kernels.gemm import NR
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from ..record import record
from .base import INTERNAL, Op, register
from .conv_packed import TILE_COLUMNS, Depthwise, row_tiles
from .epilogue import finish_of, operand_words
from .packed import L2_BYTES, MAC_GRAIN, TILE_BYTES, GemmPacked
from .pool import Axis

__all__ = ["Bottleneck", "pays"]

# Rows of a product's left operand that are enough for whole tiles and to pay for a panel's call.
PIXELS = 56

# Below so many bytes the expanded map stays in level 2 by itself, and whole maps give the better
# tiles. Measured on one core of 1 MiB level 2, as time of the three kernels over that of the one:
# 112x112x96 1.15, 112x112x32 1.08, 56x56x144 1.00, 28x28x240 1.00, 14x14x384 0.98, 7x7x960 0.97;
# with neighbours at work on the same caches, whole models with 28x28 fused win 13 to 16 %.
MAP_BYTES = 512 << 10

# Weights are read once a step, so they have to stay in level 2.
WEIGHT_BYTES = L2_BYTES // 2

# Rows of x that a share reaches into its neighbours' are expanded twice: at most one in so many.
HALO = 4

# Room for a tile of the last columns or channels.
TAIL_BYTES = -(-max(TILE_BYTES, 32 * TILE_COLUMNS) // 64) * 64


@register("Bottleneck", domain=INTERNAL)
class Bottleneck(Op):
    """project(depthwise(widen(x))), of the three operators' results only the last being kept.

    Inputs: x [1, pixels, C], or without `widen` [N, H, W, C]; then for each of the three: its
    weights, its bias or none, its epilogue's operands. Those of widen and depthwise have no
    operand of full size. The result is the projection's [1, pixels, n].
    """

    widen: GemmPacked | None
    depthwise: Depthwise
    project: GemmPacked

    def infer(
        self, x: TensorType, packed: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """The type of the projection."""
        height, width = self.depthwise.axes
        images = x.size // (x.shape[-1] * height.size * width.size)
        pixels = images * height.out * width.out
        return (TensorType(x.dtype, (1, pixels, self.project.n)),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """The sum of the three operators'; rows expanded twice count once."""
        x = inputs[0]
        assert x is not None
        height, width = self.depthwise.axes
        wide, n = self.wide(x), self.project.n
        each = height.window * width.window + n
        return outputs[0].size // n * wide * each + (x.size * wide if self.widen else 0)

    def wide(self, x: TensorType) -> int:
        """The channels of the depthwise convolution."""
        return self.widen.n if self.widen else x.shape[-1]

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over the rows of the output."""
        x, (out,) = inputs[0], outputs
        assert x is not None
        height, width = self.depthwise.axes
        wide, n, depth = self.wide(x.type), self.project.n, x.type.shape[-1]
        step = max(1, PIXELS // width.out)
        held = (step - 1) * height.stride + height.window if self.widen else height.size
        ring_at = TAIL_BYTES + _room(step * width.out * wide)
        room = lw.scratch(ring_at + (_room(held * width.size * wide) if self.widen else 0))
        stages = self._stages(lw, inputs, out)
        first, last = stages[0], stages[-1]
        expand = first.product(0, depth, wide) if self.widen else []
        tiles = row_tiles(width, lw.any_size)
        depthwise = stages[-2].depthwise(self.depthwise.axes, wide, held, room)
        depthwise += tiles.words
        args: list[Word] = [lw.read(x), *room, ring_at, TAIL_BYTES, step]
        args += [first.packed, -(-wide // NR), 4 * width.size * depth]
        args += [last.packed, -(-n // NR), 4 * height.size * width.size * depth]
        args += [4 * width.out * n, height.size]
        at = len(args) + 3
        args += [at, at + len(expand), at + len(expand) + len(depthwise)]
        args += [*expand, *depthwise, *last.product(lw.write(out), wide, n)]
        spec = BottleneckSpec(
            first.finish if self.widen else None,
            DepthwiseSpec(
                width.window, width.stride, tiles.tiles, stages[-2].finish,
                ring=self.widen is not None, ends=tiles.ends,
            ),
            last.finish,
        )  # fmt: skip
        rows = out.type.shape[1] // width.out
        work = self.cost((x.type,), (out.type,)) // rows
        grain = -(-MAC_GRAIN // max(1, work))
        lw.call(spec, args, rows, grain, unit=step)

    def _stages(self, lw: Lowering, inputs: tuple[Slot | None, ...], out: Slot) -> list[_Stage]:
        """Widen (where there is one), depthwise and project."""
        stages: list[_Stage] = []
        at = 1
        x = inputs[0]
        assert x is not None
        # Several pixels, so that no operand of the wide stages passes for a full one.
        wide = TensorType(F32, (2, self.wide(x.type)))
        for op in (self.widen, self.depthwise, self.project):
            if op is not None:
                packed, bias, *extras = inputs[at : at + 2 + op.n_extra]
                finish = finish_of(
                    op.bias, op.epilogue, out.type if op is self.project else wide, extras
                )
                assert packed is not None
                words = operand_words(lw, [e for e in extras if e])
                stages.append(_Stage(finish, lw.read(packed), lw.read(bias) if bias else 0, words))
                at += 2 + op.n_extra
        return stages


def _room(floats: int) -> int:
    """Bytes for some floats in a thread's room: whole lines, and one more to read into."""
    return -(-4 * floats // 64) * 64 + 64


@record
class _Stage:
    """One of the three: its finish, and the words that its functions read."""

    finish: Finish
    packed: Word
    bias: Word
    operands: list[Word]

    def product(self, out: Word, k: int, n: int) -> list[Word]:
        """The head of a product of dense rows, and its operands."""
        return [out, self.bias, k, 4 * k, 4 * n, n, 0, 0, *self.operands]

    def depthwise(
        self, axes: tuple[Axis, Axis], channels: int, rows: int, room: tuple[Word, int]
    ) -> list[Word]:
        """The words of a depthwise convolution with `rows` rows at hand, but for the counts."""
        height, width = axes
        words: list[Word] = [0, self.bias, *self.operands, 0, 0, self.packed, *room]
        words += [channels, channels, rows, width.size, height.out, width.out]
        for field in ("window", "stride", "dilation", "begin"):
            words += [getattr(a, field) for a in axes]
        return words


def pays(op: Bottleneck, x: TensorType, threads: int) -> bool:
    """Whether one kernel is faster than three."""
    height, width = op.depthwise.axes
    if not row_tiles(width, any_size=True).tiles or height.dilation > 1:
        return False
    depth, wide = x.shape[-1], op.wide(x)
    weights = 4 * wide * (op.project.n + (depth if op.widen else 0))
    halo = max(0, height.window - height.stride) if op.widen and threads > 1 else 0
    return (
        4 * wide * height.size * width.size >= MAP_BYTES
        and weights <= WEIGHT_BYTES
        and height.size >= HALO * halo * threads
    )
