"""attention: softmax(score(Q K')) V for all heads of a batch, f32."""

from __future__ import annotations

from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec, expr_tag

__all__ = ["AttentionSpec"]


@record
class AttentionSpec(KernelSpec):
    """out = softmax(score(Q K', operands)) V over the keys, for each head.

    score: arg 0 is the product of a query and a key, arg 1 + i operand i; None: the product.
    operands: how each advances along the keys, 'c' contiguous or 'b' the same for all.
    keys_inner: K lies in memory with neighbouring keys side by side, else with the elements of a
    key side by side. Elements of queries, values and outputs always are.

    args, in words; steps are in bytes:
    out q k v                                   addresses
    heads group queries keys size value_size    group: heads that share keys and values
    block blocks                                queries of a block, blocks of a head
    q_batch q_head q_row                        steps
    k_batch k_head k_row                        k_row: from key to key, or from element to element
    v_batch v_head v_row out_batch out_head out_row
    scratch share                               see `scratch_bytes`
    and for each operand: address, batch, head and row step

    range: blocks, over the batch and its heads.
    """

    score: Expr | None
    operands: str
    keys_inner: bool

    @property
    def name(self) -> str:
        """E.g. `attention_f32_add0c1d2e_c`."""
        modes = self.operands and f"_{self.operands}"
        return f"attention_f32{'_t' if self.keys_inner else ''}{expr_tag(self.score)}{modes}"
