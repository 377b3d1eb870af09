"""CumSum against onnxruntime, and CumProd, which that does not know, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from wasmkiln.errors import ShapeError
from wasmkiln.options import CompileOptions

from .check import Array, check_op, node, run_ours
from .check import build as build_model

VARIANTS = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (1, 3)]


def values(*shape: int, dtype: str = "f4") -> Array:
    return np.random.default_rng(shape).normal(0, 9, shape).astype(dtype)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("opset", [11, 14])
def test_attributes(opset: int, reverse: int, exclusive: int, axis: int) -> None:
    check_op(
        "CumSum", values(3, 4, 5), np.array(axis), const=[1], opset=opset, rtol=1e-5, atol=1e-4,
        exclusive=exclusive, reverse=reverse,
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(1,), (7,), (1, 1), (513,), (2, 0, 3), (0,)])
@pytest.mark.parametrize("reverse", [0, 1])
def test_shapes(reverse: int, shape: tuple[int, ...]) -> None:
    axis = np.array([0], "i4")
    check_op("CumSum", values(*shape), axis, const=[1], rtol=1e-4, atol=1e-4, reverse=reverse)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
@pytest.mark.parametrize("fixed", [[1], [0, 1]])
def test_dtypes(fixed: list[int], dtype: str) -> None:
    for exclusive in (0, 1):
        check_op(
            "CumSum", values(3, 6, 2, dtype=dtype), np.array(1), const=fixed, atol=1e-5,
            exclusive=exclusive, reverse=1,
        )  # fmt: skip


def test_all_code_variants() -> None:
    x = values(300, 7, 40)
    check_op("CumSum", x, np.array(1), const=[1], rtol=1e-4, atol=1e-4, options=VARIANTS)


def test_axis_must_be_one_number() -> None:
    arrays = {"x": values(2, 3), "axis": np.array([0, 1])}
    model = build_model([node("CumSum", "x axis", "y")], arrays, {"axis"}, ["y"])
    with pytest.raises(ShapeError, match="one number is expected"):
        run_ours(model, {"x": arrays["x"]})


@pytest.mark.parametrize("fixed", [{"axis"}, {"axis", "x"}])
@pytest.mark.parametrize("dtype", ["f4", "i4", "i8"])
def test_products(dtype: str, fixed: set[str]) -> None:
    x = np.random.default_rng(1).integers(-3, 4, (2, 4, 3)).astype(dtype)
    arrays = {"x": x, "axis": np.array(1)}
    steps = [node("CumProd", "x axis", "y"), node("CumProd", "x axis", "z", exclusive=1, reverse=1)]
    model = build_model(steps, arrays, fixed, ["y", "z"], 26)
    for output in model.graph.output:
        output.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(x.dtype)
    y, z = run_ours(model, {k: v for k, v in arrays.items() if k not in fixed})
    np.testing.assert_array_equal(y, np.cumprod(x, 1))
    turned = np.cumprod(x[:, :0:-1], 1)[:, ::-1]
    np.testing.assert_array_equal(z, np.concatenate([turned, np.ones_like(x[:, :1])], 1))
