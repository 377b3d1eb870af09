"""Det: determinants."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F32, F64
from ..ir.types import TensorType
from ..program.kernels.det import DetSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import Op, register

__all__: list[str] = []

# Operations worth giving to a thread.
GRAIN = 1 << 14


@register("Det", since=11)
class Det(Op):
    """The determinants of square matrices, which are the last two dimensions."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The dimensions before."""
        if x.rank < 2 or x.shape[-1] != x.shape[-2]:
            raise ShapeError(f"{x} holds no square matrices")
        if not x.dtype.is_float:
            raise UnsupportedOperatorError(f"determinants of {x.dtype}")
        return (TensorType(x.dtype, x.shape[:-2]),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all matrices."""
        (x,), (out,) = inputs, outputs
        assert x is not None and x.type.dtype in (F32, F64)
        n = x.type.shape[-1]
        scratch, share = lw.scratch(8 * n * n)
        args: list[Word] = [lw.write(out), lw.read(x), n, scratch, share]
        matrices = prod(x.type.shape[:-2])
        lw.call(DetSpec(x.type.dtype), args, matrices, max(1, GRAIN // max(1, n**3)))
