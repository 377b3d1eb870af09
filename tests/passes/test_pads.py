"""Borders are made by the convolution or pool behind them."""

from __future__ import annotations

from math import inf

import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import I64
from wasmkiln.ir.graph import Node
from wasmkiln.passes.expand import expand
from wasmkiln.passes.layout import layout
from wasmkiln.passes.pads import absorb_pads

from tests.passes.graphs import filled, node, run, typed, weights


def padded(follower: Node, pads: tuple[int, ...], value: float = 0.0, last: bool = True) -> str:
    """The text of Pad and what follows it, channels last or first."""
    consts = {
        "w": weights(8, 4, 3, 3),
        "pads": Const.of(I64, (8,), pads),
        "value": filled(value),
    }
    nodes = [node("Pad", "x pads value", "a"), follower]
    g = typed({"x": "f32[2,4,6,6]"}, nodes, "y", consts)
    passes = [expand, absorb_pads, layout, absorb_pads] if last else [expand, absorb_pads]
    return run(g, *passes)


@pytest.mark.parametrize("last", [True, False])
def test_a_convolution_takes_the_border(last: bool) -> None:
    own = node("Conv", "a w", "y", pads=(1, 0, 1, 0), strides=(2, 2))
    text = padded(own, (0, 0, 0, 1, 0, 0, 1, 1), last=last)
    assert "PadConst" not in text and "pads=(1, 1, 2, 1)" in text


def test_valid_means_no_pads_of_its_own() -> None:
    text = padded(node("Conv", "a w", "y", auto_pad="VALID"), (0, 0, 1, 1, 0, 0, 1, 1))
    assert "PadConst" not in text and "Conv(pads=(1, 1, 1, 1), channels_last=True)" in text


@pytest.mark.parametrize(
    ("follower", "pads", "value"),
    [
        (node("Conv", "a w", "y"), (0, 0, 1, 1, 0, 0, 1, 1), 1.0),
        (node("Conv", "a w", "y"), (1, 0, 0, 0, 0, 0, 0, 0), 0.0),
        (node("Conv", "a w", "y", auto_pad="SAME_UPPER"), (0, 0, 1, 1, 0, 0, 1, 1), 0.0),
        (node("MaxPool", "a", "y", kernel_shape=(2, 2)), (0, 0, 1, 1, 0, 0, 1, 1), 0.0),
        (node("AveragePool", "a", "y", kernel_shape=(2, 2)), (0, 0, 1, 1, 0, 0, 1, 1), -inf),
        (node("Relu", "a", "y"), (0, 0, 1, 1, 0, 0, 1, 1), 0.0),
    ],
    ids=["one", "batch", "same", "max", "average", "elementwise"],
)
def test_what_they_cannot_make_stays(follower: Node, pads: tuple[int, ...], value: float) -> None:
    assert "PadConst" in padded(follower, pads, value)


def test_zeros_still_count_for_an_average() -> None:
    text = padded(node("AveragePool", "a", "y", kernel_shape=(2, 2)), (0, 0, 1, 0, 0, 0, 0, 2))
    assert "PadConst" not in text
    assert "Axis(size=6, window=2, stride=1, dilation=1, begin=1, out=6, counted=(-1, 6))" in text
    assert "Axis(size=6, window=2, stride=1, dilation=1, begin=0, out=7, counted=(0, 8))" in text


def test_minus_infinity_is_no_maximum() -> None:
    text = padded(node("MaxPool", "a", "y", kernel_shape=(2, 2)), (0, 0, 1, 1, 0, 0, 0, 0), -inf)
    assert "PadConst" not in text and "begin=1, out=6" in text
