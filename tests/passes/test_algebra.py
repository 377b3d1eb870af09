"""Expressions are simplified without changing what they compute."""

from __future__ import annotations

import math
from random import Random

import pytest
from wasmkiln.ir.dtype import BOOL, F32, I32, I64
from wasmkiln.ir.evaluate import evaluate, round_to
from wasmkiln.ir.expr import BINARY, Expr, arg, call, cast, const, select
from wasmkiln.passes.algebra import reduced, weight

X, Y = arg(0), arg(1)
N = arg(0, I32)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (X + 0, "x0"),
        (0 + X, "x0"),
        (X - 0, "x0"),
        (X * 1, "x0"),
        (X / 1, "x0"),
        (X / 8, "mul(x0, 0.125)"),
        (X / 3, "div(x0, 3.0)"),
        (N / 4, "div(x0, 4)"),
        (2 * X, "mul(x0, 2.0)"),
        (1 - X, "sub(1.0, x0)"),
        (call("pow", X, 3.0), "mul(mul(x0, x0), x0)"),
        (call("pow", X, 0.5), "sqrt(x0)"),
        (call("pow", X, -1.0), "div(1.0, x0)"),
        (call("pow", X, 1.7), "pow(x0, 1.7)"),
        (call("pow", N, -1), "pow(x0, -1)"),
        (call("neg", -X), "x0"),
        (X * (const(2.0) + 1), "mul(x0, 3.0)"),
        (X + call("sqrt", const(2.0)), "add(x0, 1.4142135381698608)"),
        (select(const(1, BOOL), X, Y), "x0"),
        (select(const(0, BOOL), X, Y), "x1"),
        (select(X < Y, X, X), "x0"),
        (cast(const(2.9), I64), "2"),
        (call("xor", N, 0), "x0"),
        (call("shl", N, 0), "x0"),
        (X * 0, "mul(x0, 0.0)"),  # NaN and infinity must come through
    ],
    ids=repr,
)
def test_rules(expr: Expr, expected: str) -> None:
    assert repr(reduced(expr)) == expected


def test_random_expressions_keep_their_value() -> None:
    random = Random(7)
    ops = sorted(BINARY - {"and", "or", "xor", "shl", "shr", "mod", "fmod"})

    def tree(depth: int) -> Expr:
        if depth == 0 or random.random() < 0.2:
            return (
                arg(random.randrange(2))
                if random.random() < 0.5
                else const(random.choice([0, 1, 2, 0.5, 3, -1]))
            )
        if random.random() < 0.2:
            return call(random.choice(["neg", "abs", "sqrt", "floor"]), tree(depth - 1))
        if random.random() < 0.1:
            return select(tree(depth - 1) < tree(depth - 1), tree(depth - 1), tree(depth - 1))
        return call(random.choice(ops), tree(depth - 1), tree(depth - 1))

    for _ in range(2000):
        expr = tree(4)
        small = reduced(expr)
        assert weight(small) <= weight(expr) + repr(expr).count("pow")
        values = [round_to(F32, random.uniform(low, 4)) for low in (-4, 0.1)]
        wanted, found = evaluate(expr, values), evaluate(small, values)
        if math.isfinite(wanted) and abs(wanted) < 1e30:
            assert math.isclose(wanted, found, rel_tol=1e-4, abs_tol=1e-5), (expr, small)


def test_weight_counts_shared_parts_once() -> None:
    part = (X + Y) * 2
    assert weight(part * part + part) == 4
    assert weight(X) == 0


def test_constants_are_rounded_to_their_dtype() -> None:
    folded = reduced(const(0.1, F32) + const(0.2, F32))
    assert folded == const(evaluate(const(0.1) + const(0.2), ()))
