"""gemm: matrix products with a packed right operand, f32."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec
from .finish import Finish

__all__ = ["HEAD_WORDS", "MR", "NR", "GemmSpec"]

# 12 accumulators, 2 vectors of B and 1 of A: 15 of the 16 vector registers of x86-64.
MR, NR = 6, 8

HEAD_WORDS = 8


@record
class GemmSpec(KernelSpec):
    """C[m, n] = finish(sum_k A[m, k] * B[k, n]), for each matrix of a batch.

    B is packed in panels of NR columns, [ceil(N / NR)][K][NR], zero beyond N.
    single_row: M is 1, and four panels are read side by side.

    args, in words; steps are in bytes:
    out bias k a_step out_step n - -                 the head: HEAD_WORDS, shared with conv
    operands of the epilogue                         addresses
    a b m panels block by_panels                     block: rows of A kept at hand for all panels
    a_batch b_batch out_batch column_batch           steps from matrix to matrix
    scratch share                                    a thread's room for one tile, MR * NR floats

    range: over the batch, rows of A, or panels where by_panels is 1.
    """

    finish: Finish
    single_row: bool = False

    @property
    def name(self) -> str:
        """E.g. `gemm_f32_6x8_bias_min0a1b2c`."""
        return f"gemm_f32_{'1x32' if self.single_row else f'{MR}x{NR}'}{self.finish.tag}"
