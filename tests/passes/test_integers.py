"""Quantized layers as products of integers: within one step of onnxruntime, which rounds alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from wasmkiln import CompileOptions
from wasmkiln.onnx.load import load
from wasmkiln.passes import run_passes

from tests.ops.check import Array, build, check_model, node

OPTIONS = [
    CompileOptions(),
    CompileOptions(simd="baseline", threads=2),
    CompileOptions(integers=False),
    CompileOptions(any_size=True),
    CompileOptions(channels_last=False),
    CompileOptions(fuse=False),
]


def kernels_of(model: onnx.ModelProto) -> list[str]:
    """Operators of the final graph that multiply integers."""
    graph = run_passes(load(model.SerializeToString()).graph, CompileOptions())
    return [n.op.op_type for n in graph.nodes if getattr(n.op, "integer", False)]


def integers(seed: int, dtype: str, *shape: int) -> Array:
    info = np.iinfo(dtype)
    rng = np.random.default_rng([seed, *shape])
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def weights(dtype: str, shape: tuple[int, ...], channels: int, axis: int) -> dict[str, Array]:
    """Quantized weights, with a scale and a zero point for each of the channels, or for all."""
    size = (shape[axis],) if channels else ()
    rng = np.random.default_rng(shape)
    zero = np.zeros(size, dtype) if dtype == "i1" else integers(3, dtype, *size)
    return {"w": integers(2, dtype, *shape), "ws": rng.random(size, np.float32) / 50 + 0.001,
            "wz": np.asarray(zero)}  # fmt: skip


def layer(
    op: str,
    x: Array,
    w: dict[str, Array],
    bias: bool,
    limit: str = "",
    axis: int = 0,
    out: str = "u1",
    **attributes: Any,
) -> onnx.ModelProto:
    """x -> DequantizeLinear -> op -> limit -> QuantizeLinear."""
    scalars = {"xs": 0.04, "ys": 0.09, "low": 0, "high": 6}
    fixed: dict[str, Any] = w | {name: np.float32(value) for name, value in scalars.items()}
    fixed |= {"xz": x.dtype.type(11), "yz": np.dtype(out).type(100)}
    nodes = [
        node("DequantizeLinear", "x xs xz", "xf"),
        node("DequantizeLinear", "w ws wz", "wf", axis=axis),
        node(op, "xf wf", "y", **attributes),
    ]
    filters = w["w"].shape[axis]
    if bias:
        fixed["b"] = np.linspace(-2, 2, filters, dtype=np.float32)
        nodes[2].input.append("b")
    if limit:
        nodes.append(node(limit, "y low high" if limit == "Clip" else "y", "z"))
    nodes.append(node("QuantizeLinear", f"{'z' if limit else 'y'} ys yz", "q"))
    arrays = {"x": x} | {k: np.asarray(v) for k, v in fixed.items()}
    return build(nodes, arrays, set(fixed), ["q"])


@pytest.mark.parametrize(("channels", "filters"), [(3, 5), (8, 16), (17, 24), (40, 8)])
@pytest.mark.parametrize("limit", ["", "Relu", "Clip"])
@pytest.mark.parametrize("wide", [0, 1])
def test_pointwise(channels: int, filters: int, limit: str, wide: int) -> None:
    x = integers(1, "u1", 2, channels, 5, 3)
    w = weights("i1", (filters, channels, 1, 1), wide, 0)
    model = layer("Conv", x, w, True, limit)
    check_model(model, {"x": x}, steps=1, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked"]


@pytest.mark.parametrize("channels", [6, 8, 20])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtypes", ["u1 i1", "i1 i1", "u1 u1"])
def test_depthwise(channels: int, stride: int, dtypes: str) -> None:
    activations, kind = dtypes.split()
    x = integers(1, activations, 1, channels, 9, 14)
    w = weights(kind, (channels, 1, 3, 3), 1, 0)
    model = layer("Conv", x, w, False, "Relu", group=channels, pads=[1] * 4,
                  strides=[stride] * 2, out=activations)  # fmt: skip
    check_model(model, {"x": x}, steps=1, options=OPTIONS)
    assert kernels_of(model) == ["Depthwise"]


def test_other_convolutions_stay_as_they_are() -> None:
    x = integers(1, "u1", 1, 4, 6, 6)
    model = layer("Conv", x, weights("i1", (8, 4, 3, 3), 1, 0), True)
    check_model(model, {"x": x}, steps=1, options=OPTIONS)
    assert not kernels_of(model)


@pytest.mark.parametrize("op", ["MatMul", "Gemm"])
@pytest.mark.parametrize(("m", "k", "n"), [(1, 7, 9), (5, 24, 16), (9, 601, 8)])
@pytest.mark.parametrize("kind", ["i1", "u1"])
def test_products(op: str, m: int, k: int, n: int, kind: str) -> None:
    x = integers(1, "u1", m, k)
    swapped = op == "Gemm" and m > 1
    w = weights(kind, (n, k) if swapped else (k, n), 1, 0 if swapped else 1)
    more = {"transB": 1} if swapped else {}
    model = layer(op, x, w, op == "Gemm", axis=0 if swapped else 1, **more)
    check_model(model, {"x": x}, steps=1, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked"]


def test_products_of_batches() -> None:
    x = integers(1, "i1", 2, 3, 5, 6)
    model = layer("MatMul", x, weights("i1", (6, 8), 0, 1), False, axis=1)
    check_model(model, {"x": x}, steps=1, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked"]


@pytest.mark.parametrize("k", [16, 700])
@pytest.mark.parametrize("zero", [True, False])
def test_dynamic_products(k: int, zero: bool) -> None:
    """What quantize_dynamic makes of MatMul: sums as integers, then scaled."""
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("MatMulInteger", "q w z wz" if zero else "q w z", "sums"),
        node("Cast", "sums", "floats", to=onnx.TensorProto.FLOAT),
        node("Mul", "s ws", "scale"),
        node("Mul", "floats scale", "y"),
    ]
    x = np.random.default_rng(k).standard_normal((2, 5, k)).astype(np.float32)
    fixed = {"w": integers(4, "i1", k, 24), "ws": np.full(24, 0.01, np.float32),
             "wz": np.array(3 if zero else 0, "i1")}  # fmt: skip
    if not zero:
        del fixed["wz"]
    model = build(nodes, {"x": x} | fixed, set(fixed), ["y"])
    check_model(model, {"x": x}, 1e-5, 1e-4, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked"]


@pytest.mark.parametrize("filters", [5, 16])
@pytest.mark.parametrize("bias", [True, False])
def test_convolutions_of_the_quantized_form(filters: int, bias: bool) -> None:
    """Two in a row: what is between them is never seen."""
    x = integers(1, "u1", 1, 6, 5, 4)
    first, second = weights("i1", (filters, 6, 1, 1), 1, 0), weights("i1", (8, filters, 1, 1), 0, 0)
    fixed: dict[str, Any] = {"s": np.float32(0.05), "z": np.uint8(90), "t": np.float32(0.1)}
    fixed |= {f"1{k}": v for k, v in first.items()} | {f"2{k}": v for k, v in second.items()}
    nodes = [
        node("QLinearConv", "x s z 1w 1ws 1wz t z", "a"),
        node("QLinearConv", "a t z 2w 2ws 2wz t z", "y"),
    ]
    if bias:
        fixed["b"] = integers(5, "i2", filters).astype("i4")
        nodes[0].input.append("b")
    arrays = {"x": x} | {k: np.asarray(v) for k, v in fixed.items()}
    model = build(nodes, arrays, set(fixed), ["y"])
    check_model(model, {"x": x}, steps=2, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked", "GemmPacked"]


@pytest.mark.parametrize("n", [8, 11])
def test_products_of_the_quantized_form(n: int) -> None:
    a, w = integers(1, "u1", 3, 20), weights("i1", (20, n), 1, 1)
    fixed: dict[str, Any] = {"s": np.float32(0.05), "z": np.uint8(90), "t": np.float32(0.2)} | w
    made = [node("QLinearMatMul", "a s z w ws wz t z", "y")]
    arrays = {"a": a} | {k: np.asarray(v) for k, v in fixed.items()}
    model = build(made, arrays, set(fixed), ["y"])
    check_model(model, {"a": a}, steps=1, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked"]


def test_zero_points_that_do_not_agree() -> None:
    """A value quantized around one zero point and read around another."""
    w = weights("i1", (8, 8, 1, 1), 1, 0)
    fixed: dict[str, Any] = w | {"s": np.float32(0.05), "z": np.uint8(120), "o": np.uint8(90)}
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s o", "xf"),
        node("DequantizeLinear", "w ws wz", "wf", axis=0),
        node("Conv", "xf wf", "y"),
        node("DequantizeLinear", "q s z", "back"),
    ]
    x = np.random.default_rng(1).standard_normal((1, 8, 4, 5)).astype(np.float32)
    arrays = {"x": x} | {k: np.asarray(v) for k, v in fixed.items()}
    model = build(nodes, arrays, set(fixed), ["y", "back"])
    check_model(model, {"x": x}, 1e-4, 1e-4, options=OPTIONS)


def test_sums_that_floats_do_not_hold_stay_exact() -> None:
    """The integers themselves are the result, so a long sum can't pass through f32."""
    x, w = integers(1, "u1", 3, 700), integers(2, "i1", 700, 8)
    model = build([node("MatMulInteger", "x w", "y")], {"x": x, "w": w}, {"w"}, ["y"])
    check_model(model, {"x": x}, options=OPTIONS)


def test_a_value_that_layers_and_others_use() -> None:
    """The residual of a block, and a quantized value that is also an output."""
    w = weights("i1", (8, 8, 1, 1), 1, 0)
    fixed = w | {"s": np.float32(0.05), "z": np.uint8(120)}
    nodes = [
        node("DequantizeLinear", "x s z", "xf"),
        node("DequantizeLinear", "w ws wz", "wf", axis=0),
        node("Conv", "xf wf", "a"),
        node("QuantizeLinear", "a s z", "aq"),
        node("DequantizeLinear", "aq s z", "af"),
        node("Conv", "af wf", "c"),
        node("QuantizeLinear", "c s z", "cq"),
        node("DequantizeLinear", "cq s z", "cf"),
        node("Add", "af cf", "sum"),
        node("QuantizeLinear", "sum s z", "q"),
    ]
    x = integers(1, "u1", 1, 8, 4, 5)
    arrays = {"x": x} | {k: np.asarray(v) for k, v in fixed.items()}
    model = build(nodes, arrays, set(fixed), ["q", "aq"])
    check_model(model, {"x": x}, steps=2, options=OPTIONS)
    assert kernels_of(model) == ["GemmPacked", "GemmPacked"]
