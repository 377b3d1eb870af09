"""What depends on constants only is computed at load."""

from __future__ import annotations

from wasmkiln.passes.partition import partition, static_values

from tests.passes.graphs import node, typed, weights


def test_init_and_main_are_split_by_what_they_depend_on() -> None:
    nodes = [
        node("Relu", "x", "a"),
        node("Exp", "w", "b"),
        node("Mul", "b w", "c"),
        node("Add", "a c", "y"),
    ]
    g = typed({"x": "f32[64]"}, nodes, "y", {"w": weights(64)})
    init, main = partition(g)
    assert [n.outputs[0] for n in init] == ["b", "c"]
    assert [n.outputs[0] for n in main] == ["a", "y"]
    assert static_values(g) == {"w", "b", "c"}


def test_an_absent_input_depends_on_nothing() -> None:
    nodes = [node("Clip", "w - high", "a"), node("Add", "x a", "y")]
    consts = {"w": weights(64), "high": weights(at=256)}
    init, main = partition(typed({"x": "f32[64]"}, nodes, "y", consts))
    assert [n.outputs[0] for n in init] == ["a"] and len(main) == 1


def test_the_weights_that_need_the_most_room_come_first() -> None:
    nodes = [
        node("Exp", "v", "a"),
        node("Exp", "w", "b"),
        node("Relu", "b", "c"),
        node("Relu", "a", "d"),
        node("Add", "x d", "s"),
        node("Concat", "s c", "y", axis=0),
    ]
    g = typed({"x": "f32[64]"}, nodes, "y", {"v": weights(64), "w": weights(128, at=256)})
    init, _ = partition(g)
    assert [n.outputs[0] for n in init] == ["b", "c", "a", "d"]
