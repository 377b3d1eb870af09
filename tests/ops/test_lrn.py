"""LRN against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.options import CompileOptions

from .check import build, check_model, check_op, node

OPTIONS = [
    CompileOptions(simd=s, threads=t, channels_last=c)
    for s, t, c in (("relaxed", 2, True), ("baseline", 1, False))
]


@pytest.mark.parametrize("size", [1, 3, 5, 9])
@pytest.mark.parametrize("channels", [1, 2, 4, 5, 8, 17, 64])
def test_windows_and_channels(channels: int, size: int) -> None:
    x = np.random.default_rng(channels).normal(0, 30, (2, channels, 3, 5)).astype("f")
    check_op("LRN", x, size=size, options=OPTIONS)


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0, 0.9])
@pytest.mark.parametrize("opset", [7, 13])
def test_parameters(opset: int, beta: float) -> None:
    x = np.random.default_rng(0).normal(0, 30, (1, 9, 3, 5)).astype("f")
    check_op("LRN", x, opset=opset, size=5, alpha=0.01, beta=beta, bias=2.0)


def test_after_a_convolution() -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(1, 3, 9, 8)).astype("f"),
        "w": rng.normal(size=(21, 3, 3, 3)).astype("f"),
    }
    nodes = [
        node("Conv", "x w", "a"),
        node("Relu", "a", "b"),
        node("LRN", "b", "c", size=5, alpha=0.1),
        node("MaxPool", "c", "y", kernel_shape=[3, 3], strides=[2, 2]),
    ]
    model = build(nodes, arrays, {"w"}, ["y"])
    check_model(model, {"x": arrays["x"]}, rtol=1e-4, atol=1e-5, options=OPTIONS)
