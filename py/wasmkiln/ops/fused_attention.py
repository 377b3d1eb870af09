"""FusedAttention: products with keys, softmax and products with values, for all heads at once."""

from __future__ import annotations

from ..ir.dtype import F32
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.attention import AttentionSpec
from ..program.kernels.gemm import MR, NR
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .packed import MAC_GRAIN, TILE_BYTES

__all__ = ["FusedAttention", "block_of", "scratch_bytes"]

# Queries that pass by a panel of keys while it is in L1, and bytes of scores that stay in L1.
MOST_ROWS, SCORE_BYTES = 8 * MR, 32 << 10


@register("FusedAttention", domain=INTERNAL)
class FusedAttention(Op):
    """softmax(score(q k', operands)) v, see `AttentionSpec`.

    shape: batch, heads, queries, keys, size, value_size. group: heads that share keys and values.
    q_steps, k_steps, v_steps: elements from batch to batch, head to head, row to row. Where
    keys_inner, keys lie side by side and a row of k is an element of all keys.
    rows_first: the output is [batch, queries, heads, value_size], else [batch, heads, queries, ..].
    inputs: q, k, v, and operands that broadcast to [batch, heads, queries, keys].
    """

    shape: tuple[int, ...]
    q_steps: tuple[int, ...]
    k_steps: tuple[int, ...]
    v_steps: tuple[int, ...]
    group: int = 1
    keys_inner: bool = False
    rows_first: bool = False
    score: Expr | None = None

    def infer(
        self, q: TensorType, k: TensorType, v: TensorType, *operands: TensorType
    ) -> tuple[TensorType, ...]:
        """The output's shape, as the attributes say."""
        batch, heads, queries, _, _, size = self.shape
        middle = (queries, heads) if self.rows_first else (heads, queries)
        return (TensorType(F32, (batch, *middle, size)),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """Both products."""
        batch, heads, queries, keys, size, value_size = self.shape
        return batch * heads * queries * keys * (size + value_size)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One attention kernel over blocks of queries."""
        q, k, v, *operands = inputs
        (out,) = outputs
        assert q and k and v
        batch, heads, queries, keys, size, value_size = self.shape
        block = block_of(queries, keys)
        blocks = -(-queries // block)
        row, head = value_size, queries * value_size
        if self.rows_first:
            row, head = heads * value_size, value_size
        scratch, share = lw.scratch(scratch_bytes(block, keys, size, value_size))
        args: list[Word] = [lw.write(out), lw.read(q), lw.read(k), lw.read(v)]
        args += [heads, self.group, queries, keys, size, value_size, block, blocks]
        steps = (*self.q_steps, *self.k_steps, *self.v_steps, heads * queries * value_size)
        args += [4 * s for s in (*steps, head, row)]
        args += [scratch, share]
        modes = ""
        for operand in operands:
            assert operand is not None
            *outer, inner = _steps(operand.type)
            modes += "c" if inner or keys == 1 else "b"
            args += [lw.read(operand), *(4 * s for s in outer)]
        spec = AttentionSpec(self.score, modes, self.keys_inner)
        # A head's blocks share its panels, so that they had better stay together.
        macs = min(queries, block) * keys * (size + value_size)
        enough = max(1, MAC_GRAIN // max(1, macs))
        grain = blocks if batch * heads >= 2 * lw.threads else enough
        lw.call(spec, args, batch * heads * blocks, grain)


def _steps(t: TensorType) -> list[int]:
    """Elements from one to the next in each of four dimensions; 0 where they are repeated."""
    steps, step = [0] * 4, 1
    for i in range(1, t.rank + 1):
        if t.shape[-i] != 1:
            steps[-i] = step
            step *= t.shape[-i]
    return steps


def block_of(queries: int, keys: int) -> int:
    """Queries whose scores are computed together: whole tiles, unless there are fewer."""
    fitting = SCORE_BYTES // max(1, 4 * keys * MR) * MR
    return max(1, min(queries, MOST_ROWS, max(MR, fitting)))


def scratch_bytes(block: int, keys: int, size: int, value_size: int) -> int:
    """Two records of argument words, panels of keys, panels of values, scores, and a tile."""
    panels = -(-keys // NR) * size + -(-value_size // NR) * keys
    return 64 + 4 * NR * panels + 4 * block * -(-keys // NR) * NR + TILE_BYTES
