"""Expr: structure, sugar and its meaning in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from wasmkiln.errors import UnsupportedOperatorError
from wasmkiln.ir.dtype import BOOL, C64, F16, F32, F64, I8, I32, I64, STRING, U8, DType
from wasmkiln.ir.evaluate import evaluate, round_to
from wasmkiln.ir.expr import UNARY, arg, call, cast, clamp, const, select, substitute


def test_numbers_take_the_dtype_of_the_other_operand() -> None:
    x = arg(0, I64)
    assert (x + 1).args[1] == const(1, I64)
    assert repr((2.0 * arg(0) + 1.0) / arg(1)) == "div(add(mul(2.0, x0), 1.0), x1)"


def test_equality_is_structural_and_tells_zeros_apart() -> None:
    assert arg(0) + 1.0 == arg(0) + 1.0
    assert arg(0) + 0.0 != arg(0) + -0.0
    assert const(math.nan) == const(math.nan)
    assert arg(0, I32) != arg(0, F32)
    assert len({arg(0) * 2.0, arg(0) * 2.0, arg(0) * 3.0}) == 2


def test_dtypes_must_agree() -> None:
    with pytest.raises(TypeError, match="add of f32, i64"):
        call("add", arg(0, F32), arg(1, I64))
    with pytest.raises(TypeError, match="select of f32"):
        select(arg(0), arg(1), arg(2))


@pytest.mark.parametrize(
    ("op", "dtype"),
    [("ceil", I32), ("exp", I64), ("shl", F32), ("and", F64), ("add", BOOL), ("max", C64),
     ("lt", STRING)],
)  # fmt: skip
def test_operations_take_some_kinds_of_dtypes(op: str, dtype: DType) -> None:
    operands = [arg(0, dtype)] * (1 if op in UNARY else 2)
    with pytest.raises(UnsupportedOperatorError, match=f"{op} of {dtype} is not supported"):
        call(op, *operands)


def test_what_a_dtype_cannot_be() -> None:
    with pytest.raises(UnsupportedOperatorError, match="inf as i32 is not supported"):
        const(math.inf, I32)
    with pytest.raises(UnsupportedOperatorError, match="conversion of c64 to f32"):
        cast(arg(0, C64), F32)


def test_arguments_have_dtypes() -> None:
    expr = select(arg(2, BOOL), arg(0) * 2.0, cast(arg(1, I32), F32))
    assert expr.arguments == {0: F32, 1: I32, 2: BOOL}
    assert const(1.0).arguments == {}


def test_powers_of_large_numbers_are_computed_modulo_their_dtype() -> None:
    power = call("pow", arg(0, I64), arg(1, I64))
    assert evaluate(power, (3, 2**62)) == (pow(3, 2**62, 2**64) + 2**63) % 2**64 - 2**63
    assert evaluate(call("shl", arg(0, I64), arg(1, I64)), (1, 2**62 + 3)) == 8


def test_expressions_are_immutable() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        arg(0).op = "const"


def test_substitute_shares_what_is_shared() -> None:
    x = arg(0)
    square = x * x
    out = substitute(square, [arg(0) + 1.0])
    assert out.args[0] is out.args[1]
    assert evaluate(out, [2.0]) == 9.0


@pytest.mark.parametrize(
    ("expr", "args", "expected"),
    [
        (clamp(arg(0), 0.0, 6.0), [7.5], 6.0),
        (call("round", arg(0)), [2.5], 2.0),
        (call("round", arg(0)), [-0.4], -0.0),
        (call("mod", arg(0, I32), arg(1, I32)), [-7, 3], 2),
        (call("fmod", arg(0, I32), arg(1, I32)), [-7, 3], -1),
        (call("div", arg(0, I32), arg(1, I32)), [-7, 2], -3),
        (call("div", arg(0), arg(1)), [1.0, 0.0], math.inf),
        (call("add", arg(0, I8), arg(1, I8)), [127, 1], -128),
        (call("exp", arg(0)), [1000.0], math.inf),
        (call("log", arg(0)), [0.0], -math.inf),
        (call("pow", arg(0), arg(1)), [math.nan, 0.0], 1.0),
        (cast(arg(0), U8), [300.7], 255),
        (cast(arg(0), I8), [-3.9], -3),
        (cast(arg(0, F64), F32), [0.1], float(np.float32(0.1))),
        (cast(arg(0), BOOL), [0.5], True),
        (select(arg(0) > 0.0, arg(0), arg(0) * 0.1), [-1.0], float(np.float32(-0.1))),
    ],
)
def test_evaluate(expr: object, args: list[float], expected: float) -> None:
    got = evaluate(expr, args)  # type: ignore[arg-type]
    assert got == expected
    assert math.copysign(1, got) == math.copysign(1, expected)


def test_nan_spreads_through_min_and_max() -> None:
    assert math.isnan(evaluate(call("max", arg(0), arg(1)), [math.nan, 1.0]))
    assert math.isnan(evaluate(call("min", arg(0), arg(1)), [1.0, math.nan]))


@pytest.mark.parametrize("value", [1e-8, 65519.0, 65520.0, 1e6, -1e6, 0.1, 5.96e-8])
def test_round_to_half_equals_numpy(value: float) -> None:
    with np.errstate(over="ignore"):
        assert round_to(F16, value) == float(np.float16(value))
