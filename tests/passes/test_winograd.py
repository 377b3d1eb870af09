"""Which convolutions run after Winograd, and that whole models come out the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.graph import Graph
from wasmkiln.ir.types import TensorType
from wasmkiln.options import CompileOptions
from wasmkiln.passes import partition, run_passes
from wasmkiln.passes.winograd import tile_size

from tests.backends.wasm.kernels.convolution import axis
from tests.ops.check import build, check_model, node
from tests.passes.graphs import node as graph_node
from tests.passes.graphs import typed, weights

RNG = np.random.default_rng(5)


def convolution(
    x: str = "f32[1,16,14,14]", filters: tuple[int, ...] = (16, 16, 3, 3), **attributes: Any
) -> Graph:
    """One convolution, padded by 1 unless the attributes say otherwise."""
    attributes = {"pads": (1, 1, 1, 1)} | attributes
    nodes = [graph_node("Conv", "x w", "y", **attributes)]
    return typed({"x": x}, nodes, "y", {"w": weights(*filters)})


def selected(g: Graph, **options: Any) -> list[str]:
    """The convolution operators that each run computes."""
    _, main = partition(run_passes(g, CompileOptions(**options)))
    return [n.op.op_type for n in main if n.op.op_type in ("Winograd", "ConvPacked")]


def test_filters_are_transformed_at_load() -> None:
    g = run_passes(convolution(), CompileOptions(winograd=True))
    init, main = partition(g)
    assert [n.op.op_type for n in init] == ["WinogradFilters"]
    assert [n.op.op_type for n in main if n.op.op_type == "Winograd"] == ["Winograd"]


def test_the_switch() -> None:
    assert selected(convolution(), winograd=True) == ["Winograd"]
    assert selected(convolution(), winograd=False) == ["ConvPacked"]


@pytest.mark.parametrize(
    "g",
    [
        convolution(strides=(2, 2)),
        convolution(dilations=(2, 2)),
        convolution(filters=(16, 8, 3, 3), group=2),
        convolution(filters=(16, 16, 5, 5)),
        convolution("f32[1,12,14,14]", (16, 12, 3, 3)),
        convolution("f32[1,16,3,3]"),  # four tiles for little more than one
        convolution("f32[1,512,4,4]", (512, 512, 3, 3)),  # filters of 16 MiB for four tiles
    ],
    ids=["stride", "dilation", "group", "window", "channels", "small", "filters"],
)
def test_left_as_they_are(g: Graph) -> None:
    assert selected(g, winograd=True) == ["ConvPacked"]


@pytest.mark.parametrize(
    ("channels", "size", "tile"),
    [(8, 160, 4), (16, 14, 4), (64, 6, 2), (64, 12, 4), (256, 14, 2), (512, 7, 2), (512, 20, 4)],
)
def test_tiles_of_2_for_small_maps_and_large_filters(channels: int, size: int, tile: int) -> None:
    axes = (axis(size, 3, pads=1),) * 2
    x = TensorType(F32, (1, size, size, channels))
    assert tile_size(x, TensorType(F32, (channels, channels, 3, 3)), axes) == tile


@pytest.mark.parametrize(("channels", "tile"), [(128, 4), (512, 2)])
def test_maps_of_any_size_share_their_filters(channels: int, tile: int) -> None:
    w = TensorType(F32, (channels, channels, 3, 3))
    for size in (3, 200):
        x = TensorType(F32, (1, size, size, channels))
        assert tile_size(x, w, (axis(size, 3, pads=1),) * 2, any_size=True) == tile


def test_filters_that_each_run_computes_are_left() -> None:
    nodes = [graph_node("Conv", "x w", "y")]
    g = typed({"x": "f32[1,16,14,14]", "w": "f32[16,16,3,3]"}, nodes, "y")
    assert selected(g, winograd=True) == ["ConvPacked"]


def floats(*shape: int) -> Any:
    """Normal random numbers."""
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 13, 9), (2, 8, 15)])
def test_residual_block(shape: tuple[int, int, int]) -> None:
    """Odd maps, a residual that the second convolution adds, no padding in the third."""
    batch, height, width = shape
    nodes = [
        node("Conv", "x w b", "a", pads=[1, 1, 1, 1]),
        node("Relu", "a", "r"),
        node("Conv", "r v", "c", pads=[1, 1, 1, 1]),
        node("Add", "c x", "s"),
        node("HardSwish", "s", "h"),
        node("Conv", "h u", "y", pads=[0, 1, 2, 0]),
    ]
    consts = {"w": floats(24, 24, 3, 3) / 15, "b": floats(24), "v": floats(24, 24, 3, 3) / 15}
    consts["u"] = floats(16, 24, 3, 3) / 15
    inputs = {"x": floats(batch, 24, height, width)}
    model = build(nodes, {**inputs, **consts}, consts.keys(), ["y"])
    options = [
        CompileOptions(winograd=winograd, simd=simd, threads=threads, channels_last=channels_last)
        for winograd in (True, False)
        for simd, threads, channels_last in (("relaxed", 1, True), ("baseline", 3, True))
    ]
    check_model(model, inputs, 1e-4, 2e-5, options=options)
