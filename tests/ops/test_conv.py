"""Conv against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.base import lookup
from wasmkiln.options import CompileOptions

from tests.ops.check import build, check_model, check_op, node

OPTIONS = (
    CompileOptions(),
    CompileOptions(simd="baseline", channels_last=False),
    CompileOptions(threads=2, fuse=False),
)


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def check_conv(
    x: tuple[int, ...], w: tuple[int, ...], bias: bool = True, **attributes: Any
) -> None:
    inputs = [random(*x), random(*w), *([random(w[0])] if bias else [])]
    const = (1, 2) if bias else (1,)
    check_op("Conv", *inputs, const=const, options=OPTIONS, rtol=1e-4, atol=1e-4, **attributes)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("opset", [7, 11, 22])
def test_plain(opset: int, bias: bool) -> None:
    check_conv((1, 3, 9, 11), (8, 3, 3, 3), bias, opset=opset)


@pytest.mark.parametrize("channels", [1, 3, 16])
@pytest.mark.parametrize("strides", [[1, 1], [2, 1], [3, 2]])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 2, 0, 1]])
@pytest.mark.parametrize("dilations", [[1, 1], [2, 2], [1, 3]])
def test_windows(channels: int, strides: Any, pads: Any, dilations: Any) -> None:
    check_conv(
        (2, channels, 9, 11), (5, channels, 3, 3), strides=strides, pads=pads, dilations=dilations
    )


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
@pytest.mark.parametrize("group", [1, 6])
def test_auto_pad(auto_pad: str, strides: Any, group: int) -> None:
    check_conv(
        (1, 6, 10, 13), (12, 6 // group, 5, 4), auto_pad=auto_pad, strides=strides, group=group
    )


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
@pytest.mark.parametrize(("group", "filters"), [(2, 10), (4, 12), (8, 8), (8, 24)])
def test_groups(kernel: tuple[int, int], group: int, filters: int) -> None:
    check_conv((2, 8, 7, 9), (filters, 8 // group, *kernel), group=group)


@pytest.mark.parametrize("size", [7, 14, 15])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_depthwise(size: int, stride: int, kernel: int) -> None:
    pad = kernel // 2
    check_conv(
        (1, 10, size, size), (10, 1, kernel, kernel), group=10, pads=[pad] * 4,
        strides=[stride] * 2,
    )  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("kernel", "pad"), [(3, 0), (3, 1), (5, 2), (5, 1), (7, 3)])
def test_depthwise_for_any_size(stride: int, kernel: int, pad: int) -> None:
    for width in (kernel, 8, 9, 10, 13, 19, 31):
        x, w = random(1, 5, kernel, width), random(5, 1, kernel, kernel)
        sizes = [(n + 2 * pad - kernel) // stride + 1 for n in (kernel, width)]
        z, p = random(1, 3, *sizes), random(5, 3, 1, 1)
        nodes = [
            node("Conv", "z p", "r"),
            node("Conv", "x w", "a", group=5, pads=[pad] * 4, strides=[stride, stride]),
            node("Add", "a r", "y"),  # y may take the place of r, but not under tiles that overlap
        ]
        feeds = {"x": x, "z": z}
        model = build(nodes, {**feeds, "w": w, "p": p}, {"w", "p"}, ["y"])
        check_model(model, feeds, 1e-4, 1e-4, options=[CompileOptions(any_size=True)])


@pytest.mark.parametrize(("group", "filters"), [(1, 5), (2, 4), (6, 6), (6, 12)])
def test_one_dimension(group: int, filters: int) -> None:
    check_conv((2, 6, 20), (filters, 6 // group, 5), group=group, pads=[2, 1], strides=[3])


@pytest.mark.parametrize("group", [1, 2, 4])
def test_three_dimensions(group: int) -> None:
    check_conv(
        (1, 4, 5, 6, 7), (4, 4 // group, 3, 2, 3), group=group, pads=[1, 0, 1, 1, 1, 0],
        strides=[1, 2, 1],
    )  # fmt: skip


def test_filters_given_at_run_time() -> None:
    for group in (1, 4):
        check_op("Conv", random(1, 4, 6, 6), random(8, 4 // group, 3, 3), group=group, atol=1e-5)


def test_epilogue() -> None:
    """BatchNormalization, residual and activation behind a convolution."""
    arrays = {
        "x": random(1, 6, 8, 8), "w": random(6, 6, 3, 3), "d": random(6, 1, 3, 3),
        "s": random(6), "b": random(6), "m": random(6), "v": np.abs(random(6)) + 1,
    }  # fmt: skip
    nodes = [
        node("Conv", "x w", "c", pads=[1] * 4),
        node("BatchNormalization", "c s b m v", "n"),
        node("Add", "n x", "r"),
        node("Clip", "r - -", "q"),
        node("Conv", "q d b", "e", pads=[1] * 4, group=6),
        node("HardSwish", "e", "y"),
    ]
    model = build(nodes, arrays, set(arrays) - {"x"}, ["y"])
    check_model(model, {"x": arrays["x"]}, rtol=1e-4, atol=1e-4, options=OPTIONS)


@pytest.mark.parametrize("group", [1, 6])
def test_residual_of_the_input_itself(group: int) -> None:
    """The sum must not overwrite what the convolution still reads."""
    arrays = {"x": random(1, 6, 20, 20), "w": random(6, 6 // group, 3, 3)}
    nodes = [
        node("Relu", "x", "r"),
        node("Conv", "r w", "c", pads=[1] * 4, group=group),
        node("Add", "c r", "y"),
    ]
    model = build(nodes, arrays, {"w"}, ["y"])
    check_model(model, {"x": arrays["x"]}, rtol=1e-4, atol=1e-4, options=OPTIONS)


@pytest.mark.parametrize(
    ("x", "w", "text"),
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), "3 channels of .* do not suit filters"),
        ((1, 3, 8, 8), (4, 3, 3), "do not make a convolution"),
        ((1, 3, 2, 2), (4, 3, 3, 3), "larger than the padded input"),
    ],
)
def test_shapes_that_disagree(x: tuple[int, ...], w: tuple[int, ...], text: str) -> None:
    conv = lookup("", "Conv", 11)
    assert conv is not None
    with pytest.raises(ShapeError, match=text):
        conv().infer(TensorType(F32, x), TensorType(F32, w))
