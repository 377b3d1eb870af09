"""MatMul and Gemm against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.base import lookup
from wasmkiln.ops.packed import L1_BYTES, block_rows, split_by_panels
from wasmkiln.options import CompileOptions

from tests.ops.check import build, check_model, check_op, node, run_ours

OPTIONS = (CompileOptions(), CompileOptions(simd="baseline", fuse=False), CompileOptions(threads=2))


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5, 7), (7, 9)),
        ((1, 40), (40, 70)),
        ((2, 3, 5, 7), (7, 9)),
        ((2, 3, 5, 7), (3, 7, 9)),
        ((2, 1, 5, 7), (3, 7, 1)),
        ((1, 5, 7), (4, 7, 9)),
        ((7,), (7, 9)),
        ((5, 7), (7,)),
        ((3, 5, 7), (7,)),
        ((7,), (2, 7, 9)),
        ((7,), (7,)),
        ((0, 7), (7, 9)),
        ((5, 0), (0, 9)),
    ],
)
@pytest.mark.parametrize("const", [(), (1,)])
def test_matmul(a: tuple[int, ...], b: tuple[int, ...], const: tuple[int, ...]) -> None:
    check_op("MatMul", random(*a), random(*b), const=const, options=OPTIONS, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "uint64", "float64"])
def test_matmul_of_other_dtypes(dtype: str) -> None:
    a = (random(3, 4, 5) * 9).astype(dtype)
    b = (random(5, 6) * 9).astype(dtype)
    check_op("MatMul", a, b)


def test_matmul_refuses_inner_dimensions_that_differ() -> None:
    matmul = lookup("", "MatMul", 13)
    assert matmul is not None
    with pytest.raises(ShapeError, match=r"A is f32\[1,512\], B is f32\[256,10\]; inner dim"):
        matmul().infer(TensorType(F32, (1, 512)), TensorType(F32, (256, 10)))


@pytest.mark.parametrize("c", [(9,), (1, 9), (5, 1), (5, 9), (1,), (), None])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 2.0), (1.0, 0.0)])
@pytest.mark.parametrize("const", [(), (1, 2)])
def test_gemm_bias(c: Any, alpha: float, beta: float, const: tuple[int, ...]) -> None:
    inputs = [random(5, 7), random(7, 9), *([random(*c)] if c is not None else [])]
    const = tuple(i for i in const if i < len(inputs))
    check_op("Gemm", *inputs, const=const, options=OPTIONS, atol=1e-5, alpha=alpha, beta=beta)


def test_gemm_of_one_column_with_a_scalar() -> None:
    check_op("Gemm", random(5, 7), random(7, 1), random(), const=[1], options=OPTIONS)


@pytest.mark.parametrize("opset", [7, 9, 11, 13])
@pytest.mark.parametrize(("ta", "tb"), [(0, 1), (1, 0), (1, 1)])
def test_gemm_transposed(opset: int, ta: int, tb: int) -> None:
    a = random(7, 5) if ta else random(5, 7)
    b = random(9, 7) if tb else random(7, 9)
    check_op("Gemm", a, b, random(9), const=(1,), opset=opset, atol=1e-5, transA=ta, transB=tb)


def test_gemm_before_opset_7_names_broadcasting() -> None:
    gemm = lookup("", "Gemm", 6)
    assert gemm is not None
    types = [TensorType(F32, s) for s in ((2, 3), (3, 4), (4,))]
    assert gemm(broadcast=True).infer(*types) == (TensorType(F32, (2, 4)),)


def test_residual_of_the_left_operand() -> None:
    """The sum must not overwrite what the product still reads."""
    arrays = {"x": random(30, 16), "w": random(16, 16)}
    nodes = [node("Relu", "x", "r"), node("MatMul", "r w", "m"), node("Add", "m r", "y")]
    model = build(nodes, arrays, {"w"}, ["y"])
    check_model(model, {"x": arrays["x"]}, atol=1e-5, options=OPTIONS)


def test_epilogue_of_a_product() -> None:
    """Bias, scale, residual and activation behind a MatMul end in one kernel."""
    arrays = {
        "x": random(6, 10), "w": random(10, 11), "b": random(11), "s": random(1), "r": random(6, 11)
    }  # fmt: skip
    nodes = [
        node("MatMul", "x w", "m"),
        node("Add", "m b", "a"),
        node("Mul", "s a", "c"),
        node("Add", "r c", "d"),
        node("Tanh", "d", "y"),
    ]
    model = build(nodes, arrays, {"w", "b", "s"}, ["y"])
    check_model(model, {"x": arrays["x"], "r": arrays["r"]}, atol=1e-5, options=OPTIONS)


def test_blocks_fit_the_first_cache_or_take_all_rows() -> None:
    assert block_rows(49, 160, 960) == 49  # few rows: each panel is read once
    rows = block_rows(12544, 16, 96)
    assert rows % 6 == 0 and rows * 96 * 4 <= L1_BYTES


def test_threads_share_the_larger_operand() -> None:
    assert split_by_panels(49, 49 * 960, 160 * 960, 2)
    assert not split_by_panels(12544, 12544 * 16, 96 * 16, 2)
    assert split_by_panels(1, 1280, 1000 * 1280, 1)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_no_batch_times_one(dtype: str) -> None:
    a, b = np.zeros((1, 1, 3, 4), dtype), np.zeros((0, 2, 4, 5), dtype)
    for pair in ((a, b), (b[:, :, :3, :4], a[:, :, :1].swapaxes(2, 3))):
        model = build([node("MatMul", "a b", "y")], dict(zip("ab", pair, strict=True)), (), ["y"])
        (y,) = run_ours(model, dict(zip("ab", pair, strict=True)))
        assert y.shape == (pair[0] @ pair[1]).shape
