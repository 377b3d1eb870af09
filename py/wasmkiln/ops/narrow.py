"""Codes of narrow types: floats of 8 and 4 bits, powers of two, integers of 4 and 2, in a byte.

No kernel computes with them. An operator reads them as bytes (`codes`), decodes those to f32,
which holds each value exactly, and encodes its result; both are expressions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnsupportedOperatorError
from ..ir.dtype import BOOL, F32, F64, I32, U8, DType
from ..ir.expr import Expr, arg, call, cast, clamp, const, maximum, select
from ..record import record
from .base import create
from .compose import apply

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["decoded", "encoded", "is_narrow", "quantized"]


@record
class _Float:
    """Mantissa bits, bias of the exponent, greatest value, and codes without a sign.

    over: what greater values become unless they saturate. nan: None where there is none.
    unsigned_zero: neither zero nor NaN has a sign; the code of a negative zero means NaN.
    """

    mantissa: int
    bias: int
    greatest: float
    over: int
    nan: int | None
    bits: int = 8
    unsigned_zero: bool = False


_FLOATS = {
    "f8e4m3fn": _Float(3, 7, 448.0, 0x7F, 0x7F),
    "f8e4m3fnuz": _Float(3, 8, 240.0, 0x80, 0x80, unsigned_zero=True),
    "f8e5m2": _Float(2, 15, 57344.0, 0x7C, 0x7F),
    "f8e5m2fnuz": _Float(2, 16, 57344.0, 0x80, 0x80, unsigned_zero=True),
    "f4e2m1": _Float(1, 1, 6.0, 7, None, bits=4),
    "f6e2m3": _Float(3, 1, 7.5, 0x1F, None, bits=6),
    "f6e3m2": _Float(2, 3, 28.0, 0x1F, None, bits=6),
}
POWERS = "f8e8m0"  # whose codes are exponents: powers of two
_INTS = {"i4": (4, True), "u4": (4, False), "i2": (2, True), "u2": (2, False)}


def is_narrow(dtype: DType) -> bool:
    """Whether a type is one of these."""
    return dtype.kind == "n"


def decoded(g: GraphBuilder, x: str) -> str:
    """The values of a narrow tensor in f32; another tensor as it is."""
    t = g.type(x)
    if not is_narrow(t.dtype):
        return x
    return apply(g, _decode(arg(0, U8), t.dtype), _named(g, x, U8))


def encoded(
    g: GraphBuilder, x: str, dtype: DType, saturate: bool = True, round_mode: str = "up"
) -> str:
    """A tensor's values in a narrow type: floats rounded to the nearest, integers truncated.

    round_mode: how powers of two are chosen.
    """
    t = g.type(x)
    if t.dtype == F64 and dtype.name in (*_FLOATS, POWERS):
        raise UnsupportedOperatorError(f"conversion of {t.dtype} to {dtype} is not supported")
    value = cast(arg(0, t.dtype), F32)
    if dtype.name == POWERS:
        code = _encode_power(value, saturate, round_mode)
    else:
        code = _encode(value, dtype, saturate)
    if dtype.name in _INTS:
        code = _masked(cast(arg(0, t.dtype), I32), dtype)
    return _named(g, apply(g, code, x), dtype)


def quantized(g: GraphBuilder, x: str, dtype: DType, saturate: bool = True) -> str:
    """A float tensor's values in a narrow type, within its range also where it is of integers."""
    if dtype.name in _FLOATS:
        return encoded(g, x, dtype, saturate)
    bits, signed = _INTS[dtype.name]
    low = -(1 << (bits - 1)) if signed else 0
    steps = clamp(call("round", arg(0)), low, low + (1 << bits) - 1)
    return _named(g, apply(g, _masked(cast(steps, I32), dtype), x), dtype)


def _named(g: GraphBuilder, codes: str, dtype: DType) -> str:
    """The same bytes as another type."""
    return g.add(create("", "BitCast", 26, {"to": dtype.onnx}), codes)


def _masked(x: Expr, dtype: DType) -> Expr:
    return cast(call("and", x, (1 << _INTS[dtype.name][0]) - 1), U8)


