"""Elementwise operators become Maps, with constants inside."""

from __future__ import annotations

import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import BOOL
from wasmkiln.ir.expr import arg, call, const, select
from wasmkiln.ir.graph import Node
from wasmkiln.passes.expand import expand
from wasmkiln.passes.maps import to_maps

from tests.passes.graphs import filled, internal, node, run, typed, weights


def mapped(*nodes: Node, x: str = "f32[2,3]", **consts: Const) -> str:
    """The text after expanding and mapping nodes from x to y."""
    return run(typed({"x": x}, nodes, "y", consts), expand, to_maps)


@pytest.mark.parametrize(
    ("made", "expr"),
    [
        (node("Relu", "x", "y"), "max(x0, 0.0)"),
        (node("Clip", "x low high", "y"), "min(max(x0, 0.0), 6.0)"),
        (node("Mul", "x half", "y"), "mul(x0, 0.5)"),
        (node("Sub", "half x", "y"), "sub(0.5, x0)"),
        (node("Mul", "x x", "y"), "mul(x0, x0)"),
        (node("Pow", "x two", "y"), "mul(x0, x0)"),
        (
            node("HardSigmoid", "x", "y"),
            "min(max(add(mul(x0, 0.2), 0.5), 0.0), 1.0)",
        ),
    ],
    ids=lambda v: v.op.op_type if isinstance(v, Node) else "",
)
def test_the_expression_says_it_all(made: Node, expr: str) -> None:
    consts = {"low": filled(0.0), "high": filled(6.0), "half": filled(0.5, 1, 1)}
    text = mapped(made, two=filled(2.0), **consts)
    assert text.partition(" = ")[2].startswith(f"Map(expr={expr})(x)\n")


def test_an_operand_is_passed_once() -> None:
    text = mapped(node("Sum", "x k x", "y"), k=weights(3))
    assert text == "y: f32[2,3] = Map(expr=add(add(x0, x1), x0))(x, k)\n-> y\n"


def test_a_map_that_gives_its_input_vanishes() -> None:
    one = filled(1.0, 1)
    negated = node("Mul", "x one", "a"), node("Neg", "a", "b"), node("Neg", "b", "y")
    assert mapped(*negated, one=one).count("neg") == 2
    assert mapped(node("Mul", "x one", "a"), node("Tanh", "a", "y"), one=one) == (
        "y: f32[2,3] = Map(expr=tanh(x0))(x)\n-> y\n"
    )


def test_a_constant_that_decides_the_shape_stays_an_operand() -> None:
    text = mapped(node("Add", "x one", "y"), x="f32[1]", one=filled(1.0, 1, 1, 1))
    assert text == "y: f32[1,1,1] = Map(expr=add(x0, x1))(x, one)\n-> y\n"


def test_an_operand_that_does_not_matter_goes() -> None:
    made = internal("Map", expr=select(const(0, BOOL), arg(0), call("exp", arg(1))))
    text = run(typed({"x": "f32[2,3]", "z": "f32[2,3]"}, [node(made, "x z", "y")], "y"), to_maps)
    assert text == "y: f32[2,3] = Map(expr=exp(x0))(z)\n-> y\n"
    made = internal("Map", expr=select(const(0, BOOL), arg(0), arg(1)))
    text = run(typed({"x": "f32[2,3]", "z": "f32[2,3]"}, [node(made, "x z", "y")], "y"), to_maps)
    assert text == "-> y = z\n"
    text = run(typed({"x": "f32[2,3]", "z": "f32[3]"}, [node(made, "x z", "y")], "y"), to_maps)
    assert text == "y: f32[2,3] = Map(expr=x1)(x, z)\n-> y\n"


def test_longer_constants_stay_operands() -> None:
    text = mapped(node("Add", "x k", "y"), k=filled(1.0, 3))
    assert text == "y: f32[2,3] = Map(expr=add(x0, x1))(x, k)\n-> y\n"
