"""What operators on the host share: they check the kinds of their values before they use them."""

from __future__ import annotations

from typing import ClassVar, NoReturn

from ..errors import InvalidInputError, ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import I32, I64, STRING
from ..ir.types import TensorType
from ..ir.value import SequenceValue, Value, describe_value
from .base import Op

__all__ = [
    "HostOp", "on_host", "one_int", "position", "sequence", "show_value", "strings", "tensor",
]  # fmt: skip


class HostOp(Op):
    """An operator that only `evaluate` computes."""

    on_host: ClassVar[bool] = True


def on_host() -> NoReturn:
    """Refuse to give types while compiling, where values decide them."""
    raise UnsupportedOperatorError("runs on the host")


def show_value(value: Value | None) -> str:
    """The value's kind as messages name it."""
    return "absent" if value is None else describe_value(value)


def tensor(value: Value | None, what: str) -> Const:
    """The value, which must be a tensor."""
    if not isinstance(value, Const):
        raise ShapeError(f"{what} is {show_value(value)}, a tensor is expected")
    return value


def strings(value: Value | None, what: str) -> Const:
    """The value, which must be a tensor of strings."""
    if not isinstance(value, Const) or value.dtype != STRING:
        raise ShapeError(f"{what} is {show_value(value)}, a tensor of strings is expected")
    return value


def sequence(value: Value | None, what: str) -> SequenceValue:
    """The value, which must be a sequence."""
    if not isinstance(value, SequenceValue):
        raise ShapeError(f"{what} is {show_value(value)}, a sequence is expected")
    return value


def one_int(value: Value | None, what: str) -> int:
    """The only element of a tensor of 32- or 64-bit integers."""
    given = tensor(value, what)
    if given.dtype not in (I32, I64) or TensorType(given.dtype, given.shape).size != 1:
        raise ShapeError(f"{what} is {show_value(value)}, one i32 or i64 is expected")
    return given.ints()[0]


def position(value: Value | None, length: int, most: int) -> int:
    """A place in a sequence counted from the front; -length to `most` are allowed."""
    at = one_int(value, "the position")
    if not -length <= at <= most:
        raise InvalidInputError(
            f"position {at} is outside of a sequence of {length}: {-length} to {most} are allowed"
        )
    return at + length if at < 0 else at
