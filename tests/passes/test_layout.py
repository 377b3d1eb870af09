"""Channels last inside, with transposes only where nothing else helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import I64
from wasmkiln.ir.graph import Node
from wasmkiln.options import CompileOptions
from wasmkiln.passes.expand import expand
from wasmkiln.passes.layout import layout
from wasmkiln.passes.wishes import wishes

from tests.passes.graphs import filled, node, run, typed, weights

X = {"x": "f32[2,4,6,6]"}
FILTERS = {"w": weights(8, 4, 1, 1), "v": weights(8, 8, 1, 1, at=4096)}
# What each graph here begins with.
FIRST = (
    "x.1: f32[2,6,6,4] = Transpose(perm=(0, 2, 3, 1))(x)\n"
    "a.2: f32[2,6,6,8] = Conv(channels_last=True)(x.1, w)\n"
)


def conv(x: str, y: str, w: str = "w") -> Node:
    """A convolution; x has 4 channels for w and 8 for v."""
    return node("Conv", f"{x} {w}", y)


def ints(*values: int) -> Const:
    """A vector of integers."""
    return Const.of(I64, (len(values),), values)


def laid_out(
    nodes: Sequence[Node],
    outputs: str = "y",
    inputs: Mapping[str, str] = X,
    **consts: Const,
) -> str:
    """The graph's text after layout."""
    return run(typed(inputs, nodes, outputs, {**FILTERS, **consts}), expand, layout)


def test_one_transpose_in_one_out() -> None:
    text = laid_out([conv("x", "a"), node("Relu", "a", "r"), conv("r", "y", "v")])
    assert text == FIRST + (
        "r.3: f32[2,6,6,8] = Relu(a.2)\n"
        "y.4: f32[2,6,6,8] = Conv(channels_last=True)(r.3, v)\n"
        "y.5: f32[2,8,6,6] = Transpose(perm=(0, 3, 1, 2))(y.4)\n"
        "-> y = y.5\n"
    )


def test_switched_off_it_changes_nothing() -> None:
    g = typed(X, [conv("x", "y")], "y", FILTERS)
    assert layout(g, CompileOptions(channels_last=False)) is g


def test_constants_per_channel_are_viewed_or_transposed_once_and_for_all() -> None:
    nodes = [conv("x", "a"), node("Mul", "a k", "r"), node("Add", "r full", "y")]
    text = laid_out(nodes, k=filled(2.0, 8, 1, 1), full=weights(1, 8, 6, 6))
    steps = [line.partition(" = ")[2] for line in text.splitlines()[2:5]]
    assert steps[0].startswith("Mul(a.2, k.")  # folded: [8, 1, 1] has become [1, 1, 1, 8]
    assert steps[1] == "Transpose(perm=(0, 2, 3, 1))(full)"
    assert text.count("Transpose") == 3


def test_squeeze_and_excite_needs_no_transpose() -> None:
    nodes = [conv("x", "a"), node("GlobalAveragePool", "a", "p"), conv("p", "q", "v")]
    nodes += [node("Sigmoid", "q", "s"), node("Mul", "a s", "y")]
    assert laid_out(nodes) == FIRST + (
        "p.3: f32[2,1,1,8] = Reduce(axes=(1, 2), fold='sum', post=div(x0, x1))(a.2)\n"
        "q.4: f32[2,1,1,8] = Conv(channels_last=True)(p.3, v)\n"
        "s.5: f32[2,1,1,8] = Sigmoid(q.4)\n"
        "y.6: f32[2,6,6,8] = Mul(a.2, s.5)\n"
        "y.7: f32[2,8,6,6] = Transpose(perm=(0, 3, 1, 2))(y.6)\n"
        "-> y = y.7\n"
    )


def test_a_channel_shuffle_is_one_transpose_within_the_pixels() -> None:
    nodes = [
        conv("x", "a"),
        node("Reshape", "a split", "b"),
        node("Transpose", "b", "c", perm=(0, 2, 1, 3, 4)),
        node("Reshape", "c joined", "d"),
        conv("d", "e", "v"),
        node("GlobalMaxPool", "e", "y"),
    ]
    text = laid_out(nodes, split=ints(2, 2, 4, 6, 6), joined=ints(2, 8, 6, 6))
    assert [line.split(" = ")[1] for line in text.splitlines()[2:6]] == [
        "View(shape=(2, 6, 6, 2, 4))(a.2)",
        "Transpose(perm=(0, 1, 2, 4, 3))(a.3)",
        "View(shape=(2, 6, 6, 8))(a.4)",
        "Conv(channels_last=True)(a.5, v)",
    ]
    assert text.count("Transpose") == 2


def test_a_flattened_global_pool_is_a_view() -> None:
    nodes = [conv("x", "a"), node("GlobalAveragePool", "a", "p"), node("Flatten", "p", "y")]
    text = laid_out(nodes)
    assert text.count("Transpose") == 1 and "f32[2,8] = View(shape=(2, 8))" in text


def test_a_flattened_map_is_transposed_back() -> None:
    text = laid_out([conv("x", "a"), node("Flatten", "a", "y")])
    assert text.endswith(
        "a.3: f32[2,8,6,6] = Transpose(perm=(0, 3, 1, 2))(a.2)\n"
        "a.4: f32[2,288] = View(shape=(2, 288))(a.3)\n"
        "-> y = a.4\n"
    )


