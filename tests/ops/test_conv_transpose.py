"""ConvTranspose against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.options import CompileOptions

from tests.ops.check import build, check_model, check_op, node

OPTIONS = (
    CompileOptions(),
    CompileOptions(simd="baseline", channels_last=False),
    CompileOptions(threads=2),
)


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def check(x: tuple[int, ...], w: tuple[int, ...], bias: bool = True, **attributes: Any) -> None:
    filters = w[1] * attributes.get("group", 1)
    inputs = [random(*x), random(*w), *([random(filters)] if bias else [])]
    const = (1, 2) if bias else (1,)
    check_op(
        "ConvTranspose", *inputs, const=const, options=OPTIONS, rtol=1e-4, atol=1e-4, **attributes
    )


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("strides", [[1, 1], [2, 3], [3, 3]])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 1]])
@pytest.mark.parametrize("dilations", [[1, 1], [2, 1]])
def test_windows(bias: bool, strides: Any, pads: Any, dilations: Any) -> None:
    check((2, 3, 5, 6), (3, 4, 3, 2), bias, strides=strides, pads=pads, dilations=dilations)


@pytest.mark.parametrize("group", [1, 2, 4])
def test_groups(group: int) -> None:
    check((1, 4, 5, 6), (4, 3, 3, 3), group=group, strides=[2, 2], output_padding=[1, 1])


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_auto_pad(auto_pad: str, kernel: int) -> None:
    check((1, 3, 5, 6), (3, 4, kernel, kernel), strides=[2, 2], auto_pad=auto_pad)


@pytest.mark.parametrize("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
def test_output_shape(auto_pad: str) -> None:
    check((1, 3, 5, 6), (3, 4, 4, 4), strides=[3, 2], output_shape=[15, 13], auto_pad=auto_pad)


def test_other_ranks() -> None:
    check((1, 4, 5), (4, 3, 4), strides=[2], opset=11)
    check((1, 3, 3, 4, 3), (3, 2, 2, 3, 2), strides=[2, 2, 1])


def test_epilogue() -> None:
    arrays = {"x": random(1, 3, 5, 5), "w": random(3, 4, 2, 2), "r": random(1, 4, 10, 10)}
    nodes = [
        node("ConvTranspose", "x w", "c", strides=[2, 2]),
        node("Add", "c r", "a"),
        node("Sigmoid", "a", "y"),
    ]
    model = build(nodes, arrays, {"w"}, ["y"])
    check_model(model, {"x": arrays["x"], "r": arrays["r"]}, atol=1e-5, options=OPTIONS)
