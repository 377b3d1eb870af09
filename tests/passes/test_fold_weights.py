"""BatchNormalization and arithmetic per channel go into the weights."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.graph import Node
from wasmkiln.options import CompileOptions
from wasmkiln.passes.fold_weights import fold_weights
from wasmkiln.passes.partition import partition

from tests.passes.graphs import filled, node, run, typed, weights

X = {"x": "f32[2,4,6,6]"}
STATISTICS = {
    n: weights(8, at=4096 + 32 * i) for i, n in enumerate(["scale", "shift", "mean", "var"])
}


def norm(x: str, y: str, **attributes: object) -> Node:
    """A BatchNormalization by STATISTICS."""
    return node("BatchNormalization", f"{x} scale shift mean var", y, **attributes)


def folded(
    layer: Node,
    *after: Node,
    inputs: Mapping[str, str] = X,
    outputs: str = "y",
    **consts: Const,
) -> str:
    """The text after folding; what is computed at load must be all but one node."""
    g = typed(inputs, [layer, *after], outputs, {**STATISTICS, **consts})
    text = run(g, fold_weights)
    if "BatchNorm" not in text:
        assert len(partition(fold_weights(g, CompileOptions()))[1]) == len(outputs.split())
    return text


def test_a_batch_norm_behind_a_convolution() -> None:
    text = folded(
        node("Conv", "x w b", "a"), norm("a", "y"), w=weights(8, 4, 3, 3), b=weights(8, at=900)
    )
    assert text == (
        "y.1: f32[8] = Map(expr=mul(x0, div(1.0, sqrt(add(x1, 1e-05)))))(scale, var)\n"
        "y.2: f32[8] = Map(expr=sub(x0, mul(x1, x2)))(shift, mean, y.1)\n"
        "y.3: f32[8,1,1,1] = View(shape=(8, 1, 1, 1))(y.1)\n"
        "y.4: f32[8,4,3,3] = Map(expr=mul(x0, x1))(w, y.3)\n"
        "y.5: f32[8] = Map(expr=add(mul(x0, x1), x2))(b, y.1, y.2)\n"
        "y.6: f32[2,8,4,4] = Conv(x, y.4, y.5)\n"
        "-> y = y.6\n"
    )


def test_its_own_epsilon_is_used() -> None:
    text = folded(node("Conv", "x w", "a"), norm("a", "y", epsilon=0.25), w=weights(8, 4, 1, 1))
    assert "add(x1, 0.25)" in text and "Conv(x, y.4, y.2)" in text


def test_a_grouped_transposed_convolution_numbers_channels_group_by_group() -> None:
    layer = node("ConvTranspose", "x w", "a", group=2)
    text = folded(layer, norm("a", "y"), w=weights(4, 4, 3, 3))
    assert "View(shape=(2, 2, 4, 3, 3))(w)" in text
    assert "View(shape=(2, 1, 4, 1, 1))(y.1)" in text
    assert "f32[4,4,3,3] = View(shape=(4, 4, 3, 3))" in text


@pytest.mark.parametrize("transposed", [False, True])
def test_a_matrix_product(transposed: bool) -> None:
    layer = node("Gemm", "x w b", "a", transB=int(transposed), beta=0.5)
    text = folded(
        layer,
        norm("a", "y"),
        inputs={"x": "f32[3,16]"},
        w=weights(8, 16) if transposed else weights(16, 8),
        b=weights(8, at=900),
    )
    assert f"View(shape={(8, 1) if transposed else (8,)})" in text or not transposed
    assert "mul(x0, 0.5)" in text and "beta" not in text and "BatchNorm" not in text


def test_a_product_without_bias_gets_a_sum() -> None:
    layer = node("MatMul", "x w", "a")
    g = typed({"x": "f32[3,16]"}, [layer, norm("a", "y")], "y", {**STATISTICS, "w": weights(16, 8)})
    text = run(g, fold_weights)
    assert "BatchNorm" not in text
    assert text.splitlines()[-2].endswith("f32[3,8] = Map(expr=add(x0, x1))(y.5, y.2)")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (node("Mul", "a k", "y"), "Map(expr=mul(x0, x1))(w, "),
        (node("Mul", "k a", "y"), "Map(expr=mul(x0, x1))(w, "),
        (node("Div", "a k", "y"), "Map(expr=div(1.0, x0))("),
        (node("Add", "k a", "y"), "Map(expr=add(x0, x1))(b, "),
        (node("Sub", "a k", "y"), "Map(expr=neg(x0))("),
    ],
    ids=["mul", "lum", "div", "add", "sub"],
)
def test_arithmetic_per_channel(step: Node, expected: str) -> None:
    text = folded(
        node("Conv", "x w b", "a"),
        step,
        w=weights(8, 4, 1, 1),
        b=weights(8, at=900),
        k=weights(8, 1, 1, at=2000),
    )
    assert expected in text
    assert text.splitlines()[-2].split(" = ")[1].startswith("Conv(x, ")


def test_a_scalar_sum_becomes_a_bias() -> None:
    text = folded(
        node("Conv", "x w", "a"), node("Add", "a k", "y"), w=weights(8, 4, 1, 1), k=weights()
    )
    assert "ExpandTo(shape=(8,))" in text


def test_a_chain_folds_whole() -> None:
    steps = [norm("a", "n"), node("Mul", "n k", "m"), node("Add", "m k", "y")]
    text = folded(node("Conv", "x w", "a"), *steps, w=weights(8, 4, 1, 1), k=weights(1, 8, 1, 1))
    assert text.count("Conv(") == 1


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Conv", "x w", "a"), norm("a", "y"), node("Relu", "a", "z")],
        [node("Conv", "x v", "a"), norm("a", "y"), node("Relu", "y", "z")],
        [node("Conv", "x w", "a"), node("Mul", "a full", "y"), node("Relu", "y", "z")],
        [node("Conv", "x w", "a"), node("Mul", "a x2", "y"), node("Relu", "y", "z")],
        [node("Conv", "x w", "a"), node("Div", "k a", "y"), node("Relu", "y", "z")],
        [node("Conv", "x w", "a"), node("Mul", "a wider", "y"), node("Relu", "y", "z")],
    ],
    ids=["two users", "weights at run time", "per pixel", "at run time", "divided by", "broadcast"],
)
def test_what_is_not_affine_per_channel_stays(nodes: list[Node]) -> None:
    inputs = {**X, "v": "f32[8,4,1,1]", "x2": "f32[8,1,1]"}
    consts = {
        "w": weights(8, 4, 1, 1),
        "full": weights(8, 6, 6, at=8192),
        "k": filled(2.0, 8, 1, 1),
        "wider": filled(2.0, 3, 1, 8, 1, 1),
    }
    g = typed(inputs, nodes, "y z", {**STATISTICS, **consts})
    assert run(g, fold_weights).count(" = ") >= len(nodes)
    assert nodes[1].op.op_type in run(g, fold_weights)
