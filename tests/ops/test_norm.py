"""Normalizations against onnxruntime, or NumPy where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from wasmkiln.errors import ShapeError
from wasmkiln.options import CompileOptions

from .check import Array, build, check_model, check_op, node, run_ours

BOTH_LAYOUTS = [CompileOptions(channels_last=c) for c in (True, False)]


def normal(*shape: int, mean: float = 0, dtype: str = "f4") -> Array:
    return np.random.default_rng(len(shape)).normal(mean, 1, shape).astype(dtype)


def batch_parameters(channels: int, dtype: str = "f4") -> list[Array]:
    rng = np.random.default_rng(channels)
    return [rng.uniform(0.5, 2, channels).astype(dtype) for _ in range(4)]


@pytest.mark.parametrize("shape", [(2, 5, 9, 7), (1, 17, 33), (2, 3, 4, 5, 6)])
@pytest.mark.parametrize("mean", [0, 100])
def test_instance(mean: float, shape: tuple[int, ...]) -> None:
    x, c = normal(*shape, mean=mean), shape[1]
    inputs = [x, *batch_parameters(c)[:2]]
    check_op("InstanceNormalization", *inputs, const=[1, 2], atol=2e-4, options=BOTH_LAYOUTS)


@pytest.mark.parametrize("axis", [-1, 1, 2, 0])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("mean", [0, 100])
def test_layer(mean: float, bias: bool, axis: int) -> None:
    x = normal(3, 4, 33, mean=mean)
    shape = x.shape[axis:]
    inputs = [x, normal(*shape), *([normal(*shape)] if bias else [])]
    check_op(
        "LayerNormalization",
        *inputs,
        const=[1],
        opset=17,
        axis=axis,
        atol=2e-4,
        outputs=3,
        rtol=2e-5,
    )


def test_layer_without_statistics() -> None:
    inputs = [normal(2, 9, 768), normal(768), normal(768)]
    check_op("LayerNormalization", *inputs, const=[1, 2], opset=17, atol=1e-5)


def test_parameters_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"scale is f32\[5\], which does not broadcast to \[3,4\]"):
        check_ours("LayerNormalization", normal(3, 4), normal(5), opset=17)


def check_ours(kind: str, *inputs: Array, opset: int, **attributes: object) -> Array:
    """Our output alone."""
    names = [f"x{i}" for i in range(len(inputs))]
    arrays = dict(zip(names, inputs, strict=True))
    nodes = [node(kind, " ".join(names), "y", **attributes)]
    model = build(nodes, arrays, (), ["y"], opset)
    output = helper.make_tensor_value_info("y", 1, inputs[0].shape)
    model.graph.output[0].CopyFrom(output)
    (y,) = run_ours(model, arrays)
    return y


@pytest.mark.parametrize("opset", [18, 21])
@pytest.mark.parametrize("shape", [(2, 6, 5, 7), (1, 6, 9)])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group(groups: int, shape: tuple[int, ...], opset: int) -> None:
    x = normal(*shape, mean=5)
    count = groups if opset == 18 else shape[1]
    scale, bias = batch_parameters(count)[:2]
    grouped = x.astype("d").reshape(shape[0], groups, -1)
    average, variance = grouped.mean(2, keepdims=True), grouped.var(2, keepdims=True)
    y = ((grouped - average) / np.sqrt(variance + 1e-5)).reshape(shape)
    s, b = (np.repeat(p, shape[1] // count) for p in (scale, bias))
    expected = y * s.reshape(-1, *(1,) * (len(shape) - 2)) + b.reshape(-1, *(1,) * (len(shape) - 2))
    ours = check_ours("GroupNormalization", x, scale, bias, opset=opset, num_groups=groups)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("axis", [-1, 1])
def test_root_mean_square(axis: int) -> None:
    x = normal(3, 4, 33)
    scale = normal(*x.shape[axis:])
    axes = tuple(range(axis % 3, 3))
    expected = x / np.sqrt((x.astype("d") ** 2).mean(axes, keepdims=True) + 1e-5) * scale
    ours = check_ours("RMSNormalization", x, scale, opset=23, axis=axis)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_norm(axis: int, p: int) -> None:
    x = normal(3, 4, 5)
    x[0, :, 0] = x[:, 2, 1] = x[1, 1] = 0
    check_op("LpNormalization", x, axis=axis, p=p)


@pytest.mark.parametrize("axes", [None, [0, 2, 3], [2, 3], [1], [0, 1, 2, 3]])
def test_mean_and_variance(axes: list[int] | None) -> None:
    x = normal(2, 3, 5, 7, mean=3)
    attributes = {} if axes is None else {"axes": axes}
    check_op("MeanVarianceNormalization", x, opset=13, atol=2e-5, **attributes)


@pytest.mark.parametrize("kind", ["InstanceNormalization", "BatchNormalization"])
def test_after_a_convolution(kind: str) -> None:
    arrays = {"x": normal(1, 3, 19, 18), "w": normal(21, 3, 3, 3)}
    names = ["scale", "bias", "mean", "var"][: 2 if kind[0] == "I" else 4]
    arrays |= dict(zip(names, batch_parameters(21), strict=False))
    nodes = [
        node("Conv", "x w", "c"),
        node("Relu", "c", "d"),
        node(kind, " ".join(["d", *names]), "e"),
        node("Relu", "e", "y"),
    ]
    model = build(nodes, arrays, {"w", *names}, ["y"], opset=15)
    check_model(model, {"x": arrays["x"]}, rtol=1e-4, atol=1e-4, options=BOTH_LAYOUTS)


def test_root_mean_square_with_a_scale_of_another_dtype() -> None:
    x, scale = normal(3, 5, dtype="f8"), normal(5)
    want = x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5) * scale
    for dtypes in (("f4", "f8"), ("f8", "f4")):
        given = {"x": x.astype(dtypes[0]), "s": scale.astype(dtypes[1])}
        model = build([node("RMSNormalization", "x s", "y")], given, (), ["y"], opset=23)
        (y,) = run_ours(model, given)
        assert y.dtype == dtypes[1]
        np.testing.assert_allclose(y, want, 1e-5, 1e-6)