def _as(x: Expr, dtype: DType) -> Expr:
    return Expr("bitcast", (x,), dtype)


def _decode(code: Expr, dtype: DType) -> Expr:
    c = cast(code, I32)
    if dtype.name in _INTS:
        bits, signed = _INTS[dtype.name]
        c = call("and", c, (1 << bits) - 1)
        half = 1 << (bits - 1)
        return cast(call("xor", c, half) - half if signed else c, F32)
    if dtype.name == POWERS:
        power = select(call("eq", c, 0), const(1 << 22, I32), call("shl", c, 23))
        return select(call("eq", c, 0xFF), const(float("nan")), _as(power, F32))
    f = _FLOATS[dtype.name]
    sign = 1 << (f.bits - 1)
    # The fields in the places of an f32's, whose exponent has another bias; subnormals fit too.
    fields = call("shl", call("and", c, sign - 1), 23 - f.mantissa)
    size = _as(fields, F32) * 2.0 ** (127 - f.bias)
    value = select(call("eq", call("and", c, sign), 0), size, -size)
    nan = const(float("nan"))
    if f.unsigned_zero:
        return select(call("eq", c, 0x80), nan, value)
    if dtype.name == "f8e5m2":
        infinite = const(float("inf"))
        infinite = select(call("eq", c, 0x7C), infinite, -infinite)
        special = select(call("eq", call("and", c, 0x7F), 0x7C), infinite, nan)
        return select(call("and", c, 0x7F) >= 0x7C, special, value)
    if f.nan is not None:
        return select(call("eq", call("and", c, 0x7F), f.nan), nan, value)
    return value


def _encode(x: Expr, dtype: DType, saturate: bool) -> Expr:
    """The code of an f32: its size to the nearest multiple of the step there, ties to even."""
    f = _FLOATS.get(dtype.name)
    if f is None:
        return cast(x, U8)
    size = call("abs", x)
    power = _as(call("and", _as(size, I32), 0x7F800000), F32)
    step = maximum(power, 2.0 ** (1 - f.bias)) * 2.0**-f.mantissa  # exact, like the division
    rounded = call("round", size / step) * step
    code = call("shr", _as(rounded * 2.0 ** (f.bias - 127), I32), 23 - f.mantissa)
    greatest = call("shr", _as(const(f.greatest * 2.0 ** (f.bias - 127)), I32), 23 - f.mantissa)
    over = greatest if saturate or f.nan is None else const(f.over, I32)
    code = select(rounded <= f.greatest, code, over)  # false for infinity, which gives NaN there
    sign = 1 << (f.bits - 1)
    is_negative = call("lt", _as(x, I32), 0)
    if f.unsigned_zero:
        plain = call("or", call("eq", code, 0), call("eq", code, sign))
        is_negative = call("and", is_negative, call("not", plain))
    code = select(is_negative, call("or", code, sign), code)
    # Without a NaN the negative zero stands for it, as in the reference evaluator.
    nan = const(sign if f.nan is None else f.nan, I32)
    return cast(select(call("ne", x, x), nan, code), U8)


def _encode_power(x: Expr, saturate: bool, round_mode: str) -> Expr:
    """The exponent of an f32, whose sign is ignored; 255 for infinity and NaN."""
    bits = _as(x, I32)
    exponent = call("and", call("shr", bits, 23), 0xFF)
    fraction = call("and", bits, 0x7FFFFF)
    if round_mode == "up":
        rounds_up = fraction > 0
    elif round_mode == "nearest":
        # Half of a subnormal's least power rounds down, every other half up.
        middle = call("and", call("eq", fraction, 1 << 22), exponent > 0)
        rounds_up = call("or", fraction > 1 << 22, middle)
    elif round_mode == "down":
        rounds_up = const(0, BOOL)
    else:
        raise UnsupportedOperatorError(f"round_mode '{round_mode}' is unknown")
    rounds_up = call("and", rounds_up, exponent < (0xFE if saturate else 0xFF))
    return cast(exponent + cast(rounds_up, I32), U8)
