"""Evaluate an Expr in plain Python: the definition of its meaning, and constant folding."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .const import pack_values
from .dtype import BF16, DType
from .expr import COMPARE, Expr

__all__ = ["evaluate", "round_to"]

Number = int | float | bool


def round_to(dtype: DType, value: Number) -> Number:
    """The number as the dtype holds it: integers wrap, floats round to nearest even."""
    if dtype.kind == "b":
        return bool(value)
    if dtype.is_int:
        mask = (1 << dtype.bits) - 1
        wrapped = int(value) & mask
        return wrapped - mask - 1 if dtype.kind == "i" and wrapped >> (dtype.bits - 1) else wrapped
    if dtype.code == "d":
        return float(value)
    return _unpack(dtype, pack_values(dtype, (value,)))


def evaluate(expr: Expr, args: Sequence[Number]) -> Number:
    """The value of an expression for the given arguments, rounded to its dtype at each step."""
    if expr.op == "arg":
        assert isinstance(expr.value, int)
        return args[expr.value]
    if expr.op == "const":
        assert expr.value is not None
        return round_to(expr.dtype, expr.value)
    if expr.op == "select":
        return evaluate(expr.args[1 if evaluate(expr.args[0], args) else 2], args)
    operands = [evaluate(a, args) for a in expr.args]
    if expr.op == "cast":
        return _cast(expr.args[0].dtype, expr.dtype, operands[0])
    if expr.op == "bitcast":
        return _unpack(expr.dtype, pack_values(expr.args[0].dtype, operands))
    if expr.op in COMPARE:
        return bool(_COMPARE[expr.op](*operands))
    table = _FLOAT if expr.dtype.is_float else _INTEGER
    return round_to(expr.dtype, table[expr.op](*operands))


def _unpack(dtype: DType, data: bytes) -> Number:
    if dtype == BF16:
        (wide,) = struct.unpack("<f", b"\0\0" + data)
        return float(wide)
    (value,) = struct.unpack("<" + dtype.code, data)
    assert isinstance(value, (int, float))
    return value


def _cast(source: DType, target: DType, value: Number) -> Number:
    if source.is_float and target.is_int:
        if math.isnan(value):
            return 0
        low = -(1 << (target.bits - 1)) if target.kind == "i" else 0
        high = low + (1 << target.bits) - 1
        return low if value <= low else high if value >= high else math.trunc(value)
    return round_to(target, value)


def _float(function: Callable[..., float]) -> Callable[..., float]:
    """The function with IEEE results where Python raises: overflow is infinite, invalid is NaN."""

    def safe(*operands: float) -> float:
        if any(map(math.isnan, operands)):
            return math.nan
        try:
            return function(*operands)
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError):
            return math.nan

    return safe


def _divide(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _truncate_divide(a: int, b: int) -> int:
    if b == 0:
        return 0
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def _integral(function: Callable[[float], int]) -> Callable[[float], float]:
    def rounded(x: float) -> float:
        return math.copysign(float(function(x)), x) if math.isfinite(x) else x

    return rounded


def _log(x: float) -> float:
    return -math.inf if x == 0 else math.log(x)


def _sinh(x: float) -> float:
    return math.copysign(math.inf, x) if abs(x) > 710.4 else math.sinh(x)


def _atanh(x: float) -> float:
    return math.copysign(math.inf, x) if abs(x) == 1 else math.atanh(x)


def _pow(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a != 0:
            return math.nan
        return math.copysign(math.inf, a) if b % 2 == 1 else math.inf


def _integer_pow(a: int, b: int) -> int:
    """The power modulo 2**64, since a number of all its digits may not fit into memory."""
    return pow(a, b, 1 << 64) if b >= 0 else (a if abs(a) == 1 and b % 2 else int(abs(a) == 1))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    name: getattr(operator, name) for name in sorted(COMPARE)
}
_FLOAT: dict[str, Callable[..., float]] = {
    name: _float(function)
    for name, function in {
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "div": _divide,
        "mod": lambda a, b: a - b * math.floor(a / b),
        "fmod": math.fmod,
        "neg": operator.neg,
        "abs": abs,
        "min": min,
        "max": max,
        "sqrt": math.sqrt,
        "floor": _integral(math.floor),
        "ceil": _integral(math.ceil),
        "trunc": _integral(math.trunc),
        "round": _integral(round),
        "exp": math.exp,
        "log": _log,
        "pow": _pow,
        "sinh": _sinh,
        "atanh": _atanh,
        **{
            f: getattr(math, f)
            for f in [
                "sin",
                "cos",
                "tan",
                "asin",
                "acos",
                "atan",
                "cosh",
                "asinh",
                "acosh",
                "tanh",
                "erf",
            ]
        },
    }.items()
}
_FLOAT["pow"] = _pow  # pow(1, NaN) and pow(NaN, 0) are 1
_INTEGER: dict[str, Callable[..., int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": _truncate_divide,
    "mod": lambda a, b: a % b if b else 0,
    "fmod": lambda a, b: a - b * _truncate_divide(a, b) if b else 0,
    "neg": operator.neg,
    "abs": abs,
    "min": min,
    "max": max,
    "pow": _integer_pow,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "not": lambda a: not a if isinstance(a, bool) else ~a,
    "shl": lambda a, b: a << (b & 63),  # further than any dtype is wide only by mistake
    "shr": lambda a, b: a >> (b & 63),
}
