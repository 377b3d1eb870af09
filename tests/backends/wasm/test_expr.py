"""Expr as Wasm, on vectors and scalars, against plain Python's evaluation of the same Expr."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm import asm as w
from wasmkiln.backends.wasm.asm import i32
from wasmkiln.backends.wasm.expr import ScalarExpr, VectorExpr, is_vectorizable, scalar_type
from wasmkiln.backends.wasm.legalize import lane
from wasmkiln.backends.wasm.module import Module
from wasmkiln.ir.dtype import (
    BF16,
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    DType,
)  # fmt: skip
from wasmkiln.ir.evaluate import evaluate
from wasmkiln.ir.expr import COMPARE, Expr, arg, call, cast, clamp, select

from tests.backends.wasm.harness import TARGETS, Sandbox

NUMPY = {"f32": "f4", "f64": "f8", "i32": "i4", "u32": "u4", "i64": "i8", "u64": "u8", "bool": "i4"}
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.75, -7.25, 1e-40, 6.5e4, 1e30, -1e30]
SPECIAL = [math.inf, -math.inf, math.nan]


def lanes(dtype: DType) -> str:
    return NUMPY[lane(dtype).name]


def run_scalar(expr: Expr, dtypes: Sequence[DType], columns: Sequence[np.ndarray]) -> np.ndarray:
    """The expression for each row of the columns, one value at a time."""
    m = Module(32)
    f = m.function("f", (i32,) * (2 + len(columns)), export=True)
    n, out, *sources = f.params
    i = f.local(i32)
    emitted = ScalarExpr(f, expr)
    size = np.dtype(lanes(expr.dtype)).itemsize
    with f.for_range(i, 0, n):
        args = [
            getattr(w, f"{scalar_type(lane(d))}_load")(p + i * scalar_type(lane(d)).nbytes)
            for p, d in zip(sources, dtypes, strict=True)
        ]
        value = emitted(*args)
        f.emit(getattr(w, f"{value.type}_store")(out + i * size, value))
    return run(m, expr, dtypes, columns, Target())


def run_vector(
    expr: Expr, dtypes: Sequence[DType], columns: Sequence[np.ndarray], target: Target, inline: bool
) -> np.ndarray:
    """The same, four at a time; a bool goes in and out as a mask."""
    m = Module(32)
    f = m.function("f", (i32,) * (2 + len(columns)), export=True)
    n, out, *sources = f.params
    i = f.local(i32)
    emitted = VectorExpr(f, target, expr, inline)
    with f.for_range(i, 0, f.let(n * 4), 16):
        args = [w.v128_load(p + i) for p in sources]
        args = [w.i32x4_neg(a) if d == BOOL else a for a, d in zip(args, dtypes, strict=True)]
        value = emitted(*args)
        f.v128_store(out + i, w.i32x4_neg(value) if expr.dtype == BOOL else value)
    return run(m, expr, dtypes, columns, target)


def run(
    m: Module, expr: Expr, dtypes: Sequence[DType], columns: Sequence[np.ndarray], target: Target
) -> np.ndarray:
    box = Sandbox(m, target)
    n = len(columns[0])
    sources = [box.put(c.astype(lanes(d))) for c, d in zip(columns, dtypes, strict=True)]
    out = box.put(np.zeros(n + 16, lanes(expr.dtype)))
    box.call("f", n, out, *sources)
    return box.get(out, lanes(expr.dtype), n)


def expected(expr: Expr, columns: Sequence[np.ndarray]) -> np.ndarray:
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return np.array([evaluate(expr, row) for row in rows], lanes(expr.dtype))


def pairs(values: Sequence[Any], dtype: str, arity: int) -> list[np.ndarray]:
    array = np.array(values, dtype)
    grid = np.meshgrid(*[array] * arity)
    return [g.reshape(-1) for g in grid]


def samples(dtype: DType) -> Sequence[Any]:
    if dtype.is_float:
        return [*FLOATS, *SPECIAL]
    if dtype == BOOL:
        return [0, 1]
    low = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
    high = low + (1 << dtype.bits) - 1
    return [low, low + 1, 0, 1, 2, 3, 7, 100, high - 1, high, *([-1, -2, -7] if low else [])]


def check(expr: Expr, dtypes: Sequence[DType], columns: Sequence[np.ndarray]) -> None:
    want = expected(expr, columns)
    results = [run_scalar(expr, dtypes, columns)]
    if is_vectorizable(expr):
        results += [run_vector(expr, dtypes, columns, t, True) for t in TARGETS]
    for got in results:
        if expr.dtype.is_float:
            np.testing.assert_array_equal(got, want)
        else:
            assert got.tolist() == want.tolist()


PLAIN_UNARY = ["neg", "abs", "sqrt", "floor", "ceil", "trunc", "round"]
PLAIN_BINARY = ["add", "sub", "mul", "div", "min", "max", "fmod"]


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("op", [*PLAIN_UNARY, *PLAIN_BINARY, *sorted(COMPARE)])
@pytest.mark.filterwarnings("ignore:overflow")
def test_float_operations(op: str, dtype: DType) -> None:
    arity = 1 if op in PLAIN_UNARY else 2
    expr = call(op, *(arg(i, dtype) for i in range(arity)))
    columns = pairs(samples(dtype), NUMPY[dtype.name], arity)
    if op in ("min", "max"):  # Python's min and max don't spread NaN from the second operand
        keep = ~np.isnan(columns[1])
        columns = [c[keep] for c in columns]
    check(expr, [dtype] * arity, columns)


@pytest.mark.parametrize("op", ["min", "max"])
@pytest.mark.parametrize("target", TARGETS)
def test_min_and_max_give_nan_for_nan(op: str, target: Target) -> None:
    nan = np.array([np.nan, np.nan, 1, 2], "f4")
    other = np.array([1, np.nan, np.nan, 3], "f4")
    got = run_vector(call(op, arg(0), arg(1)), [F32, F32], [nan, other], target, True)
    assert np.isnan(got).tolist() == [True, True, True, False]
    limited = run_vector(clamp(arg(0), 0.5, 1.5), [F32], [nan], target, True)
    np.testing.assert_array_equal(limited, np.array([np.nan, np.nan, 1, 1.5], "f4"))


INTEGERS = [I8, U8, I16, U16, I32, U32, I64, U64]
INTEGER_BINARY = ["add", "sub", "mul", "div", "mod", "fmod", "min", "max", "and", "or", "xor"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("op", [*INTEGER_BINARY, *sorted(COMPARE), "neg", "abs", "not"])
def test_integer_operations(op: str, dtype: DType) -> None:
    arity = 1 if op in ("neg", "abs", "not") else 2
    expr = call(op, *(arg(i, dtype) for i in range(arity)))
    check(expr, [dtype] * arity, pairs(samples(dtype), lanes(dtype), arity))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("op", ["shl", "shr", "pow"])
def test_shifts_and_powers_of_integers(op: str, dtype: DType) -> None:
    values = np.array(samples(dtype), lanes(dtype))
    for count in (0, 1, 3, dtype.bits - 1):
        counts = np.full_like(values, count)
        check(call(op, arg(0, dtype), count), [dtype], [values])
        check(call(op, arg(0, dtype), arg(1, dtype)), [dtype] * 2, [values, counts])
    if op == "pow" and dtype.kind == "i":
        check(
            call(op, arg(0, dtype), arg(1, dtype)), [dtype] * 2, [values, np.full_like(values, -3)]
        )


@pytest.mark.parametrize("op", ["and", "or", "xor", "eq", "ne", "not"])
def test_logic(op: str) -> None:
    arity = 1 if op == "not" else 2
    columns = pairs([False, True], "?", arity)
    check(call(op, *(arg(i, BOOL) for i in range(arity))), [BOOL] * arity, columns)


ALL = [BOOL, I8, U8, I16, U16, I32, U32, I64, U64, F32, F64]


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ALL)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_casts(source: DType, target: DType) -> None:
    values = samples(source)
    if source == F64 and target == F32:
        values = [v for v in values if abs(v) < 1e38 or not math.isfinite(v)]
    columns = [np.array(values, lanes(source))]
    check(cast(arg(0, source), target), [source], columns)


def test_half_precision_agrees_with_numpy_on_all_values() -> None:
    bits = np.arange(1 << 16, dtype="u2")
    widened = run_vector(cast(arg(0, F16), F32), [F16], [bits], TARGETS[0], True)
    np.testing.assert_array_equal(widened, bits.view("f2").astype("f4"))
    steps = np.random.default_rng(1).integers(0, 1 << 32, 1 << 15, dtype="u8").astype("u4")
    edges = (bits.astype("u4") << 16)[::3]
    values = np.concatenate([widened[::7], steps.view("f4"), edges.view("f4")])
    values = np.concatenate([values, np.array([65519.99, 65520, 2.0**-25, 2.98e-8, 6e-8], "f4")])
    with np.errstate(over="ignore"):
        want = values.astype("f2")
    got = run_scalar(cast(arg(0), F16), [F32], [values]).astype("u2").view("f2")
    np.testing.assert_array_equal(got, want)


def test_bfloat16_rounds_to_nearest_even() -> None:
    bits = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x7F7FFFFF, 0x7FC12345, 0x80000001], "u4")
    got = run_vector(cast(arg(0), BF16), [F32], [bits.view("f4")], TARGETS[0], True)
    assert [hex(b) for b in got] == ["0x3f80", "0x3f82", "0x3f81", "0x7f80", "0x7fc0", "0x8000"]
    wide = run_vector(cast(arg(0, BF16), F32), [BF16], [got], TARGETS[0], True)
    np.testing.assert_array_equal(wide.view("u4")[:4], got[:4].astype("u4") << 16)


def test_shared_steps_are_computed_once_and_selects_choose() -> None:
    x = arg(0)
    shared = x * x + 1.0
    expr = select(shared < 5.0, shared + shared, shared - x)
    values = np.array([0, 1, 2, -3, 5], "f4")
    check(expr, [F32], [values])
    m = Module()
    f = m.function("f")
    VectorExpr(f, Target("baseline"), expr)(w.f32x4_const(1))
    once = VectorExpr(f, Target("baseline"), expr)
    assert once(w.f32x4_const(1)).code.count(b"\xfd\xe6\x01") == 1  # f32x4.mul


def test_a_product_and_a_sum_are_fused_on_relaxed_simd_only() -> None:
    expr = arg(0) * arg(1) + arg(2)
    f = Module().function("f")
    zero = w.f32x4_const(0)
    relaxed = VectorExpr(f, Target("relaxed"), expr)(zero, zero, zero).code
    baseline = VectorExpr(f, Target("baseline"), expr)(zero, zero, zero).code
    assert b"\xfd\x85\x02" in relaxed
    assert b"\xfd\x85\x02" not in baseline
    assert b"\xfd\xe6\x01" in baseline


def test_an_emitter_may_be_used_again_and_ignores_unused_arguments() -> None:
    m = Module(1)
    f = m.function("f", (i32,), export=True)
    double = VectorExpr(f, Target(), arg(1) + arg(1))
    for k in range(3):
        f.v128_store(f.param(0), double(w.f32x4_const(9), w.f32x4_const(k)), offset=16 * k)
    box = Sandbox(m)
    out = box.put(np.zeros(12, "f4"))
    box.call("f", out)
    assert box.get(out, "f4", (3, 4))[:, 0].tolist() == [0, 2, 4]


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, -1, 0.5])
def test_constant_powers_are_products(exponent: float) -> None:
    x = np.array([0.0, -0.0, 1, -2, 3.5, np.inf, np.nan], "f4")
    with np.errstate(all="ignore"):
        want = np.power(x, np.float32(exponent))
    for target in TARGETS:
        got = run_vector(call("pow", arg(0), float(exponent)), [F32], [x], target, True)
        np.testing.assert_allclose(got, want, rtol=2e-7)


@pytest.mark.parametrize("low, high", [(-128, 127), (0, 255), (-(2**22), 2**22), (-32768, 3)])
def test_numbers_are_rounded_to_even_within_bounds(low: int, high: int) -> None:
    near = [i + d for i in (low, -2, -1, 0, 1, 2, high) for d in (-0.5, -0.499, 0.0, 0.499, 0.5)]
    column = np.array([*FLOATS, *near, math.inf, -math.inf], np.float32)
    check(cast(clamp(call("round", arg(0)), low, high), I32), [F32], [column])


def test_bounds_may_exclude_each_other() -> None:
    x = call("min", call("max", call("max", call("round", arg(0)), 5.0), 2.0), 3.0)
    check(cast(x, I32), [F32], [np.array([-9.0, 2.5, 4.0, 9.0], np.float32)])
    x = call("max", call("min", call("round", arg(0)), 3.0), 5.0)
    check(cast(x, I32), [F32], [np.array([-9.0, 2.5, 4.0, 9.0], np.float32)])


@pytest.mark.parametrize("bound", [2.0**22 + 1, 100.5])
def test_numbers_that_leave_the_low_bits_are_rounded_and_converted(bound: float) -> None:
    column = np.array([bound, 2.0**23, 1e9, -1e9, 2.5, bound - 0.5], np.float32)
    check(cast(call("min", call("round", arg(0)), bound), I32), [F32], [column])
