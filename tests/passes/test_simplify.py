"""Identities go; views and transposes join."""

from __future__ import annotations

import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ir.graph import Node
from wasmkiln.passes.simplify import moves_nothing, simplify

from tests.passes.graphs import filled, internal, node, run, typed

X = {"x": "f32[2,3,4]"}


def relu_of(made: Node, **consts: Const) -> str:
    """The text after simplifying relu(made), `made` giving `a` from `x`."""
    return run(typed(X, [made, node("Relu", "a", "y")], "y", consts), simplify)


@pytest.mark.parametrize(
    "made",
    [
        node("Identity", "x", "a"),
        node("Dropout", "x", "a"),
        node("Dropout", "x", "a -"),
        node("Cast", "x", "a", to=F32.onnx),
        node("Transpose", "x", "a", perm=(0, 1, 2)),
        node("Concat", "x", "a", axis=1),
        node("Add", "x zero", "a"),
        node("Add", "zero x", "a"),
        node("Sub", "x zero", "a"),
        node("Mul", "x ones", "a"),
        node("Div", "x one", "a"),
        node("Expand", "x shape", "a"),
        node("Tile", "x times", "a"),
        node(internal("View", shape=(2, 3, 4)), "x", "a"),
    ],
    ids=lambda n: n.op.op_type + "-" + "-".join(n.inputs),
)
def test_identities_vanish(made: Node) -> None:
    text = relu_of(
        made,
        zero=filled(0.0, 4),
        one=filled(1.0),
        ones=filled(1.0, 3, 1),
        shape=Const.of(I64, (2,), (3, 1)),
        times=filled(1, 3, dtype=I64),
    )
    assert text == "y: f32[2,3,4] = Relu(x)\n-> y\n"


@pytest.mark.parametrize(
    "made",
    [
        node("Sub", "zero x", "a"),
        node("Div", "one x", "a"),
        node("Add", "x wide", "a"),
        node("Mul", "x some", "a"),
        node("Cast", "x", "a", to=11),
        node("Tile", "x times", "a"),
    ],
    ids=lambda n: n.op.op_type + "-" + "-".join(n.inputs),
)
def test_what_changes_something_stays(made: Node) -> None:
    text = relu_of(
        made,
        zero=filled(0.0, 4),
        one=filled(1.0),
        wide=filled(0.0, 5, 1, 1, 1),
        some=Const.of(F32, (4,), (1.0, 1.0, 1.0, 0.5)),
        times=Const.of(I64, (3,), (1, 2, 1)),
    )
    assert made.op.op_type in text


def test_transposes_join() -> None:
    nodes = [
        node("Transpose", "x", "a", perm=(1, 2, 0)),
        node("Transpose", "a", "b", perm=(0, 2, 1)),
        node("Relu", "b", "y"),
    ]
    assert run(typed(X, nodes, "y"), simplify) == (
        "b.1: f32[3,2,4] = Transpose(perm=(1, 0, 2))(x)\ny: f32[3,2,4] = Relu(b.1)\n-> y\n"
    )


def test_transposes_that_undo_each_other_vanish() -> None:
    nodes = [
        node("Transpose", "x", "a", perm=(1, 2, 0)),
        node("Transpose", "a", "b", perm=(2, 0, 1)),
        node("Relu", "b", "y"),
    ]
    assert run(typed(X, nodes, "y"), simplify) == "y: f32[2,3,4] = Relu(x)\n-> y\n"


def test_a_transpose_of_small_dimensions_is_a_view() -> None:
    nodes = [node("Transpose", "x", "a", perm=(0, 2, 3, 1)), node("Relu", "a", "y")]
    assert run(typed({"x": "f32[2,8,1,1]"}, nodes, "y"), simplify) == (
        "a.1: f32[2,1,1,8] = View(shape=(2, 1, 1, 8))(x)\ny: f32[2,1,1,8] = Relu(a.1)\n-> y\n"
    )


def test_views_join_and_cancel() -> None:
    view = [
        node(internal("View", shape=s), i, o)
        for s, i, o in [((6, 4), "x", "a"), ((24,), "a", "b"), ((2, 3, 4), "b", "c")]
    ]
    nodes = [*view, node("Relu", "b", "y"), node("Relu", "c", "z")]
    assert run(typed(X, nodes, "y z"), simplify) == (
        "b.1: f32[24] = View(shape=(24,))(x)\n"
        "y: f32[24] = Relu(b.1)\n"
        "z: f32[2,3,4] = Relu(x)\n"
        "-> y\n-> z\n"
    )


def test_outputs_keep_their_names() -> None:
    g = typed(X, [node("Identity", "x", "y")], "y")
    assert run(g, simplify) == "-> y = x\n"


def test_moves_nothing() -> None:
    assert moves_nothing((2, 1, 3), (1, 0, 2))
    assert not moves_nothing((2, 1, 3), (2, 1, 0))
    assert moves_nothing((1, 1), (1, 0))
