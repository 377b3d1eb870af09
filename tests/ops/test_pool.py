"""Pooling against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import LimitError, ShapeError
from wasmkiln.ops.pool import window_axes
from wasmkiln.options import CompileOptions

from .check import Array, build, check_model, check_op, node

ALL_OPTIONS = [
    CompileOptions(simd=s, threads=t, channels_last=c)
    for s, t, c in (("relaxed", 2, True), ("baseline", 1, False), ("baseline", 2, True))
]


def normal(*shape: int, dtype: str = "f4") -> Array:
    return np.random.default_rng(len(shape)).normal(0, 9, shape).astype(dtype)


WINDOWS: list[dict[str, Any]] = [
    {"kernel_shape": [3, 3]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [0, 1, 1, 2]},
    {"kernel_shape": [3, 2], "strides": [3, 2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [4, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
    {"kernel_shape": [4, 3], "strides": [2, 1], "auto_pad": "VALID"},
    {"kernel_shape": [9, 10]},
    {"kernel_shape": [1, 1], "strides": [3, 2], "ceil_mode": 1},
    {"kernel_shape": [4, 4], "strides": [3, 3], "pads": [1, 1, 0, 0], "ceil_mode": 1},
]


@pytest.mark.parametrize("window", range(len(WINDOWS)))
@pytest.mark.parametrize("include", [None, 0, 1])
@pytest.mark.parametrize("opset", [11, 21])
def test_two_axes(opset: int, include: int | None, window: int) -> None:
    attributes = dict(WINDOWS[window])
    kind = "MaxPool" if include is None else "AveragePool"
    if include is not None:
        attributes["count_include_pad"] = include
    check_op(kind, normal(2, 5, 9, 10), opset=opset, rtol=1e-5, atol=1e-5, **attributes)


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize("opset", [7, 8, 10, 18, 22])
def test_versions(opset: int, kind: str) -> None:
    check_op(kind, normal(1, 4, 7, 7), opset=opset, atol=1e-5, kernel_shape=[2, 2], strides=[2, 2])


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("shape", [(2, 3, 13), (1, 2, 7, 8, 9), (1, 17, 5, 6, 7)])
def test_other_ranks(shape: tuple[int, ...], kind: str) -> None:
    rank = len(shape) - 2
    window = {"kernel_shape": [3, 2, 4][:rank], "strides": [2, 1, 3][:rank]}
    check_op(kind, normal(*shape), atol=1e-5, pads=[1] * rank + [0] * rank, ceil_mode=1, **window)


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("ceil_mode", [0, 1])
def test_dilations(ceil_mode: int, kind: str) -> None:
    for pads in ([0] * 4, [2, 1, 2, 1]):
        check_op(
            kind,
            normal(1, 3, 12, 13),
            atol=1e-5,
            kernel_shape=[3, 2],
            dilations=[2, 3],
            strides=[2, 2],
            pads=pads,
            ceil_mode=ceil_mode,
        )


@pytest.mark.parametrize("p", [1, 2, 3])
def test_norms(p: int) -> None:
    x = normal(2, 3, 8, 9)
    check_op("LpPool", x, rtol=1e-5, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0], p=p)
    check_op("GlobalLpPool", x, rtol=1e-5, p=p)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float64"])
def test_largest_of_other_dtypes(dtype: str) -> None:
    x = np.random.default_rng(0).integers(0, 100, (1, 17, 6, 7)).astype(dtype)
    check_op("MaxPool", x, opset=12, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(2, 5, 7, 7), (1, 1280, 7, 7), (2, 3, 9), (1, 3, 4, 5, 6)])
def test_global(shape: tuple[int, ...], kind: str) -> None:
    check_op(kind, normal(*shape), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_all_code_variants(kind: str) -> None:
    check_op(
        kind,
        normal(1, 37, 19, 23),
        atol=1e-5,
        options=ALL_OPTIONS,
        kernel_shape=[3, 3],
        strides=[2, 2],
        pads=[1, 1, 1, 1],
    )


def test_between_convolutions_with_activations() -> None:
    arrays = {"x": normal(1, 3, 19, 18) / 9, "w": normal(21, 3, 3, 3) / 9, "v": normal(6, 21, 1, 1)}
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes = [
        node("Conv", "x w", "a"),
        node("MaxPool", "a", "b", **window),
        node("AveragePool", "b", "c", **window),
        node("Relu", "c", "d"),
        node("Mul", "d s", "e"),
        node("Conv", "e v", "f"),
        node("GlobalMaxPool", "f", "y"),
    ]
    arrays["s"] = normal(1, 21, 1, 1)
    model = build(nodes, arrays, {"w", "v", "s"}, ["y"])
    check_model(model, {"x": arrays["x"]}, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("window", range(len(WINDOWS)))
def test_indices(window: int, order: int) -> None:
    x = np.random.default_rng(window).integers(-20, 20, (2, 3, 9, 10)).astype("f")
    check_op("MaxPool", x, outputs=2, storage_order=order, **WINDOWS[window])


def test_indices_of_other_dtypes_and_ranks() -> None:
    x = np.random.default_rng(0).integers(0, 100, (2, 3, 15))
    for dtype in ("int8", "uint8", "float64"):
        check_op("MaxPool", x.astype(dtype), outputs=2, kernel_shape=[3], pads=[1, 0], opset=12)


def test_absurd_sizes_are_refused() -> None:
    with pytest.raises(LimitError, match="positions of a window"):
        window_axes((3,), (5,), None, (1 << 40, 0), None, "NOTSET", False, False)


def test_an_activation_after_three_axes() -> None:
    arrays = {"x": normal(1, 3, 5, 6, 7)}
    nodes = [node("AveragePool", "x", "a", kernel_shape=[2, 3, 2]), node("Sigmoid", "a", "y")]
    check_model(build(nodes, arrays, (), ["y"]), arrays)


def test_a_window_larger_than_the_input() -> None:
    with pytest.raises(ShapeError, match="a window of 5 is larger than the padded input 3\\+1"):
        window_axes((3,), (5,), None, (1, 0), None, "NOTSET", False, False)
