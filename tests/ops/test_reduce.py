"""Reductions against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from wasmkiln.errors import ShapeError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ir.expr import arg
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.base import lookup
from wasmkiln.ops.reduce import Reduce
from wasmkiln.options import CompileOptions

from .check import Array, build, check_model, check_op, node, run_ours

KINDS = [
    *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
]
ALL_OPTIONS = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (1, 2)]


def positive(*shape: int, dtype: str = "f4") -> Array:
    return np.random.default_rng(len(shape)).uniform(0.5, 1.5, shape).astype(dtype)


def integers(dtype: str, *shape: int) -> Array:
    return np.random.default_rng(0).integers(1, 5, shape).astype(dtype)


def old(kind: str) -> int:
    """An opset in which the axes are an attribute."""
    return 12 if kind == "ReduceSum" else 17


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [(0,), (1,), (-1,), (0, 2), (1, 2), (0, 1, 2), (2, 3), (0, 3)])
def test_axes(axes: tuple[int, ...], keepdims: int, kind: str) -> None:
    x = positive(3, 4, 5, 7)
    check_op(kind, x, opset=old(kind), axes=list(axes), keepdims=keepdims)
    check_op(kind, x, np.array(axes), const=[1], opset=18, keepdims=keepdims)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opset", [7, 11, 13, 18, 21])
def test_all_axes(opset: int, kind: str) -> None:
    check_op(kind, positive(2, 3, 17), opset=opset)
    check_op(kind, positive(), opset=opset)


@pytest.mark.parametrize("kind", KINDS)
def test_no_axes(kind: str) -> None:
    x = positive(2, 3)
    check_op(kind, x, np.array([], "i8"), const=[1], opset=18, keepdims=0)
    if kind == "ReduceSum":
        check_op(kind, x, np.array([], "i8"), const=[1], noop_with_empty_axes=1)


def test_composite_reductions_of_no_axes_still_compute() -> None:
    # The specification says so; onnxruntime returns the input.
    x = positive(2, 3)
    for kind, expected in (("ReduceSumSquare", x * x), ("ReduceLogSum", np.log(x))):
        nodes = [node(kind, "x", "y", noop_with_empty_axes=1)]
        model = build(nodes, {"x": x}, (), ["y"])
        model.graph.output[0].CopyFrom(model.graph.input[0])
        model.graph.output[0].name = "y"
        (y,) = run_ours(model, {"x": x})
        np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["ReduceSum", "ReduceMean", "ReduceL2", "ReduceMax"])
def test_all_code_variants(kind: str) -> None:
    x = positive(2, 33, 37)
    for axes in ([1], [2], [0, 2]):
        check_op(kind, x, opset=old(kind), axes=axes, options=ALL_OPTIONS)


SUPPORTED = {
    "int32": [k for k in KINDS if k != "ReduceLogSumExp"],  # which it adds up in whole numbers
    "int64": ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"],
    "float64": [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceLogSumExp",
    ],
    "int8": ["ReduceMax", "ReduceMin"],
    "uint8": ["ReduceMax", "ReduceMin"],
    "bool": ["ReduceMax", "ReduceMin"],
}


@pytest.mark.parametrize(
    ("dtype", "kind"), [(dtype, kind) for dtype, kinds in SUPPORTED.items() for kind in kinds]
)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_other_dtypes(axis: int, dtype: str, kind: str) -> None:
    x = integers(dtype, 3, 4, 5)
    check_op(kind, x, np.array([axis]), const=[1], opset=20, rtol=1e-6)


def test_sums_of_many_elements() -> None:
    x = np.random.default_rng(1).uniform(0, 1, (1, 3, 400, 500)).astype("f")
    check_op("ReduceSum", x, np.array([2, 3]), const=[1])
    check_op("ReduceMean", x, opset=17, axes=[0, 2, 3])


@pytest.mark.parametrize("shape", [(1, 16, 210, 200), (2, 7, 100, 99), (1, 1, 300, 301)])
def test_few_outputs_of_many_elements(shape: tuple[int, ...]) -> None:
    x = positive(*shape)
    for axes in ([2, 3], [1, 2], [1, 2, 3], [2]):
        for kind in ("ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp"):
            check_op(kind, x, opset=17, axes=axes, options=ALL_OPTIONS[:2])
    inputs = [x, *(positive(shape[1]) for _ in range(2))]
    check_op("InstanceNormalization", *inputs, const=[1, 2], atol=1e-4, options=ALL_OPTIONS[:2])


def test_log_sum_exp_does_not_overflow() -> None:
    x = np.array([[1000, 1001, 999], [-1000, -1000, -1001], [-np.inf, -np.inf, -np.inf]], "f")
    check_op("ReduceLogSumExp", x[:2], np.array([1]), const=[1], opset=18)
    (y,) = run_ours(build_log_sum_exp(x), {"x": x})
    assert y[2, 0] == -np.inf


def build_log_sum_exp(x: Array) -> Any:
    arrays = {"x": x, "axes": np.array([1])}
    model = build([node("ReduceLogSumExp", "x axes", "y")], arrays, {"axes"}, ["y"])
    y = helper.make_tensor_value_info("y", 1, (len(x), 1))
    model.graph.output[0].CopyFrom(y)
    return model


def test_axes_known_at_run_time() -> None:
    check_op("ReduceSum", positive(2, 3), np.array([1]))


def test_axis_outside() -> None:
    op = lookup("", "ReduceSum", 11)
    assert op is not None
    with pytest.raises(ShapeError, match="axis 2 is outside a tensor of rank 2"):
        op(axes=(2,)).infer(TensorType(F32, (2, 3)))


def test_small_constants_fold() -> None:
    x = Const.of(I64, (2, 3), (1, 2, 3, 4, 5, 6))
    op = lookup("", "ReduceProd", 11)
    assert op is not None
    (y,) = op(axes=(0,), keepdims=False).evaluate(x) or ()
    assert (y.shape, y.ints()) == ((3,), (4, 10, 18))
    mean = Reduce(axes=(1,), fold="sum", post=arg(0, F32) / arg(1, F32))
    (z,) = mean.evaluate(Const.of(F32, (2, 3), (1, 2, 3, 4, 5, 7.5))) or ()
    assert (z.shape, z.values()) == ((2, 1), (2.0, 5.5))


def test_a_reduction_follows_its_input_through_a_convolution() -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(2, 3, 9, 8)).astype("f"),
        "w": rng.normal(size=(5, 3, 3, 3)).astype("f"),
    }
    nodes = [
        node("Conv", "x w", "c"),
        node("ReduceMean", "c", "a", axes=[2, 3], keepdims=0),
        node("ReduceMax", "c", "b", axes=[1], keepdims=1),
        node("ReduceSum", "c axes", "d", keepdims=0),
    ]
    arrays["axes"] = np.array([0, 3])
    model = build(nodes, arrays, {"w", "axes"}, ["a", "b", "d"], opset=17)
    check_model(model, {"x": arrays["x"]}, rtol=1e-5, atol=1e-5)
