"""Movement operators between convolutions, where they work on channels-last tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from wasmkiln.options import CompileOptions

from tests.ops.check import Array, build, check_model, node

RNG = np.random.default_rng(12)
OPTIONS = [CompileOptions(), CompileOptions(channels_last=False), CompileOptions(threads=2)]


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def between(
    nodes: list[onnx.NodeProto], channels: int, arrays: dict[str, Array] | None = None
) -> None:
    """Check Conv, then nodes from `a` to `b`, then Conv again; b has the given channels."""
    own = {"x": random(1, 3, 9, 8), "w": random(6, 3, 3, 3), "v": random(4, channels, 1, 1)}
    own |= arrays or {}
    body = [node("Conv", "x w", "a", pads=[1, 1, 1, 1]), *nodes, node("Conv", "b v", "y")]
    model = build(body, own, set(own) - {"x"}, ["y"])
    check_model(model, {"x": own["x"]}, rtol=1e-4, atol=1e-4, options=OPTIONS)


def ints(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, np.int64)


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concat_and_split(axis: int) -> None:
    parts = [node("Split", "a", "c d", axis=axis, num_outputs=2), node("Relu", "c", "e")]
    between([*parts, node("Concat", "d e", "b", axis=axis)], 6)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_slice(axis: int) -> None:
    arrays = {"s": ints(1), "e": ints(6), "x1": ints(axis), "t": ints(2)}
    between([node("Slice", "a s e x1 t", "b")], 3 if axis == 1 else 6, arrays)


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_pad(mode: str) -> None:
    arrays = {"p": ints(0, 1, 1, 2, 0, 1, 0, 3)}
    between([node("Pad", "a p", "b", mode=mode)], 8, arrays)


def test_transpose_pairs() -> None:
    between([node("Transpose", "a", "c", perm=[0, 2, 3, 1]), node("Relu", "c", "d"),
             node("Transpose", "d", "b", perm=[0, 3, 1, 2])], 6)  # fmt: skip
    between([node("Transpose", "a", "b", perm=[0, 1, 3, 2])], 6)


def test_channel_shuffle() -> None:
    arrays = {"s": ints(1, 2, 3, 9, 8), "t": ints(1, 6, 9, 8)}
    between([node("Reshape", "a s", "c"), node("Transpose", "c", "d", perm=[0, 2, 1, 3, 4]),
             node("Reshape", "d t", "b")], 6, arrays)  # fmt: skip


def test_depth_to_space() -> None:
    arrays = {"u": random(8, 6, 1, 1)}
    nodes = [node("Conv", "a u", "c"), node("DepthToSpace", "c", "b", blocksize=2)]
    between(nodes, 2, arrays)


@pytest.mark.parametrize("shape", [(6, 1, 1), (1, 6, 1, 1), (8,), (9, 1), (1, 6, 9, 8), ()])
def test_broadcast(shape: tuple[int, ...]) -> None:
    between([node("Mul", "a m", "b")], 6, {"m": random(*shape)})


def test_prelu() -> None:
    between([node("PRelu", "a m", "b")], 6, {"m": random(6, 1, 1)})


def test_squeeze_and_excitation() -> None:
    arrays = {"u": random(6, 6, 1, 1), "e": ints(1, 6, 9, 8)}
    nodes = [node("GlobalAveragePool", "a", "c"), node("Conv", "c u", "d"),
             node("HardSigmoid", "d", "f"), node("Expand", "f e", "g"),
             node("Mul", "a g", "b")]  # fmt: skip
    between(nodes, 6, arrays)


def test_gather_along_channels() -> None:
    between([node("Gather", "a i", "b", axis=1)], 3, {"i": ints(4, 0, -1)})


@pytest.mark.parametrize("attributes", [{"axis": 1}, {"axis": 2}, {"axis": 3}, {"axis": 4}])
def test_flatten(attributes: dict[str, Any]) -> None:
    x, w = random(2, 3, 4, 5), random(6, 3, 1, 1)
    body = [node("Conv", "x w", "a"), node("Flatten", "a", "y", **attributes)]
    model = build(body, {"x": x, "w": w}, {"w"}, ["y"])
    check_model(model, {"x": x}, atol=1e-5, options=OPTIONS)
