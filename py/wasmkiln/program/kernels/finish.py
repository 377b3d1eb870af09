"""Finish: what a kernel of sums does to its sums before it stores them."""

from __future__ import annotations

from ...ir.dtype import F32, I8, I16, U8, DType
from ...ir.expr import Expr
from ...record import record
from .base import expr_tag

__all__ = ["NARROW", "Finish"]

NARROW = (I16, I8, U8)  # what sums may be stored as besides f32


@record
class Finish:
    """A bias by column, then an elementwise expression.

    bias: whether there is one; it is where the sums begin.
    epilogue: argument 0 is the sum, argument 1 + i operand i.
    operands: how each is read: 'full' (shaped like the output), 'column' (one value for each
    column, the last dimension) or 'scalar'. All are f32, and so is the result, unless the
    epilogue ends with a conversion to one of NARROW.
    """

    bias: bool = False
    epilogue: Expr | None = None
    operands: tuple[str, ...] = ()

    @property
    def result(self) -> DType:
        """The dtype of what is stored."""
        return F32 if self.epilogue is None else self.epilogue.dtype

    @property
    def narrow(self) -> bool:
        """Whether results are stored as narrow integers."""
        return self.result != F32

    @property
    def tag(self) -> str:
        """The end of a kernel's name, e.g. `_bias_add1f0c22_f`."""
        modes = "".join(mode[0] for mode in self.operands)
        return ("_bias" if self.bias else "") + expr_tag(self.epilogue) + (modes and f"_{modes}")
