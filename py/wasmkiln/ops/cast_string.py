"""Numbers as strings, and strings as numbers, as onnxruntime writes and reads them."""

from __future__ import annotations

import re
from math import isinf, isnan

from ..errors import InvalidInputError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BF16, BOOL, BY_ONNX, STRING, U8, U16, U32, U64, DType
from ..ir.types import TensorType
from ..ir.value import Value
from .base import INTERNAL, register
from .hosted import HostOp, tensor

__all__ = ["CastStrings"]

_FLOAT = re.compile(
    r"\s*[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)\s*",
    re.ASCII | re.IGNORECASE,
)
_INT = re.compile(r"\s*([+-]?\d+)(\.\d*)?\s*", re.ASCII)


@register("CastStrings", domain=INTERNAL)
class CastStrings(HostOp):
    """x in the dtype `to`, or that of another tensor, where one of the two are strings.

    Floats are written with eight significant digits. Integers are read up to a decimal point, and
    wrap when they become narrow ones.
    """

    to: int = 0

    def infer(self, x: TensorType, like: TensorType | None = None) -> tuple[TensorType, ...]:
        """The shape of x."""
        dtype = BY_ONNX.get(self.to) if like is None else like.dtype
        known = dtype is not None and _is_plain(dtype) and _is_plain(x.dtype)
        if dtype is None or not known or STRING not in (x.dtype, dtype):
            raise UnsupportedOperatorError(
                f"conversion of {x.dtype} to {dtype or self.to} is not supported"
            )
        return (TensorType(dtype, x.shape),)

    def evaluate(self, x: Value, like: Value | None = None) -> tuple[Const, ...]:
        """The converted elements."""
        given = tensor(x, "the input")
        types = [TensorType(c.dtype, c.shape) for c in (x, like) if isinstance(c, Const)]
        dtype = self.infer(*types)[0].dtype
        if given.dtype == dtype:
            return (given,)
        if dtype == STRING:
            return (Const.strings(given.shape, _written(given)),)
        read = (
            _read_float if dtype.is_float else _read_unsigned if dtype in _UNSIGNED else _read_int
        )
        return (Const.of(dtype, given.shape, [read(text) for text in given.texts()]),)


_UNSIGNED = (BOOL, U8, U16, U32, U64)  # bool, as C++ reads it


def _is_plain(dtype: DType) -> bool:
    return bool(dtype.code) or dtype in (STRING, BF16)


def _written(x: Const) -> list[str]:
    if x.dtype.is_float:
        return [_write_float(float(v)) for v in x.values()]
    return [str(int(v)) for v in x.values()]


def _write_float(value: float) -> str:
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "INF" if value > 0 else "-INF"
    return f"{value:.8g}"


def _read_float(text: str) -> float:
    value = float(text) if _FLOAT.fullmatch(text) else None
    if value is None or (isinf(value) and "n" not in text.lower()):
        raise InvalidInputError(f"'{text:.80}' does not stand for a float")
    return value


def _read_int(text: str, least: int = -(1 << 63), most: int = (1 << 63) - 1) -> int:
    found = _INT.fullmatch(text) if len(text) < 100 else None
    value = int(found[1]) if found else most + 1
    if not least <= value <= most:
        raise InvalidInputError(f"'{text:.80}' does not stand for an integer in {least}..{most}")
    return value


def _read_unsigned(text: str) -> int:
    return _read_int(text, -(1 << 63), (1 << 64) - 1)
