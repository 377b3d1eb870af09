"""Transcendental functions: their error in ulp, and their special values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.math import exp_negative
from wasmkiln.ir.dtype import F32, F64
from wasmkiln.ir.expr import arg, call

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.test_expr import pairs, run_scalar, run_vector

INF, NAN = math.inf, math.nan

# function: the oracle, the range sampled, and the bound in ulp for f32
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[float, float], int]] = {
    "exp": (np.exp, (-103, 88.7), 1),
    "log": (np.log, (1e-38, 1e38), 1),
    "sin": (np.sin, (-1e4, 1e4), 2),
    "cos": (np.cos, (-1e4, 1e4), 2),
    "tan": (np.tan, (-1e4, 1e4), 3),
    "asin": (np.arcsin, (-1, 1), 3),
    "acos": (np.arccos, (-1, 1), 2),
    "atan": (np.arctan, (-20, 20), 3),
    "sinh": (np.sinh, (-89, 89), 2),
    "cosh": (np.cosh, (-89, 89), 2),
    "tanh": (np.tanh, (-10, 10), 2),
    "asinh": (np.arcsinh, (-3000, 3000), 2),
    "acosh": (np.arccosh, (1, 3000), 2),
    "atanh": (np.arctanh, (-1, 1), 2),
    "erf": (np.vectorize(math.erf, otypes=["f8"]), (-5, 5), 7),
}

POSITIVE_ONLY = ("log", "acosh")


def inputs(name: str, dtype: str) -> np.ndarray:
    """Even and logarithmic steps over the range, with both signs where they make sense."""
    _, (low, high), _ = FUNCTIONS[name]
    rng = np.random.default_rng(7)
    even = rng.uniform(low, high, 6000)
    smallest = -37 if dtype == "f4" else -300
    steps = 10.0 ** rng.uniform(smallest, math.log10(high), 6000)
    steps = steps if name in POSITIVE_ONLY else np.concatenate([steps, -steps])
    both = np.concatenate([even, steps]).astype(dtype)
    if name == "acosh":
        both = np.concatenate([1 + np.abs(both[both < 1]), both[both >= 1]])
    return both[(both >= low) & (both <= high)]


def ulps(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """The error in units of the last place of the rounded true value."""
    rounded = np.abs(want).astype(got.dtype)
    unit = np.spacing(np.maximum(rounded, np.finfo(got.dtype).tiny)).astype(want.dtype)
    with np.errstate(invalid="ignore"):
        error = np.abs(got.astype(want.dtype) - want) / unit
    same = (got == rounded * np.sign(want)) | (np.isinf(got) & np.isinf(rounded))
    return np.where(same & ~np.isfinite(rounded), 0, error)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.filterwarnings("ignore:overflow")
def test_f32_vectors_stay_within_their_bound(name: str, target: Target, inline: bool) -> None:
    oracle, _, bound = FUNCTIONS[name]
    x = inputs(name, "f4")
    got = run_vector(call(name, arg(0)), [F32], [x], target, inline)
    error = ulps(got, oracle(x.astype("f8")))
    worst = int(error.argmax())
    assert error[worst] <= bound, f"{name}({x[worst]!r}) = {got[worst]!r}: {error[worst]} ulp"


@pytest.mark.parametrize("target", TARGETS)
def test_exponentials_of_what_is_not_positive(target: Target) -> None:
    rng = np.random.default_rng(7)
    x = np.concatenate([rng.uniform(-87.3, 0, 6000), -(10.0 ** rng.uniform(-37, 1.9, 6000)), [0]])
    x = x[: len(x) // 4 * 4].astype("f4")
    got = run_vector(exp_negative(arg(0)), [F32], [x], target, True)
    assert ulps(got, np.exp(x.astype("f8"))).max() <= 1
    edge = np.array([-INF, -3.4e38, -88, -87.8, 0, -0.0, NAN, NAN], "f4")
    got = run_vector(exp_negative(arg(0)), [F32], [edge], target, True)
    np.testing.assert_array_equal(got, [0, 0, 0, 0, 1, 1, NAN, NAN])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_f64_scalars_are_within_two_ulp(name: str) -> None:
    oracle = FUNCTIONS[name][0]
    x = inputs(name, "f8")
    got = run_scalar(call(name, arg(0, F64)), [F64], [x])
    wide = x if name == "erf" else x.astype(np.longdouble)
    error = ulps(got, oracle(wide))
    worst = int(error.argmax())
    assert error[worst] <= 2, f"{name}({x[worst]!r}) = {got[worst]!r}: {error[worst]} ulp"


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_large_angles_are_reduced_exactly(name: str) -> None:
    oracle = getattr(math, name)
    rng = np.random.default_rng(3)
    wide = 10.0 ** rng.uniform(5, 308, 3000) * rng.choice([-1, 1], 3000)
    wide = np.concatenate([wide, [math.pi, 1e6, 1e22, 2.0**1023]])
    got = run_scalar(call(name, arg(0, F64)), [F64], [wide])
    assert ulps(got, np.array([oracle(v) for v in wide])).max() <= 2.5
    narrow = (10.0 ** rng.uniform(5, 38, 3000)).astype("f4")
    for target in TARGETS:
        vector = run_vector(call(name, arg(0)), [F32], [narrow], target, True)
        assert ulps(vector, np.array([oracle(float(v)) for v in narrow])).max() <= 2.5


def test_the_double_nearest_to_a_multiple_of_half_a_turn() -> None:
    """61 bits cancel; from Muller's Elementary Functions, as not all libraries get it right."""
    x = np.array([6381956970095103.0 * 2.0**797])
    got = run_scalar(call("cos", arg(0, F64)), [F64], [x])
    assert got[0] == -4.68716592425462761112e-19


