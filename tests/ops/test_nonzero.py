"""NonZero, and Compress by conditions that a run decides, against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.options import CompileOptions
from wasmkiln.session import InferenceSession

from .check import Array, build, check_model, check_op, node, run_ours

VARIANTS = [CompileOptions(), CompileOptions(simd="baseline", threads=3)]


def sparse(*shape: int, dtype: str = "f4", share: float = 0.3) -> Array:
    rng = np.random.default_rng(len(shape))
    return ((rng.random(shape) < share) * rng.integers(1, 9, shape)).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "i4", "i8", "u1", "?"])
@pytest.mark.parametrize("shape", [(23,), (3, 7), (2, 3, 5), (1, 1, 2, 9)])
def test_nonzero(shape: tuple[int, ...], dtype: str) -> None:
    check_op("NonZero", sparse(*shape, dtype=dtype), options=VARIANTS)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all(share: float) -> None:
    check_op("NonZero", sparse(3, 70, share=share), opset=9)


def test_scalars_are_vectors() -> None:
    """As in onnxruntime."""
    for value in (0, 5):
        check_op("NonZero", np.array(value))
        check_op("NonZero", np.array(value), const=[0])


def test_no_elements() -> None:
    check_op("NonZero", np.zeros((0, 3), "f4"))
    check_op("NonZero", np.zeros((2, 0), "i8"), const=[0])


@pytest.mark.parametrize("dtype", ["f8", "f2", "i2"])
def test_dtypes_that_onnxruntime_lacks(dtype: str) -> None:
    x = sparse(4, 19, dtype=dtype)
    (y,) = run_ours(build([node("NonZero", "x", "y")], {"x": x}, set(), ["y"]), {"x": x})
    np.testing.assert_array_equal(y, np.nonzero(x))


def test_of_what_is_computed_and_used_on() -> None:
    nodes = [
        node("Relu", "x", "r"),
        node("NonZero", "r", "i"),
        node("Transpose", "i", "t"),
        node("GatherND", "r t", "y"),
    ]
    for seed in range(3):  # different numbers of results by one session's code
        x = np.random.default_rng(seed).normal(0, 1, (3, 5)).astype("f4")
        check_model(build(nodes, {"x": x}, set(), ["y", "i"]), {"x": x})


def test_constants_fold() -> None:
    """All of a constant shape is selected: no host is needed."""
    x = np.zeros((2, 3), "f4")
    nodes = [
        node("Shape", "x", "s"),
        node("ConstantOfShape", "s", "ones", value=_ones()),
        node("NonZero", "ones", "y"),
    ]
    model = build(nodes, {"x": x}, set(), ["y"])
    check_model(model, {"x": x})
    with InferenceSession(model.SerializeToString()) as session:
        session.artifact()  # refused for graphs that need the host


def _ones() -> object:
    from onnx import helper

    return helper.make_tensor("v", 1, [1], [1.0])


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", ["f4", "i8", "?", "O"])
def test_compress(dtype: str, axis: int | None) -> None:
    x = np.arange(60).reshape(3, 4, 5).astype("U").astype(dtype)
    named = {} if axis is None else {"axis": axis}
    size = 60 if axis is None else x.shape[axis]
    condition = np.random.default_rng(1).random(size) < 0.6
    check_op("Compress", x, condition, options=VARIANTS, **named)
    check_op("Compress", x, condition[: size // 2], **named)
    check_op("Compress", x, np.zeros(size, "?"), **named)
    if dtype != "O":
        check_op("Compress", x, condition, const=[0], opset=9, **named)
        check_op("Compress", x, condition, const=[0, 1], opset=9, **named)


def test_conditions_beyond_the_axis_do_not_matter() -> None:
    check_op("Compress", np.arange(6).reshape(2, 3), np.ones(9, "?"), axis=1)


def test_compress_nothing() -> None:
    check_op("Compress", np.zeros((0, 2), "f4"), np.zeros(0, "?"), axis=0)
    check_op("Compress", np.zeros((2, 3), "f4"), np.zeros(0, "?"), axis=1)


def test_conditions_must_be_a_list_of_bools() -> None:
    arrays = {"x": np.zeros((2, 2), "f4"), "c": np.ones((2, 1), "?")}
    model = build([node("Compress", "x c", "y")], arrays, set(), ["y"])
    with pytest.raises(ShapeError, match=r"condition is bool\[2,1\], bool\[N\] is expected"):
        run_ours(model, arrays)


def test_nan_is_not_zero() -> None:
    from wasmkiln.ops.nonzero import NonZero

    outputs = NonZero().evaluate(Const.of(F32, (3,), (float("nan"), -0.0, 1.0)))
    assert outputs is not None and outputs[0].values() == (0, 2)
