"""Names of kernels say what they compute, and differ where expressions differ."""

from __future__ import annotations

from wasmkiln.ir.expr import arg, call, clamp
from wasmkiln.program.kernels.base import expr_tag


def test_short_chains_are_spelled_out() -> None:
    assert expr_tag(None) == ""
    assert expr_tag(clamp(arg(0), 0, 6)) == "_max0_min6"
    assert expr_tag(call("tanh", arg(0))) == "_tanh"
    assert expr_tag(arg(0) * 0.1) == "_mul0.1"


def test_numbers_that_differ_give_names_that_differ() -> None:
    assert expr_tag(arg(0) * 0.1000001) != expr_tag(arg(0) * 0.1000002)
    assert expr_tag(arg(0) * 0.10000001) != expr_tag(arg(0) * 0.1)


def test_other_expressions_are_hashed() -> None:
    tag = expr_tag(arg(0) + arg(1))
    assert tag.startswith("_add") and tag != expr_tag(arg(1) + arg(0))