def test_operators_with_axes_follow() -> None:
    nodes = [
        conv("x", "a"),
        conv("a", "c", "v"),
        node("Concat", "a c", "d", axis=1),
        node("Split", "d sizes", "e f", axis=1),
        node("Softmax", "e", "g", axis=1),
        node("ReduceMax", "g axes", "y", keepdims=0),
        node("ArgMax", "f", "z", axis=1, keepdims=0),
    ]
    text = laid_out(nodes, "y z", sizes=ints(4, 12), axes=ints(2, 3))
    assert "Concat(axis=3)" in text
    assert "sizes=(2, 6, 6, 12))" in text
    assert "f32[2,6,6,4] = RowSoftmax" in text
    assert "Reduce(axes=(1, 2), fold='max')" in text
    assert text.count("Transpose") == 1


def test_transposes_of_a_channels_last_model_vanish() -> None:
    nodes = [
        node("Transpose", "x", "t", perm=(0, 3, 1, 2)),
        conv("t", "a"),
        node("Transpose", "a", "u", perm=(0, 2, 3, 1)),
        node("Add", "u bias", "s"),
        node("Transpose", "s", "n", perm=(0, 3, 1, 2)),
        conv("n", "b", "v"),
        node("Transpose", "b", "y", perm=(0, 2, 3, 1)),
    ]
    assert laid_out(nodes, inputs={"x": "f32[2,6,6,4]"}, bias=filled(1.0, 8)) == (
        "a.1: f32[2,6,6,8] = Conv(channels_last=True)(x, w)\n"
        "s.2: f32[2,6,6,8] = Add(a.1, bias)\n"
        "b.3: f32[2,6,6,8] = Conv(channels_last=True)(s.2, v)\n"
        "-> y = b.3\n"
    )


def test_attention_transposes_each_operand_once() -> None:
    nodes = [
        node("Reshape", "q heads", "q4"),
        node("Reshape", "k heads", "k4"),
        node("Transpose", "q4", "qt", perm=(0, 2, 1, 3)),
        node("Transpose", "k4", "kt", perm=(0, 2, 3, 1)),
        node("Mul", "kt scale", "ks"),
        node("MatMul", "qt ks", "a"),
        node("MatMul", "a qt", "o"),
        node("Transpose", "o", "ot", perm=(0, 2, 1, 3)),
        node("Reshape", "ot flat", "y"),
    ]
    text = laid_out(
        nodes,
        inputs={"q": "f32[2,7,12]", "k": "f32[2,7,12]"},
        heads=ints(2, 7, 3, 4),
        flat=ints(2, 7, 12),
        scale=filled(0.5),
    )
    assert text.count("Transpose(perm=(0, 2, 1, 3))") == text.count("Transpose") == 3
    assert "Product(transposed=True)" in text


def test_a_value_is_transposed_once_for_all_its_users() -> None:
    nodes = [conv("x", "a"), node("MatMul", "a k", "b"), node("MatMul", "a l", "c")]
    nodes += [node("Relu", "a", "r"), conv("r", "d", "v"), node("GlobalMaxPool", "d", "y")]
    text = laid_out(nodes, "b c y", k=weights(6, 3), l=weights(6, 3, at=8192))
    assert text.count("Transpose(perm=(0, 3, 1, 2))") == 1


def test_the_smaller_operand_is_moved() -> None:
    inputs = {**X, "small": "f32[1,1,6,6]"}
    text = laid_out([conv("x", "a"), node("Add", "a small", "y")], inputs=inputs)
    assert "f32[1,6,6,1] = View(shape=(1, 6, 6, 1))(small)" in text
    assert "f32[2,6,6,8] = Add(a.2" in text


def test_between_equal_operands_the_next_user_decides() -> None:
    nodes = [conv("x", "a"), node("Add", "a z", "s")]
    inputs = {**X, "z": "f32[2,8,6,6]"}
    last = laid_out([*nodes, conv("s", "y", "v")], inputs=inputs)
    assert "f32[2,6,6,8] = Add" in last
    first = laid_out([*nodes, node("Flatten", "s", "y")], inputs=inputs)
    assert "f32[2,8,6,6] = Add" in first


def test_one_dimensional_convolutions() -> None:
    nodes = [
        node("Unsqueeze", "x one", "u"),
        node("Conv", "u k", "a"),
        node("Squeeze", "a last", "b"),
        node("Relu", "b", "y"),
    ]
    text = laid_out(
        nodes, inputs={"x": "f32[2,50]"}, one=ints(1), last=ints(2), k=weights(3, 1, 50)
    )
    assert "Transpose" not in text and "-> y = y" in text


def test_wishes_see_through_flexible_operators() -> None:
    nodes = [
        node("Relu", "x", "r"),
        node("Transpose", "r", "t", perm=(0, 3, 1, 2)),
        conv("t", "a"),
        node("Relu", "a", "y"),
    ]
    g = typed({"x": "f32[2,6,6,4]"}, nodes, "y", FILTERS)
    wanted = wishes(g, {"w"})
    assert wanted["t"] == (0, 2, 3, 1)
    assert wanted["r"] == wanted["x"] == (0, 1, 2, 3)
    assert wanted["a"] == wanted["y"] == (0, 1, 2, 3)
