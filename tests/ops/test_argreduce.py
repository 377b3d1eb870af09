"""ArgMax and ArgMin against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.ops.argreduce import ArgReduce

from .check import build, check_model, check_op, node


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("last", [0, 1])
def test_axes(last: int, axis: int, keepdims: int, kind: str) -> None:
    x = np.random.default_rng(0).integers(0, 3, (4, 5, 7)).astype("f")
    check_op(kind, x, axis=axis, keepdims=keepdims, select_last_index=last)


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("opset", [7, 11, 12, 13])
def test_versions(opset: int, kind: str) -> None:
    check_op(kind, np.random.default_rng(0).normal(size=(4, 5)).astype("f"), opset=opset)


@pytest.mark.parametrize("kind", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("dtype", ["float64", "int32", "int64", "int8", "uint8"])
def test_dtypes(dtype: str, kind: str) -> None:
    x = np.random.default_rng(0).integers(0, 99, (4, 5, 7)).astype(dtype)
    check_op(kind, x, axis=1)


def test_of_channels_after_a_convolution() -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(1, 3, 9, 8)).astype("f"),
        "w": rng.normal(size=(21, 3, 3, 3)).astype("f"),
    }
    nodes = [node("Conv", "x w", "c"), node("ArgMax", "c", "y", axis=1, keepdims=0)]
    check_model(build(nodes, arrays, {"w"}, ["y"]), {"x": arrays["x"]})


@pytest.mark.parametrize(("last", "expected"), [(False, (1, 0)), (True, (2, 2))])
def test_small_constants_fold(last: bool, expected: tuple[int, ...]) -> None:
    x = Const.of(F32, (2, 3), (1, 5, 5, 2, 2, 2))
    (y,) = ArgReduce(axis=1, fold="max", last=last).evaluate(x) or ()
    assert (y.shape, y.ints()) == ((2, 1), expected)
