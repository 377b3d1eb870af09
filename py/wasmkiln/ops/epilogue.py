"""The epilogue protocol of operators whose kernels finish sums: inputs, operands and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..ir.dtype import F32
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.finish import Finish
from ..program.lowering import Lowering
from ..program.program import Slot, Word

__all__ = [
    "finish_of",
    "in_place_pairs",
    "operand_mode",
    "operand_words",
    "split_inputs",
    "stands_alone",
]

T = TypeVar("T")


def split_inputs(inputs: Sequence[T], n_extra: int, n_own: int) -> tuple[list[T | None], list[T]]:
    """An operator's own inputs, None or '' for absent ones at their end, and the epilogue's."""
    border = len(inputs) - n_extra
    own: list[T | None] = [*inputs[:border]]
    own += [None] * (n_own - len(own))
    return own, list(inputs[border:])


def operand_mode(out: TensorType, operand: TensorType) -> str | None:
    """How a kernel whose columns are the last dimension reads an operand; None: it can't."""
    if out.dtype != F32 or operand.dtype != F32:
        return None
    if operand.size == 1:
        return "scalar"
    if operand.shape == out.shape:
        return "full"
    if operand.size == operand.shape[-1] == out.shape[-1]:
        return "column"
    return None


def finish_of(
    bias: bool, epilogue: Expr | None, out: TensorType, extras: Sequence[Slot | None]
) -> Finish:
    """The structure of a kernel's finish."""
    return Finish(bias, epilogue, tuple(_mode(out, e.type) for e in extras if e))


def _mode(out: TensorType, operand: TensorType) -> str:
    """The mode of an operand that was accepted before, maybe under another view of its shape."""
    if operand.size == 1:
        return "scalar"
    return "full" if operand.size == out.size else "column"


def operand_words(lw: Lowering, extras: Sequence[Slot | None]) -> list[Word]:
    """The addresses of the epilogue's operands."""
    return [lw.read(e) for e in extras if e]


def stands_alone(out: TensorType, extras: Sequence[TensorType | None]) -> bool:
    """Whether no operand is read in step with the output, whose rows then may lie apart."""
    return all(e is None or e.size != out.size for e in extras)


def in_place_pairs(
    out: Slot, own: Sequence[Slot | None], extras: Sequence[Slot | None]
) -> list[tuple[Slot, Slot]]:
    """Operands of the output's size, whose memory it may take: each is read where it is written.

    Not so one that is also among the operator's own inputs, which are read all along.
    """
    taken = {s.buffer for s in own if s}
    return [
        (out, e) for e in extras if e and e.type.nbytes == out.type.nbytes and e.buffer not in taken
    ]
