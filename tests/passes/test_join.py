"""Joined tensors are written in place, and come out the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.options import CompileOptions
from wasmkiln.passes import run_passes

from tests.ops.check import build, check_model, node
from tests.passes.graphs import node as graph_node
from tests.passes.graphs import typed, weights

RNG = np.random.default_rng(7)


def joins(nodes: list[Any], output: str = "y", **options: Any) -> bool:
    """Whether a Concat of what the nodes compute from x [1, 8, 6, 6] and filters is in place."""
    consts = {"v": weights(8, 8, 1, 1), "w": weights(8, 8, 3, 3, at=1024)}
    g = typed({"x": "f32[1,8,6,6]"}, nodes, output, consts)
    kinds = {n.op.op_type for n in run_passes(g, CompileOptions(**options)).nodes}
    assert len(kinds & {"Join", "Concat"}) == 1
    return "Join" in kinds


FIRE = [
    graph_node("Conv", "x v", "a"),
    graph_node("Conv", "x w", "b", pads=(1, 1, 1, 1)),
    graph_node("Relu", "b", "c"),
    graph_node("Concat", "a c", "y", axis=1),
]


def test_the_switch() -> None:
    assert joins(FIRE)
    assert not joins(FIRE, join=False)


@pytest.mark.parametrize(
    "nodes",
    [
        [*FIRE[:3], graph_node("Concat", "a c x", "y", axis=1)],
        [*FIRE[:3], graph_node("Concat", "a a c", "y", axis=1)],
        [*FIRE[:3], graph_node("Concat", "a c", "y", axis=2)],
        [*FIRE[:3], graph_node("Add", "c x", "s"), graph_node("Concat", "a s", "y", axis=1)],
    ],
    ids=["input", "twice", "axis", "residual"],
)
def test_left_as_they_are(nodes: list[Any]) -> None:
    assert not joins(nodes)


@pytest.mark.parametrize("filters", [8, 5])
@pytest.mark.parametrize("batch", [1, 2])
def test_models(batch: int, filters: int) -> None:
    """Products, convolutions and Winograd's, of odd widths, beside each other, then read again."""

    def floats(*shape: int) -> Any:
        return RNG.standard_normal(shape).astype(np.float32)

    nodes = [
        node("Conv", "x v", "a"),
        node("Relu", "a", "p"),
        node("Conv", "x w b", "q", pads=[1, 1, 1, 1]),
        node("Conv", "x u", "r", pads=[2, 2, 2, 2]),
        node("Sigmoid", "r", "s"),
        node("Concat", "p q s", "j", axis=1),
        node("Conv", "j z", "y"),
    ]
    consts = {
        "v": floats(filters, 16, 1, 1) / 4,
        "w": floats(2 * filters, 16, 3, 3) / 12,
        "b": floats(2 * filters),
        "u": floats(3, 16, 5, 5) / 20,
        "z": floats(6, 3 * filters + 3, 1, 1) / 5,
    }
    inputs = {"x": floats(batch, 16, 13, 15)}
    model = build(nodes, {**inputs, **consts}, consts.keys(), ["j", "y"] if batch == 2 else ["y"])
    options = [
        CompileOptions(join=join, simd=simd, threads=threads, winograd=winograd)
        for join in (True, False)
        for simd, threads, winograd in (
            ("relaxed", 1, True),
            ("baseline", 3, True),
            ("relaxed", 2, False),
        )
    ]
    check_model(model, inputs, 1e-4, 2e-5, options=options)


def test_scalars_made_into_a_vector() -> None:
    nodes = [
        node("ReduceSum", "x", "s", keepdims=0),
        node("ReduceMax", "x", "u", keepdims=0),
        node("Reshape", "s one", "t"),
        node("Reshape", "u one", "v"),
        node("Concat", "t v", "y", axis=0),
    ]
    x, one = RNG.standard_normal((3, 5)).astype(np.float32), np.array([1])
    check_model(build(nodes, {"x": x, "one": one}, ["one"], ["y"]), {"x": x})
