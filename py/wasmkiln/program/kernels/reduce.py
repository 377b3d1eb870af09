"""reduce: out[o, i] = post(fold over r of pre(x[o, r, i]))."""

from __future__ import annotations

from typing import Literal

from ...ir.dtype import DType
from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec, expr_tag

__all__ = ["TILE", "Fold", "ReduceSpec"]

Fold = Literal["sum", "prod", "max", "min"]

# Elements of `inner` that one unit of a middle reduction covers: four vectors of f32, which is one
# cache line and leaves registers for two rows in flight.
TILE = 16


@record
class ReduceSpec(KernelSpec):
    """A reduction over one run of neighbouring dimensions.

    fold: how elements are combined. middle: x is [outer, R, inner]; else it is [outer, R].
    pre: arg 0 is the element, arg 1 + k is extra operand k. Its dtype is the accumulator's.
    post: arg 0 is the accumulator, arg 1 the count in the same dtype, arg 2 + k extra operand k.
    inputs: dtypes of x and of the extra operands, which have the output's elements.

    args: out, x, extras ... (addresses); R, inner (elements; 1 unless middle), count
    range: outputs (outer) or, where middle, tiles of TILE columns: outer * ceil(inner / TILE).
    """

    fold: Fold
    middle: bool
    inputs: tuple[DType, ...]
    pre: Expr
    post: Expr

    @property
    def name(self) -> str:
        """E.g. `reduce_sum_middle_f32`."""
        dtypes = "_".join(dict.fromkeys(d.name for d in (*self.inputs, self.post.dtype)))
        where = "middle" if self.middle else "inner"
        plain = self.pre.op == "arg" and self.post.op == "arg"
        tags = "" if plain else expr_tag(self.pre) + expr_tag(self.post)
        return f"reduce_{self.fold}_{where}_{dtypes}{tags}"
