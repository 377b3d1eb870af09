"""Packed matrix products: the internal operators PackPanels and GemmPacked."""

from __future__ import annotations

from ..ir.dtype import F32
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.gemm import MR, NR, GemmSpec
from ..program.kernels.pack import PackSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .epilogue import finish_of, in_place_pairs, operand_words, split_inputs, stands_alone

__all__ = ["TILE_BYTES", "GemmPacked", "PackPanels", "block_rows", "split_by_panels"]

TILE_BYTES = MR * NR * 4

# Bytes of a share worth giving to a thread, as it packs them.
PACK_GRAIN = 1 << 16

# Multiply-accumulates worth giving to a thread: about 10 us.
MAC_GRAIN = 1 << 18
FETCH_ROWS = 8  # to multiply a panel with so many takes as long as to fetch it

# What may be counted on of a core's caches; smaller than they are, as others use them too.
L1_BYTES, L2_BYTES = 24 << 10, 512 << 10


@register("PackPanels", domain=INTERNAL)
class PackPanels(Op):
    """[G, K, N], or [G, N, K] where transposed, as panels [G, ceil(N / columns), K, columns].

    Beyond N the panels hold zeros.
    """

    transposed: bool = False
    columns: int = NR

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape of the panels."""
        batch, k, n = self._sizes(x)
        return (TensorType(x.dtype, (batch, -(-n // self.columns), k, self.columns)),)

    def _sizes(self, x: TensorType) -> tuple[int, int, int]:
        batch, rows, columns = x.shape
        return (batch, columns, rows) if self.transposed else (batch, rows, columns)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One pack kernel over all panels."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        batch, k, n = self._sizes(x.type)
        panels = out.type.shape[1]
        step = 4 * x.type.shape[2]
        args: list[Word] = [lw.write(out), lw.read(x), k, n, step, panels, 4 * k * n]
        grain = max(1, PACK_GRAIN // max(1, 4 * k * self.columns))
        lw.call(PackSpec(self.columns, self.transposed), args, batch * panels, grain)


@register("GemmPacked", domain=INTERNAL)
class GemmPacked(Op):
    """finish(a @ b + bias) with packed b, of n columns.

    a [G, M, K], packed [G, P, K, NR] or [1, P, K, NR]: the result is [G, M, n]. With `groups` g
    above 1, a is [1, M, g * K], packed [g, P, K, NR], and the groups' results stand side by side:
    [1, M, g * n].
    integer: of i16, see GemmSpec; packed is [1, P, ceil(K / 2), 2 * NR]. The result is f32 unless
    the epilogue makes it i16.
    """

    n: int
    bias: bool = False
    groups: int = 1
    integer: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, a: TensorType, packed: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """The batch of a or of packed, the rows of a, the columns of all groups."""
        batch = 1 if self.groups > 1 else max(a.shape[0], packed.shape[0])
        dtype = self.epilogue.dtype if self.epilogue else F32
        return (TensorType(dtype, (batch, a.shape[1], self.groups * self.n)),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """M * K * N of each matrix."""
        a = inputs[0]
        assert a is not None
        return outputs[0].size * a.shape[2] // self.groups

    def writes_apart(self, out: TensorType, *inputs: TensorType | None) -> bool:
        """Unless an operand has the output's shape."""
        return stands_alone(out, inputs[len(inputs) - self.n_extra :])

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One gemm kernel over the whole batch."""
        (a, packed, bias), extras = split_inputs(inputs, self.n_extra, 3)
        (out,) = outputs
        assert a is not None and packed is not None
        if not out.type.size:
            return
        finish = finish_of(self.bias, self.epilogue, out.type, extras)
        spec = GemmSpec(finish, a.type.shape[1] == 1, self.integer)
        batch, m, columns = out.type.shape
        _, panels, k, _ = packed.type.shape
        lda = a.type.dtype.itemsize * a.type.shape[2]
        ldc = out.pitch or out.type.dtype.itemsize * columns
        steps = [m * lda if a.type.shape[0] > 1 else 0, 0, m * ldc, 0]
        if packed.type.shape[0] > 1:
            steps[1] = 4 * panels * k * NR
        if self.groups > 1:
            batch, steps = self.groups, [4 * k, steps[1], 4 * self.n, 4 * self.n]
        by_panels = split_by_panels(batch * m, m * k, self.n * k, lw.threads)
        tile, share = lw.scratch(TILE_BYTES)
        args: list[Word] = [lw.write(out), lw.read(bias) if bias else 0, k, lda, ldc, self.n, 0, 0]
        args += operand_words(lw, extras)
        args += [lw.read(a), lw.read(packed), m, panels, block_rows(m, self.n, k), int(by_panels)]
        args += [*steps, tile, share]
        extent, grain, unit = _share(by_panels, batch, m, panels, k)
        pairs = in_place_pairs(out, (a, packed, bias), extras)
        lw.call(spec, args, extent, grain, pairs, unit)


def _share(by_panels: bool, batch: int, m: int, panels: int, k: int) -> tuple[int, int, int]:
    """Extent, grain and unit: shares of rows are whole tiles, of panels what a row reads."""
    if by_panels:
        grain = MAC_GRAIN // max(1, max(m, FETCH_ROWS) * k * NR)
        return batch * panels, max(1, grain), 4 if m == 1 else 1
    return batch * m, max(1, MAC_GRAIN // max(1, panels * NR * k)), MR


def split_by_panels(rows: int, a_size: int, b_size: int, threads: int) -> bool:
    """Whether threads share the panels of B, not the rows of A.

    Each thread reads all of what is not shared, so the larger one is shared; and rows only where
    there are enough for whole tiles.
    """
    return b_size > a_size or rows < 2 * MR * threads


def block_rows(m: int, n: int, k: int, row: int = 0) -> int:
    """How many rows of A to keep at hand while all panels pass by: least memory traffic wins.

    Rows that fit L1 beside a panel are read from further away once; more rows are read once a
    panel. B is read once a block. Level 2 is four times as near as memory. row: elements that a
    row adds to what is at hand, K if it shares none with its neighbours.
    """
    best, block = float("inf"), m
    b_far = 0 if 4 * n * k <= L1_BYTES // 2 else 1 if 4 * n * k <= L2_BYTES else 4
    for tiles in (4, 8, 16, 32, 64, 128, -(-m // MR)):
        rows = min(m, tiles * MR)
        bytes_ = 4 * rows * (row or k)
        passes = 1 if bytes_ <= L1_BYTES else -(-n // NR)
        a_far = 1 if bytes_ <= L2_BYTES else 4
        blocks = -(-m // rows)
        cost = 4.0 * m * (row or k) * passes * a_far + 4.0 * n * k * blocks * b_far
        if cost < best:
            best, block = cost, rows
    return block
