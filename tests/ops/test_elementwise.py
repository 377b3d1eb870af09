"""Arithmetic, comparison and logic over dtypes, with broadcasting and folding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.options import CompileOptions

from tests.ops.check import Array, build, check_model, check_op, node, run_ours

RNG = np.random.default_rng(9)
BOTH = [CompileOptions(), CompileOptions(simd="baseline", threads=2)]

INTEGERS = ["i4", "i8", "i1", "u1", "i2", "u2", "u4", "u8"]
FLOATS = ["f4", "f8"]


def sample(dtype: str, *shape: int) -> Array:
    """Values small enough that nothing overflows where that is undefined."""
    if dtype == "?":
        return RNG.random(shape) < 0.5
    values = RNG.standard_normal(shape) * 9
    return (np.abs(values) if dtype[0] == "u" else values).astype(dtype)


def broadcasts(op: str, dtype: str) -> None:
    """Check an operator for several ways of broadcasting, and folded."""
    for a, b in [((37,), (37,)), ((3, 1, 7), (5, 1)), ((4, 5), ()), ((1, 4, 6), (2, 4, 1))]:
        check_op(op, sample(dtype, *a), sample(dtype, *b))
    check_op(op, sample(dtype, 3, 1), sample(dtype, 4), const=[0, 1])


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "i1", "u4", "u8"])
def test_arithmetic(op: str, dtype: str) -> None:
    broadcasts(op, dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "i1", "u4", "u8"])
def test_division(dtype: str) -> None:
    x, y = sample(dtype, 5, 40), sample(dtype, 40)
    y[y == 0] = 3
    check_op("Div", x, y)
    check_op("Div", x, y, const=[0, 1])
    check_op("Div", x, y[0], const=[1])


@pytest.mark.parametrize("op", ["Div", "Mod"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_division_by_zero_does_not_trap(op: str, dtype: str) -> None:
    """ONNX leaves the result open, and onnxruntime crashes."""
    x, y = np.array([5, 0, 7], dtype), np.array([0, 0, 2], dtype)
    model = build([node(op, "x y", "z")], {"x": x, "y": y}, set(), ["z"])
    (z,) = run_ours(model, {"x": x, "y": y})
    assert z[2] == (3 if op == "Div" else 1)


def test_division_of_the_least_integer() -> None:
    for dtype in ("i4", "i8"):
        least = np.iinfo(dtype).min
        x, y = np.array([least, least], dtype), np.array([-1, 2], dtype)
        model = build([node("Div", "x y", "z")], {"x": x, "y": y}, set(), ["z"])
        (z,) = run_ours(model, {"x": x, "y": y})
        np.testing.assert_array_equal(z, [least, least // 2])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_mod(dtype: str) -> None:
    x, y = sample(dtype, 60), sample(dtype, 60)
    y[y == 0] = 3
    for fmod in (0, 1):
        check_op("Mod", x, y, fmod=fmod)
    check_op("Mod", x, y, const=[0, 1])


@pytest.mark.parametrize("dtype", FLOATS)
def test_fmod(dtype: str) -> None:
    x, y = sample(dtype, 60), sample(dtype, 60)
    check_op("Mod", x, y, fmod=1)
    check_op("Mod", x, y, fmod=1, const=[0, 1])


@pytest.mark.parametrize(
    ("base", "exponent"), [("f4", "f4"), ("f8", "f8"), ("f4", "i8"), ("i4", "i4"), ("f4", "i4"),
                           ("i4", "f4"), ("i8", "i8"), ("f8", "f4")]
)  # fmt: skip
def test_pow(base: str, exponent: str) -> None:
    x = np.abs(sample(base, 30)) + np.ones(1, base)
    y = np.tile(np.array([0, 1, 2, 3], exponent), 8)[:30]
    check_op("Pow", x, y, rtol=1e-5)
    check_op("Pow", -x, y[2], const=[1], rtol=1e-5)
    check_op("Pow", x, y, const=[0, 1], rtol=1e-5)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 3.0, -1.0, -0.5, 2.5])
def test_pow_with_a_constant(exponent: float) -> None:
    x = np.abs(sample("f4", 50)) + np.float32(0.1)
    check_op("Pow", x, np.array(exponent, "f4"), const=[1], rtol=1e-5)


def test_pow_of_edge_cases() -> None:
    x = np.array([0, 0, -2, -2, np.inf, 1, np.nan, -0.0, -8], "f4")
    y = np.array([0, -1, 3, 0.5, -1, np.nan, 0, -3, 1 / 3], "f4")
    check_op("Pow", x, y)
    check_op("Pow", x, y, const=[0, 1])


UNARY = ["Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Reciprocal", "Sqrt", "Exp", "Log", "Erf",
         "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh",
         "Tanh"]  # fmt: skip
DOMAIN = {"Sqrt": (0, 50), "Log": (1e-3, 50), "Asin": (-1, 1), "Acos": (-1, 1), "Acosh": (1, 50),
          "Atanh": (-0.99, 0.99), "Tan": (-1.5, 1.5)}  # fmt: skip
ONLY_F32 = {"Sinh", "Cosh", "Erf", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Tan"}


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("dtype", FLOATS)
def test_function(op: str, dtype: str) -> None:
    low, high = DOMAIN.get(op, (-6, 6))
    x = np.linspace(low, high, 211).astype(dtype)
    if dtype == "f8" and op in ONLY_F32:
        pytest.skip("onnxruntime has this operator in f32 only")
    # The functions of math.py are good to a few units in the last place of f32.
    rtol = 2e-6 if dtype == "f4" else 1e-12
    check_op(op, x, rtol=rtol, atol=2e-7 if dtype == "f4" else 1e-14, options=BOTH)
    check_op(op, x, rtol=rtol, atol=2e-7, const=[0])


@pytest.mark.parametrize("op", sorted(set(UNARY) - {"Sin", "Cos", "Tan", "Sign"}))
def test_function_of_special_values(op: str) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e-30, 1e30, -1e30, 100, -100], "f4")
    check_op(op, x, rtol=1e-5, options=BOTH)


@pytest.mark.parametrize("dtype", ["i4", "i8", "i1"])
@pytest.mark.parametrize("op", ["Abs", "Neg", "Sign"])
def test_integer_function(op: str, dtype: str) -> None:
    check_op(op, sample(dtype, 37))
    check_op(op, sample(dtype, 37), const=[0])


def test_sign_of_unsigned() -> None:
    check_op("Sign", np.array([0, 1, 200], "u1"))


def test_round_is_half_to_even() -> None:
    check_op("Round", np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e9, 0.49999997, -2.5], "f4"))


@pytest.mark.parametrize("op", ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_comparison(op: str, dtype: str) -> None:
    a, b = sample(dtype, 5, 9), sample(dtype, 9)
    b[:4] = a[0, :4]
    check_op(op, a, b, opset=16)
    check_op(op, a, b, opset=16, const=[0, 1])
    if dtype[0] == "f":
        special = np.array([np.nan, np.inf, 0.0], dtype)
        check_op(op, special, np.array([np.nan, np.inf, -0.0], dtype), opset=16)


def test_equal_of_bools() -> None:
    check_op("Equal", sample("?", 40), sample("?", 40))


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_logic(op: str) -> None:
    broadcasts(op, "?")


def test_not() -> None:
    check_op("Not", sample("?", 40))
    check_op("Not", sample("?", 40), const=[0])


@pytest.mark.parametrize("op", ["BitwiseAnd", "BitwiseOr", "BitwiseXor"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_bitwise(op: str, dtype: str) -> None:
    broadcasts(op, dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_bitwise_not(dtype: str) -> None:
    check_op("BitwiseNot", sample(dtype, 40))
    check_op("BitwiseNot", sample(dtype, 40), const=[0])


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("dtype", ["u1", "u4", "u8"])
def test_bit_shift(dtype: str, direction: str) -> None:
    x, y = sample(dtype, 40), RNG.integers(0, 8, 40).astype(dtype)
    check_op("BitShift", x, y, direction=direction)
    check_op("BitShift", x, y, direction=direction, const=[0, 1])


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("LEFT", [-8, 0, 0, -(2**31)]), ("RIGHT", [-2, -1, -1, -1])],
)
def test_signed_bit_shift(direction: str, expected: list[int]) -> None:
    """By 1, 40, -3 and 31; newer than what onnxruntime knows."""
    x, y = np.array([-4, -4, -4, -1], "i4"), np.array([1, 40, -3, 31], "i4")
    shift = node("BitShift", "x y", "z", direction=direction)
    (z,) = run_ours(build([shift], {"x": x, "y": y}, set(), ["z"], opset=28), {"x": x, "y": y})
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize("op", ["Min", "Max"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u4", "u8"])
def test_extremes(op: str, dtype: str) -> None:
    check_op(op, sample(dtype, 3, 5), sample(dtype, 5), sample(dtype, 1))
    check_op(op, sample(dtype, 9))
    check_op(op, sample(dtype, 9), sample(dtype, 9), const=[0, 1])


@pytest.mark.parametrize("op", ["Min", "Max"])
def test_extremes_of_nan(op: str) -> None:
    x, y = np.array([np.nan, 1, np.nan], "f4"), np.array([1, np.nan, np.nan], "f4")
    check_op(op, x, y, options=BOTH)


@pytest.mark.parametrize("op", ["Sum", "Mean"])
def test_sums(op: str) -> None:
    check_op(op, sample("f4", 3, 5), sample("f4", 5), sample("f4", 3, 1), sample("f4", 1))
    check_op(op, sample("f4", 9))


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min"])
def test_many_inputs(op: str) -> None:
    check_op(op, *(sample("f4", 7) for _ in range(100)), rtol=1e-4)
    check_op(op, *(sample("f4", 3, *[1] * (i % 2)) for i in range(30)), rtol=1e-4, atol=1e-4)


def test_tests_of_floats() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0, 3], "f4")
    for dtype in FLOATS:
        check_op("IsNaN", x.astype(dtype))
        for negative in (0, 1):
            for positive in (0, 1):
                flags: dict[str, Any] = {"detect_negative": negative, "detect_positive": positive}
                check_op("IsInf", x.astype(dtype), **flags)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "i4", "u1"])
def test_where(dtype: str) -> None:
    check_op("Where", sample("?", 3, 1, 7), sample(dtype, 5, 7), sample(dtype))
    check_op("Where", sample("?", 33), sample(dtype, 33), sample(dtype, 33))
    check_op("Where", sample("?", 9), sample(dtype, 1), sample(dtype, 9), const=[0, 1, 2])


def test_a_chain_is_one_kernel() -> None:
    """Elementwise operators with different broadcasts, fused."""
    nodes = [
        node("Mul", "x scale", "a"),
        node("Add", "a shift", "b"),
        node("Relu", "b", "c"),
        node("Sub", "c x", "d"),
        node("Greater", "d zero", "mask"),
        node("Where", "mask d shift", "y"),
    ]
    arrays = {"x": sample("f4", 2, 6, 5), "scale": sample("f4", 6, 1), "shift": sample("f4", 5)}
    arrays["zero"] = np.zeros((), "f4")
    model = build(nodes, arrays, {"scale", "shift", "zero"}, ["y"])
    check_model(model, {"x": arrays["x"]}, options=BOTH)


def test_large_and_odd_sizes() -> None:
    for shape in ((100_003,), (1009, 17), (3, 5, 7, 11, 13)):
        check_op("Add", sample("f4", *shape), sample("f4", shape[-1]), options=BOTH)


def test_unequal_dtypes() -> None:
    feeds = {"a": sample("f4", 3), "b": sample("i8", 3)}
    model = build([node("Add", "a b", "y")], feeds, set(), ["y"])
    with pytest.raises(ShapeError, match="add of f32, i64: dtypes differ"):
        run_ours(model, feeds)


def test_shapes_that_do_not_broadcast() -> None:
    feeds = {"a": sample("f4", 3), "b": sample("f4", 4)}
    model = build([node("Add", "a b", "y")], feeds, set(), ["y"])
    with pytest.raises(ShapeError, match=r"shapes \[3\] and \[4\] do not broadcast"):
        run_ours(model, feeds)
