"""Quantization, and products of quantized values: within one step of onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.check import Array, check_op

RNG = np.random.default_rng(8)
MICROSOFT = "com.microsoft"


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def integers(dtype: str, *shape: int) -> Array:
    """Any values of an integer type."""
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype, endpoint=True)


def scalar(value: float, dtype: str = "f4") -> Array:
    """A tensor of rank 0."""
    return np.array(value, dtype)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_quantize(dtype: str) -> None:
    x = np.concatenate([random(300) * 30, np.arange(-20, 20) / 4, [np.inf, -np.inf, 1e30]])
    x = x.astype(np.float32)
    opset = 21 if dtype in ("u2", "i2") else 10
    check_op("QuantizeLinear", x, scalar(0.5), scalar(3, dtype), const=[1, 2], opset=opset)
    check_op("QuantizeLinear", x, scalar(0.5), scalar(3, dtype), opset=opset)


def test_quantize_without_zero_point() -> None:
    check_op("QuantizeLinear", random(3, 4), scalar(0.02), const=[1])
    check_op("QuantizeLinear", random(3, 4), scalar(0.02), const=[1], output_dtype=3)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_along_an_axis(dtype: str, axis: int) -> None:
    x = random(3, 4, 5)
    size = x.shape[axis]
    scale, zero = np.abs(random(size)) + 0.01, RNG.integers(0, 100, size).astype(dtype)
    for opset in (13, 19, 21):
        check_op("QuantizeLinear", x, scale, zero, axis=axis, const=[1, 2], opset=opset)
        q = integers(dtype, 3, 4, 5)
        check_op("DequantizeLinear", q, scale, zero, axis=axis, const=[1, 2], opset=opset)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4"])
def test_dequantize(dtype: str) -> None:
    x = integers(dtype, 5, 7)
    opset = 21 if dtype in ("u2", "i2") else 10
    zero = scalar(0 if dtype == "i4" else 3, dtype)
    check_op("DequantizeLinear", x, scalar(0.25), zero, const=[1, 2], opset=opset)
    check_op("DequantizeLinear", x, scalar(0.25), opset=opset)


@pytest.mark.parametrize("axis", [0, 1])
def test_blocks(axis: int) -> None:
    x = random(6, 8)
    scales = np.abs(random(*(2, 8) if axis == 0 else (6, 2))) + 0.1
    zero = RNG.integers(0, 9, scales.shape).astype(np.int8)
    block = x.shape[axis] // 2
    check_op("QuantizeLinear", x, scales, zero, axis=axis, block_size=block)
    check_op("DequantizeLinear", integers("i1", 6, 8), scales, zero, axis=axis, block_size=block)


@pytest.mark.parametrize(
    "x", [random(4, 5) * 3, np.abs(random(7)), -np.abs(random(7)), np.zeros((3,), "f4")]
)
def test_dynamic_quantize(x: Array) -> None:
    check_op("DynamicQuantizeLinear", x.astype(np.float32), outputs=3, steps=1)


@pytest.mark.parametrize(
    "attributes", [{}, {"pads": [1, 1, 1, 1]}, {"group": 2}, {"strides": [2, 2]}]
)
@pytest.mark.parametrize("per_channel", [False, True])
def test_qlinear_conv(per_channel: bool, attributes: dict[str, Any]) -> None:
    group = attributes.get("group", 1)
    x, w = integers("u1", 1, 4, 7, 7), integers("i1", 6, 4 // group, 3, 3)
    w_scale = np.abs(random(6)) / 100 + 0.001 if per_channel else scalar(0.007)
    w_zero = np.zeros(6, "i1") if per_channel else scalar(0, "i1")
    bias = RNG.integers(-5000, 5000, 6).astype(np.int32)
    inputs = [x, scalar(0.02), scalar(120, "u1"), w, w_scale, w_zero, scalar(0.2), scalar(99, "u1")]
    const = range(1, 9)
    check_op("QLinearConv", *inputs, const=const, steps=1, opset=10, **attributes)
    check_op("QLinearConv", *inputs, bias, const=const, steps=1, opset=10, **attributes)


@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_qlinear_matmul(dtype: str) -> None:
    a, b = integers(dtype, 2, 5, 16), integers(dtype, 16, 9)
    zeros = [scalar(z, dtype) for z in (3, 7, 100)]
    inputs = [a, scalar(0.02), zeros[0], b, scalar(0.03), zeros[1], scalar(0.15), zeros[2]]
    check_op("QLinearMatMul", *inputs, const=[1, 2, 3, 4, 5, 6, 7], steps=1, opset=10)
    check_op("QLinearMatMul", *inputs, steps=1, opset=21)


def test_qlinear_matmul_by_columns() -> None:
    a, b = integers("u1", 5, 16), integers("i1", 16, 9)
    scales, zeros = np.abs(random(9)) / 20 + 0.01, np.zeros(9, "i1")
    inputs = [a, scalar(0.02), scalar(3, "u1"), b, scales, zeros, scalar(0.2), scalar(99, "u1")]
    check_op("QLinearMatMul", *inputs, const=[1, 2, 3, 4, 5, 6, 7], steps=1)


@pytest.mark.parametrize("depth", [3, 300, 5000])
def test_matmul_integer_is_exact(depth: int) -> None:
    a, b = integers("u1", 3, depth), integers("i1" if depth == 3 else "u1", depth, 5)
    check_op("MatMulInteger", a, b)
    check_op("MatMulInteger", a, b, scalar(200, "u1"), scalar(5, str(b.dtype)), const=[1, 2, 3])


def test_matmul_integer_with_zero_points_of_columns() -> None:
    a, b = integers("u1", 4, 20), integers("u1", 20, 6)
    check_op("MatMulInteger", a, b, scalar(9, "u1"), integers("u1", 6), const=[1, 2, 3])


@pytest.mark.parametrize("channels", [3, 40])
def test_conv_integer_is_exact(channels: int) -> None:
    x, w = integers("u1", 1, channels, 6, 6), integers("u1", 4, channels, 3, 3)
    check_op("ConvInteger", x, w, const=[1])
    zeros = [scalar(77, "u1"), scalar(13, "u1")]
    check_op("ConvInteger", x, w, *zeros, const=[1, 2, 3], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_contrib_binary(dtype: str, op: str) -> None:
    a, b = integers(dtype, 3, 1, 8), integers(dtype, 4, 1)
    zeros = [scalar(z, dtype) for z in (3, 7, 100)]
    inputs = [a, scalar(0.02), zeros[0], b, scalar(0.03), zeros[1], scalar(0.05), zeros[2]]
    const = [1, 2, 4, 5, 6, 7]
    check_op(op, *inputs, const=const, steps=1, domain=MICROSOFT)


def test_contrib_unary_and_others() -> None:
    x = integers("u1", 2, 3, 4, 4)
    scales = scalar(0.03), scalar(128, "u1"), scalar(0.01), scalar(5, "u1")
    const = [1, 2, 3, 4]
    options: dict[str, Any] = {"const": const, "steps": 1, "domain": MICROSOFT}
    check_op("QLinearSigmoid", x, *scales, **options)
    check_op("QLinearLeakyRelu", x, *scales, alpha=0.2, **options)
    check_op("QLinearGlobalAveragePool", x, *scales, channels_last=0, **options)
    other = integers("u1", 2, 5, 4, 4)
    triples = [x, scalar(0.03), scalar(128, "u1"), other, scalar(0.01), scalar(7, "u1")]
    check_op(
        "QLinearConcat", scalar(0.03), scalar(128, "u1"), *triples, const=[0, 1, 3, 4, 6, 7],
        axis=1, steps=1, domain=MICROSOFT,
    )  # fmt: skip
    check_op("QuantizeLinear", random(9), scalar(0.1), scalar(8, "u1"), domain=MICROSOFT)
    check_op("DequantizeLinear", integers("u1", 9), scalar(0.1), scalar(8, "u1"), domain=MICROSOFT)
