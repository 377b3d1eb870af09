"""lrn: local response normalization, across neighbouring channels of a pixel."""

from __future__ import annotations

from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec, expr_tag

__all__ = ["LrnSpec"]


@record
class LrnSpec(KernelSpec):
    """out[p, c] = result(x[p, c], sum of x[p, i] ** 2 over c - before <= i <= c + after) in f32.

    result: arg 0 is the element, arg 1 the sum. Channels beyond the first and last count as 0.

    args: out, x (addresses); C, before, after (elements)
    range: pixels.
    """

    result: Expr

    @property
    def name(self) -> str:
        """`lrn_f32` with the expression's tag."""
        return f"lrn_f32{expr_tag(self.result)}"
