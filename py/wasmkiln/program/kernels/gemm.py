"""gemm: matrix products with a packed right operand, of f32 or of i16 with sums in i32."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec
from .finish import Finish

__all__ = ["HEAD_WORDS", "INTEGER_MR", "MR", "NR", "GemmSpec"]

# 12 accumulators, 2 vectors of B and 1 of A: 15 of the 16 vector registers of x86-64.
MR, NR = 6, 8

# A product of integers needs a register for itself before it is added; 6 rows take 1.4 times as
# long for each element as 4.
INTEGER_MR = 4

HEAD_WORDS = 8


@record
class GemmSpec(KernelSpec):
    """C[m, n] = finish(sum_k A[m, k] * B[k, n]), for each matrix of a batch.

    B is packed in panels of NR columns, [ceil(N / NR)][K][NR], zero beyond N.
    single_row: M is 1, and four panels are read side by side.
    integer: A and B are i16, and two neighbours along K make a unit of four bytes; in B these are
    [ceil(N / NR)][ceil(K / 2)][NR][2], zero beyond K too, so that A may have anything there. Sums
    are exact in i32, and become f32 for the epilogue. There is no bias.

    args, in words; steps are in bytes:
    out bias k a_step out_step n - -                 the head: HEAD_WORDS, shared with conv.
                                                     k: of f32, or units of two i16
    operands of the epilogue                         addresses
    a b m panels block by_panels                     block: rows of A kept at hand for all panels
    a_batch b_batch out_batch column_batch           steps from matrix to matrix
    scratch share                                    a thread's room for one tile, MR * NR floats

    range: over the batch, rows of A, or panels where by_panels is 1.
    """

    finish: Finish
    single_row: bool = False
    integer: bool = False

    @property
    def name(self) -> str:
        """E.g. `gemm_f32_6x8_bias_min0a1b2c`."""
        kind, rows = ("i16", INTEGER_MR) if self.integer else ("f32", MR)
        return f"gemm_{kind}_{'1x32' if self.single_row else f'{rows}x{NR}'}{self.finish.tag}"
