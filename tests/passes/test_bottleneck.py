"""Expand, depthwise convolution and projection become one node, or stay three."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.compiler import compile_model
from wasmkiln.ir.graph import Node
from wasmkiln.ops import bottleneck
from wasmkiln.options import CompileOptions
from wasmkiln.passes.bottleneck import fuse_bottlenecks
from wasmkiln.passes.epilogue import fuse_epilogues
from wasmkiln.passes.fuse import fuse_maps
from wasmkiln.passes.layout import layout
from wasmkiln.passes.maps import to_maps
from wasmkiln.passes.select import select
from wasmkiln.passes.simplify import simplify

from tests.ops.check import Array, build, check_model
from tests.ops.check import node as model_node
from tests.passes.graphs import OPTIONS, node, run, typed, weights

PASSES = (layout, to_maps, fuse_maps, fuse_epilogues, select, simplify, fuse_bottlenecks)
CHAIN = [
    node("Conv", "x e eb", "a"),
    node("Relu", "a", "b"),
    node("Conv", "b d db", "c", group=96, pads=(1, 1, 1, 1)),
    node("Relu", "c", "f"),
    node("Conv", "f p pb", "g"),
    node("Add", "g x", "y"),
]


def operators(
    nodes: list[Node], outputs: str = "y", options: CompileOptions = OPTIONS
) -> list[str]:
    """Those of the selected graph that multiply, in order."""
    consts = {
        "e": weights(96, 8, 1, 1),
        "d": weights(96, 1, 3, 3),
        "p": weights(8, 96, 1, 1),
        "eb": weights(96),
        "db": weights(96),
        "pb": weights(8),
        "full": weights(1, 96, 64, 64),
    }
    text = run(typed({"x": "f32[1,8,64,64]"}, nodes, outputs, consts), *PASSES, options=options)
    names = ("Bottleneck(", "GemmPacked(", "Depthwise(", "ConvPacked(")
    found = [line.split(" = ")[1] for line in text.splitlines() if " = " in line]
    return [next(n for n in names if op.startswith(n))[:-1] for op in found if op.startswith(names)]


def test_a_chain_with_its_residual_is_one_node() -> None:
    assert operators(CHAIN) == ["Bottleneck"]


def test_the_switch() -> None:
    assert operators(CHAIN, options=CompileOptions(bottleneck=False)) == [
        "GemmPacked", "Depthwise", "GemmPacked"
    ]  # fmt: skip


def test_shares_too_small_for_their_halos() -> None:
    assert "Bottleneck" in operators(CHAIN, options=CompileOptions(threads=8))
    assert "Bottleneck" not in operators(CHAIN, options=CompileOptions(threads=9))


def test_without_expand_it_begins_with_the_depthwise_convolution() -> None:
    dense = [node("Conv", "x s", "b", pads=(1, 1, 1, 1)), *CHAIN[2:]]
    consts = {
        "s": weights(96, 8, 3, 3),
        "d": weights(96, 1, 3, 3),
        "p": weights(8, 96, 1, 1),
        "db": weights(96),
        "pb": weights(8),
    }
    text = run(typed({"x": "f32[1,8,64,64]"}, dense, "y", consts), *PASSES)
    assert "ConvPacked(" in text and "Bottleneck(widen=None" in text


def test_what_others_use_is_kept() -> None:
    assert operators(CHAIN, "y b") == ["GemmPacked", "Bottleneck"]
    assert operators(CHAIN, "y f") == ["GemmPacked", "Depthwise", "GemmPacked"]


def test_operands_as_large_as_a_wide_map_stay_outside() -> None:
    wide = [CHAIN[0], node("Add", "a full", "b"), *CHAIN[2:]]
    assert operators(wide) == ["GemmPacked", "Bottleneck"]
    wide = [*CHAIN[:3], node("Add", "c full", "f"), *CHAIN[4:]]
    assert operators(wide) == ["GemmPacked", "Depthwise", "GemmPacked"]


def test_grouped_projections_stay_outside() -> None:
    grouped = [*CHAIN[:4], node("Conv", "f q", "y", group=2)]
    consts = {
        "e": weights(96, 8, 1, 1),
        "d": weights(96, 1, 3, 3),
        "q": weights(8, 48, 1, 1),
        "eb": weights(96),
        "db": weights(96),
    }
    assert "Bottleneck" not in run(typed({"x": "f32[1,8,64,64]"}, grouped, "y", consts), *PASSES)


def floats(*shape: int) -> Array:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("batch", [0, 1, 2])
@pytest.mark.parametrize(("window", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_equal_results(
    window: int, stride: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two blocks of odd sizes, the first without expand, also on several threads."""
    monkeypatch.setattr(bottleneck, "MAP_BYTES", 0)
    monkeypatch.setattr(bottleneck, "HALO", 0)
    pads, strides = [window // 2] * 4, [stride, stride]
    nodes = [
        model_node("Conv", "x d0", "a", group=7, pads=pads, strides=[2, 1]),
        model_node("Clip", "a low high", "b"),
        model_node("Conv", "b p0 k", "c"),
        model_node("Conv", "c e1", "f"),
        model_node("Clip", "f low high", "g"),
        model_node("Conv", "g d1", "h", group=23, pads=pads, strides=strides),
        model_node("HardSwish", "h", "i"),
        model_node("Conv", "i p1", "j"),
        *([model_node("Add", "c j", "y")] if stride == 1 else [model_node("Relu", "j", "y")]),
    ]
    consts: dict[str, Array] = {
        "d0": floats(7, 1, window, window),
        "p0": floats(9, 7, 1, 1),
        "k": floats(9),
        "e1": floats(23, 9, 1, 1) / 3,
        "d1": floats(23, 1, window, window) / 3,
        "p1": floats(9, 23, 1, 1) / 4,
        "low": np.array(0, np.float32),
        "high": np.array(6, np.float32),
    }
    x = floats(batch, 7, 23, 19)
    model = build(nodes, {"x": x, **consts}, consts.keys(), ["y"])
    options = [CompileOptions(bottleneck=on, threads=n) for on in (True, False) for n in (1, 3)]
    options.append(CompileOptions(simd="baseline", threads=2))
    options.append(CompileOptions(any_size=True, threads=2))
    check_model(model, {"x": x}, 1e-4, 2e-4, options=options)


def test_wide_maps_need_no_memory() -> None:
    nodes = [
        model_node("Conv", "x e", "a"),
        model_node("Relu", "a", "b"),
        model_node("Conv", "b d", "c", group=96, pads=[1, 1, 1, 1]),
        model_node("Conv", "c p", "y"),
    ]
    consts = {"e": floats(96, 8, 1, 1), "d": floats(96, 1, 3, 3), "p": floats(8, 96, 1, 1)}
    x = floats(1, 8, 64, 64)
    model = build(nodes, {"x": x, **consts}, consts.keys(), ["y"])
    check_model(model, {"x": x}, 1e-4, 2e-4)
    wide = 96 * 64 * 64 * 4
    whole, rows = (
        compile_model(model.SerializeToString(), CompileOptions(bottleneck=on)).artifact.arena_bytes
        for on in (False, True)
    )
    assert whole > 2 * wide and rows < wide
