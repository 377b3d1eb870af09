"""Pad in all its modes and versions, and CenterCropPad."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.errors import LimitError, ShapeError

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(5)


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, np.int64)


PADS = [
    (0, 0, 1, 2, 0, 0, 3, 4),
    (1, 0, 0, 0, 0, 2, 0, 0),
    (0, 0, 0, 1, 0, 0, 0, 0),
    (0, 0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 0, 0),
]


@pytest.mark.parametrize("pads", PADS)
@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_modes(mode: str, pads: tuple[int, ...]) -> None:
    x = random(2, 3, 5, 6)
    check_op("Pad", x, ints(*pads), const=[1], mode=mode)
    if mode != "wrap":
        check_op("Pad", x, ints(*pads), const=[1], mode=mode, opset=11)
        check_op("Pad", x, pads=pads, mode=mode, opset=7)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "i4", "u1", "?"])
def test_value(dtype: str) -> None:
    x = (random(2, 3, 5) * 9).astype(dtype)
    value = np.array(7).astype(dtype)
    pads = ints(1, 0, 2, 0, 3, 1)
    check_op("Pad", x, pads, value, const=[1, 2])
    check_op("Pad", x, pads, value, const=[1])
    check_op("Pad", x, pads, value, const=[0, 1, 2])


def test_value_attribute() -> None:
    check_op("Pad", random(2, 3), pads=[1, 0, 0, 2], value=-1.5, opset=7)


def test_negative_pads_crop() -> None:
    check_op("Pad", random(4, 6), ints(-1, 2, 0, -3), const=[1])
    check_op("Pad", random(4, 6), ints(-1, -2, -1, -2), const=[1])


def test_axes() -> None:
    inputs = [random(2, 3, 4), ints(1, 2, 0, 3), None, ints(2, -2)]
    check_op("Pad", *inputs, const=[1, 3], mode="edge")
    check_op("Pad", *inputs, const=[1, 3])


def test_more_than_one_reflection() -> None:
    """numpy reflects again and again; onnxruntime refuses, so this is compared with NumPy."""
    feeds = {"x": random(3)}
    arrays = feeds | {"p": ints(7, 5)}
    model = build([node("Pad", "x p", "y", mode="reflect")], arrays, {"p"}, ["y"])
    (y,) = run_ours(model, feeds)
    np.testing.assert_array_equal(y, np.pad(feeds["x"], (7, 5), mode="reflect"))


def test_absurdly_wide_borders() -> None:
    arrays = {"x": random(3), "p": ints(1 << 40, 0)}
    model = build([node("Pad", "x p", "y", mode="wrap")], arrays, {"p"}, ["y"])
    with pytest.raises(LimitError, match="a border of 1099511627776 and 0 around 3 elements"):
        run_ours(model, {"x": arrays["x"]})


def test_pads_of_another_rank() -> None:
    arrays = {"x": random(2, 3), "p": ints(1, 1)}
    model = build([node("Pad", "x p", "y")], arrays, {"p"}, ["y"])
    with pytest.raises(ShapeError, match=r"pads \(1, 1\) do not suit f32\[2,3\]"):
        run_ours(model, {"x": arrays["x"]})


@pytest.mark.parametrize("shape", [(10, 7), (4, 12), (3, 3), (11, 9)])
def test_center_crop_pad(shape: tuple[int, int]) -> None:
    check_op("CenterCropPad", random(10, 9), ints(*shape), const=[1])
    check_op("CenterCropPad", random(2, 10, 9), ints(*shape), const=[1], axes=[1, -1])
