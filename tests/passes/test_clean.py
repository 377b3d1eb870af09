"""Equal nodes and constants merge; what no output needs goes."""

from __future__ import annotations

from wasmkiln.passes.clean import clean

from tests.passes.graphs import OPTIONS, filled, node, run, typed, weights


def test_equal_nodes_merge_through_each_other() -> None:
    nodes = [
        node("Relu", "x", "a"),
        node("Relu", "x", "b"),
        node("Neg", "a", "c"),
        node("Neg", "b", "d"),
        node("Add", "c d", "y"),
    ]
    assert run(typed({"x": "f32[4]"}, nodes, "y"), clean) == (
        "a: f32[4] = Relu(x)\nc: f32[4] = Neg(a)\ny: f32[4] = Add(c, c)\n-> y\n"
    )


def test_attributes_tell_nodes_apart() -> None:
    nodes = [node("LeakyRelu", "x", "a", alpha=0.1), node("LeakyRelu", "x", "b", alpha=0.2)]
    g = typed({"x": "f32[4]"}, nodes, "a b")
    assert clean(g, OPTIONS) is g


def test_dead_nodes_and_constants_go() -> None:
    consts = {"used": weights(4), "unused": weights(8, at=16)}
    nodes = [node("Add", "x used", "y"), node("Exp", "x", "z"), node("Neg", "z", "dead")]
    g = clean(typed({"x": "f32[4]"}, nodes, "y", consts), OPTIONS)
    assert [n.op.op_type for n in g.nodes] == ["Add"]
    assert set(g.consts) == {"used"} and set(g.types) == {"x", "used", "y"}


def test_equal_constants_merge_and_make_nodes_equal() -> None:
    consts = {"a": filled(2.0, 4), "b": filled(2.0, 4), "c": weights(4), "d": weights(4, at=16)}
    nodes = [node("Mul", "x a", "p"), node("Mul", "x b", "q")]
    nodes += [node("Add", "p c", "r"), node("Add", "q d", "s")]
    assert run(typed({"x": "f32[4]"}, nodes, "r s", consts), clean) == (
        "p: f32[4] = Mul(x, a)\nr: f32[4] = Add(p, c)\ns: f32[4] = Add(p, d)\n-> r\n-> s\n"
    )


def test_an_output_that_is_merged_keeps_its_name() -> None:
    nodes = [node("Relu", "x", "a"), node("Relu", "x", "b")]
    assert run(typed({"x": "f32[4]"}, nodes, "a b"), clean) == (
        "a: f32[4] = Relu(x)\n-> a\n-> b = a\n"
    )


def test_an_absent_output_is_no_absent_input() -> None:
    nodes = [
        node("MaxPool", "x", "a i", kernel_shape=(2,)),
        node("MaxPool", "x", "b -", kernel_shape=(2,)),
        node("Clip", "b - top", "y"),
    ]
    g = clean(typed({"x": "f32[1,2,4]"}, nodes, "y i", {"top": filled(1.0)}), OPTIONS)
    assert g.nodes[-1].inputs == ("a", "", "top")
