"""Softmax, LogSoftmax and Hardmax against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.options import CompileOptions

from .check import Array, build, check_model, check_op, node

KINDS = ["Softmax", "LogSoftmax", "Hardmax"]
ALL_OPTIONS = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (1, 2)]


def normal(*shape: int, dtype: str = "f4") -> Array:
    return np.random.default_rng(len(shape)).normal(0, 3, shape).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opset", [7, 11, 13, 21])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, None])
def test_axes(axis: int | None, opset: int, kind: str) -> None:
    if opset < 11 and axis is not None and axis < 0:
        axis += 4
    attributes = {} if axis is None else {"axis": axis}
    check_op(kind, normal(2, 3, 5, 7), opset=opset, rtol=1e-5, atol=2e-6, **attributes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1,), (5,), (1, 1), (3, 1000), (2, 1000, 1, 1), (2, 7, 1, 1)])
@pytest.mark.parametrize("opset", [11, 13])
def test_shapes(opset: int, shape: tuple[int, ...], kind: str) -> None:
    axis = min(1, len(shape) - 1)
    check_op(kind, normal(*shape), axis=axis, opset=opset, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_f64(kind: str) -> None:
    check_op(kind, normal(3, 4, 5, dtype="f8"), axis=1, opset=13, rtol=1e-9)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_all_code_variants(kind: str) -> None:
    check_op(kind, normal(67, 129), atol=2e-6, options=ALL_OPTIONS)


def test_over_channels_after_a_convolution() -> None:
    arrays = {"x": normal(1, 3, 9, 8), "w": normal(5, 3, 3, 3)}
    nodes = [node("Conv", "x w", "c"), node("Softmax", "c", "y", axis=1)]
    check_model(build(nodes, arrays, {"w"}, ["y"]), {"x": arrays["x"]}, rtol=1e-4, atol=1e-5)