SPECIAL: dict[str, list[tuple[float, float]]] = {
    "exp": [(0, 1), (-0.0, 1), (INF, INF), (-INF, 0), (89, INF), (-104, 0)],
    "log": [(1, 0), (0, -INF), (-0.0, -INF), (INF, INF), (-1, NAN), (-INF, NAN)],
    "sin": [(0, 0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "cos": [(0, 1), (INF, NAN)],
    "tan": [(0, 0), (-0.0, -0.0), (INF, NAN)],
    "asin": [(0, 0), (-0.0, -0.0), (1, np.pi / 2), (-1, -np.pi / 2), (1.5, NAN), (-INF, NAN)],
    "acos": [(1, 0), (-1, np.pi), (0, np.pi / 2), (1.5, NAN), (INF, NAN)],
    "atan": [(0, 0), (-0.0, -0.0), (INF, np.pi / 2), (-INF, -np.pi / 2)],
    "sinh": [(0, 0), (-0.0, -0.0), (INF, INF), (-INF, -INF)],
    "cosh": [(0, 1), (INF, INF), (-INF, INF)],
    "tanh": [(0, 0), (-0.0, -0.0), (INF, 1), (-INF, -1), (100, 1)],
    "asinh": [(0, 0), (-0.0, -0.0), (INF, INF), (-INF, -INF)],
    "acosh": [(1, 0), (0.5, NAN), (INF, INF), (-INF, NAN)],
    "atanh": [(0, 0), (-0.0, -0.0), (1, INF), (-1, -INF), (2, NAN)],
    "erf": [(0, 0), (-0.0, -0.0), (INF, 1), (-INF, -1), (10, 1)],
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.filterwarnings("ignore:overflow")
def test_special_values(name: str) -> None:
    x = np.array([*(x for x, _ in SPECIAL[name]), NAN])
    want = np.array([*(y for _, y in SPECIAL[name]), NAN])
    results = [(run_vector(call(name, arg(0)), [F32], [x], t, True), "f4") for t in TARGETS]
    results.append((run_scalar(call(name, arg(0)), [F32], [x]), "f4"))
    if name != "exp":
        results.append((run_scalar(call(name, arg(0, F64)), [F64], [x]), "f8"))
    for got, dtype in results:
        np.testing.assert_array_equal(got, want.astype(dtype))
        known = ~np.isnan(want)
        assert np.signbit(got[known]).tolist() == np.signbit(want[known]).tolist()


@pytest.mark.parametrize("target", TARGETS)
def test_f32_results_may_be_denormal(target: Target) -> None:
    x = np.linspace(-103.5, -86, 500).astype("f4")
    got = run_vector(call("exp", arg(0)), [F32], [x], target, True)
    assert ulps(got, np.exp(x.astype("f8"))).max() <= 1.5
    tiny = np.array([1e-45, 1e-40, 1.1754942e-38, 1.1754944e-38], "f4")
    got = run_vector(call("log", arg(0)), [F32], [tiny], target, True)
    assert ulps(got, np.log(tiny.astype("f8"))).max() <= 1.5


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value", "ignore:divide by zero")
def test_powers() -> None:
    rng = np.random.default_rng(5)
    x = 10.0 ** rng.uniform(-30, 30, 8000)
    y = rng.uniform(-10, 10, 8000)
    near_one = 1 + rng.uniform(-1e-3, 1e-3, 2000)
    x, y = np.concatenate([x, near_one]), np.concatenate([y, rng.uniform(-5e5, 5e5, 2000)])
    power = call("pow", arg(0, F64), arg(1, F64))
    want = np.power(x.astype(np.longdouble), y.astype(np.longdouble))
    keep = (want > 1e-300) & (want < 1e300)
    got = run_scalar(power, [F64, F64], [x, y])
    assert ulps(got[keep], want[keep]).max() <= 2
    special = [0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, INF, -INF, NAN, 1e300, -1e300, 1e-300]
    a, b = (g.reshape(-1) for g in np.meshgrid(special, special))
    np.testing.assert_allclose(
        run_scalar(power, [F64, F64], [a, b]), np.power(a, b), rtol=2.3e-16, atol=0
    )
    bases, exponents = pairs([*range(1, 100)], "f8", 1)[0], np.arange(1.0, 8.0)
    a, b = (g.reshape(-1) for g in np.meshgrid(bases, exponents))
    np.testing.assert_array_equal(run_scalar(power, [F64, F64], [a, b]), np.power(a, b))
    a, b = (g.reshape(-1) for g in np.meshgrid(special, special))
    a, b = a.astype("f4"), b.astype("f4")
    for target in TARGETS:
        got = run_vector(call("pow", arg(0), arg(1)), [F32, F32], [a, b], target, True)
        np.testing.assert_allclose(got, np.power(a, b), rtol=1.2e-7)
