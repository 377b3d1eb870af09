"""Order of nodes, single definition, and cycles."""

from __future__ import annotations

import pytest
from wasmkiln.errors import InvalidModelError
from wasmkiln.onnx.functions import Call
from wasmkiln.onnx.order import order
from wasmkiln.onnx.proto import AttributeProto, GraphProto, NodeProto, TypeProto, ValueInfoProto


def call(text: str) -> Call:
    """`name: a b -> c` as a node."""
    name, rest = text.split(": ")
    inputs, outputs = rest.split("->")
    return Call(NodeProto("Op", "", name, tuple(inputs.split()), tuple(outputs.split())), {})


def names(*texts: str, given: str = "x", outer: str = "") -> list[str]:
    calls = [call(text) for text in texts]
    return [c.node.name for c in order(calls, given.split(), outer.split())]


def test_a_sorted_graph_keeps_its_order() -> None:
    assert names("b: x -> b", "a: x -> a", "c: a b -> c") == ["b", "a", "c"]


def test_an_unsorted_graph_is_sorted() -> None:
    assert names("c: a b -> c", "b: a -> b", "a: x -> a") == ["a", "b", "c"]


def test_a_value_may_come_from_around() -> None:
    assert names("a: seen -> a", given="", outer="seen") == ["a"]


def test_what_a_subgraph_takes_from_around_counts_as_an_input() -> None:
    info = ValueInfoProto("late", TypeProto())
    inner = GraphProto("g", (NodeProto("Op", "", "", ("i",), ("o",)),), (), (info,))
    inner = GraphProto("g", inner.nodes, (ValueInfoProto("i", TypeProto()),), (info,))
    branch = AttributeProto("then_branch", 5, inner)
    first = Call(NodeProto("If", "", "if", ("x",), ("y",), (branch,)), {})
    calls = [first, call("late: x -> late")]
    assert [c.node.name for c in order(calls, ["x"], ())] == ["late", "if"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a: x -> a", "b: x -> a"], "'a' is defined twice: by Op 'a' and by Op 'b'"),
        (["a: x -> a a"], "'a' is defined twice: by Op 'a' and by Op 'a'"),
        (["a: x -> x"], "'x' is defined twice: by the graph and by Op 'a'"),
        (["a: nowhere -> a"], "Op 'a' uses 'nowhere', which nothing defines"),
        (["a: a -> a"], "the graph has a cycle: Op 'a'"),
        (["a: b -> a", "b: x a -> b"], "the graph has a cycle: Op '[ab]' > Op '[ab]'"),
        (
            ["in: x -> i", "a: i c -> a", "b: a -> b", "c: b -> c", "out: c -> o"],
            "the graph has a cycle: Op 'a' > Op 'b' > Op 'c'|Op 'b' > Op 'c' > Op 'a'"
            "|Op 'c' > Op 'a' > Op 'b'",
        ),
    ],
)
def test_unsound_graphs(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        names(*texts)


def test_a_long_cycle_is_shortened() -> None:
    ring = [f"n{i}: v{i} -> v{(i + 1) % 5000}" for i in range(5000)]
    with pytest.raises(InvalidModelError, match=r"has a cycle: .* and 4992 more"):
        names(*ring)


def test_a_long_chain_backwards_is_sorted_without_recursion() -> None:
    chain = [f"n{i}: v{i} -> v{i + 1}" for i in reversed(range(20_000))]
    assert names(*chain, given="v0") == [f"n{i}" for i in range(20_000)]
