"""Reductions against NumPy in f64 or whole numbers, over odd sizes, dtypes and shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.reduce import emit_reduce
from wasmkiln.ir.dtype import BOOL, BY_NAME, F32, F64, I32, U8, DType
from wasmkiln.ir.expr import Expr, arg, call, cast
from wasmkiln.program.kernels.reduce import TILE, Fold, ReduceSpec

from tests.backends.wasm.harness import RELAXED, TARGETS, run_kernel

Array = np.ndarray[Any, Any]

FOLDS: dict[Fold, Any] = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min}
LENGTHS = [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 67, 1025]


def spec(fold: Fold, middle: bool, dtype: DType = F32) -> ReduceSpec:
    return ReduceSpec(fold, middle, (dtype,), arg(0, dtype), arg(0, dtype))


def run(s: ReduceSpec, target: Target, x: Array, out: Array, *extras: Array) -> Array:
    """The reduction of x [outer, R, inner], in two shares."""
    outer, r, inner = x.shape
    units = outer * -(-inner // TILE) if s.middle else outer
    args = [out, x, *extras, r, inner, r]
    result: Array = run_kernel(
        emit_reduce, s, target, args, units, output=0, shares=(units // 3,) if units > 2 else ()
    )
    return result


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("r", LENGTHS)
def test_rows(r: int, fold: Fold, target: Target) -> None:
    x = np.random.default_rng(r).uniform(0.95, 1.05, (5, r, 1)).astype("f")
    out = run(spec(fold, False), target, x, np.zeros(5, "f"))
    np.testing.assert_allclose(out, FOLDS[fold](x.astype("d"), 1)[:, 0], rtol=1e-5)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("inner", [2, 3, 4, 5, 15, 16, 17, 31, 33, 64])
@pytest.mark.parametrize("r", [1, 2, 63, 65, 131])
def test_columns(r: int, inner: int, fold: Fold, target: Target) -> None:
    x = np.random.default_rng(r).uniform(0.95, 1.05, (3, r, inner)).astype("f")
    out = run(spec(fold, True), target, x, np.zeros((3, inner), "f"))
    np.testing.assert_allclose(out, FOLDS[fold](x.astype("d"), 1), rtol=1e-5)


@pytest.mark.parametrize("middle", [False, True])
def test_long_sums_stay_accurate(middle: bool) -> None:
    shape = (1, 200_003, 3) if middle else (3, 200_003, 1)
    x = np.random.default_rng(0).uniform(0, 1, shape).astype("f")
    out = run(spec("sum", middle), RELAXED, x, np.zeros(3, "f"))
    np.testing.assert_allclose(out, x.astype("d").sum(1).reshape(-1), rtol=1e-6)


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("dtype", [I32, F64, *(BY_NAME[n] for n in ("i64", "u64", "u32"))], ids=str)
def test_other_dtypes(dtype: DType, middle: bool, fold: Fold) -> None:
    shape = (2, 7, 19) if middle else (5, 7, 1)
    low = 0 if dtype.kind == "u" else -9
    x = np.random.default_rng(1).integers(low, 9, shape).astype(dtype.full)
    if dtype.kind == "u":
        x = x * np.array(1 << (dtype.bits - 4), dtype.full)  # beyond the signed range
    out = run(spec(fold, middle, dtype), RELAXED, x, np.zeros((shape[0], shape[2]), dtype.full))
    np.testing.assert_array_equal(
        out, FOLDS[fold](x, 1, dtype=x.dtype) if fold in ("sum", "prod") else FOLDS[fold](x, 1)
    )


def test_narrow_integers_are_combined_in_i32() -> None:
    x = np.random.default_rng(2).integers(0, 255, (3, 11, 5)).astype("u1")
    s = ReduceSpec("max", True, (U8,), cast(arg(0, U8), I32), cast(arg(0, I32), U8))
    np.testing.assert_array_equal(run(s, RELAXED, x, np.zeros((3, 5), "u1")), x.max(1))


def test_bools() -> None:
    x = np.random.default_rng(2).integers(0, 2, (9, 3, 1)).astype("?")
    s = ReduceSpec("min", False, (BOOL,), cast(arg(0, BOOL), I32), cast(arg(0, I32), BOOL))
    np.testing.assert_array_equal(run(s, RELAXED, x, np.zeros(9, "?")), x.all(1)[:, 0])


def variance() -> tuple[Expr, Expr]:
    deviation = arg(0, F32) - arg(1, F32)
    return deviation * deviation, arg(0, F32) / arg(1, F32)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("inner", [1, 3, 16, 21])
@pytest.mark.parametrize("r", [1, 7, 100])
def test_expressions_with_the_count_and_an_operand(r: int, inner: int, target: Target) -> None:
    x = np.random.default_rng(r).normal(100, 1, (4, r, inner)).astype("f")
    average = x.mean(1, dtype="d").astype("f")
    s = ReduceSpec("sum", inner > 1, (F32, F32), *variance())
    out = run(s, target, x, np.zeros((4, inner), "f"), average)
    expected = ((x.astype("d") - average[:, None]) ** 2).mean(1)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-9)


def test_scalar_form_with_the_count_and_an_operand() -> None:
    x = np.random.default_rng(3).normal(0, 1, (4, 9, 18))
    top = x.max(1)
    pre = call("exp", arg(0, F64) - arg(1, F64))
    s = ReduceSpec(
        "sum", True, (F64, F64), pre, call("log", arg(0, F64) / arg(1, F64)) + arg(2, F64)
    )
    out = run(s, RELAXED, x, np.zeros((4, 18)), top)
    np.testing.assert_allclose(out, np.log(np.exp(x).mean(1)), rtol=1e-12)


@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("fold", FOLDS)
def test_of_nothing_the_neutral_element(fold: Fold, middle: bool) -> None:
    x = np.zeros((3, 0, 5 if middle else 1), "f")
    out = run(spec(fold, middle), RELAXED, x, np.ones((3, x.shape[2]), "f"))
    assert set(out.reshape(-1)) == {{"sum": 0, "prod": 1, "max": -np.inf, "min": np.inf}[fold]}
