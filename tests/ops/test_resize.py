"""Resize and Upsample against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import LimitError, ShapeError
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.resize import Upsample7
from wasmkiln.options import CompileOptions

from .check import Array, build, check_model, check_op, node

COORDINATES = [
    *("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"),
]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
NEAREST = [(c, r) for c in COORDINATES for r in ROUNDINGS]
NEAREST.remove(("half_pixel_symmetric", "floor"))  # there the last bit of a sum decides
SIZES = [(2, 3, 10, 14), (2, 3, 5, 7), (2, 3, 3, 4), (2, 3, 13, 3), (2, 3, 1, 1), (2, 3, 6, 7)]


def image(*shape: int, dtype: str = "f4") -> Array:
    return np.random.default_rng(len(shape)).normal(0, 50, shape).astype(dtype)


def resize_to(x: Array, sizes: tuple[int, ...], opset: int = 19, **attributes: Any) -> None:
    given = [None, None, np.array(sizes)]
    if opset < 13:  # roi and scales may only be empty
        given[:2] = [np.array([], "f"), np.array([], "f")]
    tolerance = {"rtol": 1e-4, "atol": 1e-3}
    fixed = [i for i in (1, 2, 3) if given[i - 1] is not None]
    check_op("Resize", x, *given, const=fixed, opset=opset, **tolerance, **attributes)


def resize_by(x: Array, scales: tuple[float, ...], opset: int = 19, **attributes: Any) -> None:
    given = [np.array([], "f") if opset < 13 else None, np.array(scales, "f")]
    tolerance = {"rtol": 1e-4, "atol": 1e-3}
    fixed = [1, 2] if opset < 13 else [2]
    check_op("Resize", x, *given, const=fixed, opset=opset, **tolerance, **attributes)


@pytest.mark.parametrize(("coordinate", "rounding"), NEAREST)
@pytest.mark.parametrize("sizes", SIZES)
def test_nearest(sizes: tuple[int, ...], coordinate: str, rounding: str) -> None:
    how = {"coordinate_transformation_mode": coordinate, "nearest_mode": rounding}
    resize_to(image(2, 3, 5, 7), sizes, mode="nearest", **how)


@pytest.mark.parametrize("coordinate", COORDINATES)
@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("sizes", SIZES)
def test_interpolation(sizes: tuple[int, ...], mode: str, coordinate: str) -> None:
    how = {"coordinate_transformation_mode": coordinate}
    resize_to(image(2, 3, 5, 7), sizes, mode=mode, **how)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("opset", [11, 13, 18, 19])
@pytest.mark.parametrize("scales", [(1, 1, 2, 2), (1, 1, 0.6, 0.6), (1, 1, 1.7, 0.35)])
def test_scales(scales: tuple[float, ...], opset: int, mode: str) -> None:
    resize_by(image(1, 2, 9, 11), scales, opset, mode=mode)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("exclude", [0, 1])
@pytest.mark.parametrize("a", [-0.5, -0.75])
def test_cubic(a: float, exclude: int, sizes: tuple[int, ...]) -> None:
    x = image(2, 3, 5, 7)
    resize_to(x, sizes, mode="cubic", cubic_coeff_a=a, exclude_outside=exclude)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("exclude", [0, 1])
@pytest.mark.parametrize("sizes", [(1, 2, 4, 5), (1, 2, 9, 23), (1, 2, 20, 6)])
def test_antialias(sizes: tuple[int, ...], exclude: int, mode: str) -> None:
    x = image(1, 2, 13, 17)
    resize_to(x, sizes, mode=mode, antialias=1, exclude_outside=exclude)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_crop(mode: str) -> None:
    roi = np.array([0, 0, 0.1, -0.2, 1, 1, 0.8, 1.1], "f")
    inputs = [image(1, 2, 9, 11), roi, None, np.array([1, 2, 6, 13])]
    how = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 9.0}
    check_op("Resize", *inputs, const=[1, 3], opset=13, mode=mode, rtol=1e-4, atol=1e-3, **how)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_axes_and_aspect_ratio(mode: str, policy: str) -> None:
    x = image(1, 2, 9, 11)
    resize_to(x, (5, 8), opset=18, mode=mode, axes=[2, 3], keep_aspect_ratio_policy=policy)
    resize_to(x, (8, 20), opset=18, mode=mode, axes=[3, 2], keep_aspect_ratio_policy=policy)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("scales", [(1, 1, 2, 3), (1, 1, 2.5, 1.5)])
def test_before_opset_11(scales: tuple[float, ...], mode: str) -> None:
    x, factors = image(1, 2, 5, 7), np.array(scales, "f")
    tolerance = {"rtol": 1e-5, "atol": 1e-4}
    check_op("Upsample", x, opset=7, mode=mode, scales=[*map(float, scales)], **tolerance)
    check_op("Upsample", x, factors, const=[1], opset=9, mode=mode, **tolerance)
    check_op("Resize", x, factors, const=[1], opset=10, mode=mode, **tolerance)
    if mode == "nearest":
        shrink = np.array([1, 1, 0.6, 0.6], "f")
        check_op("Resize", x, shrink, const=[1], opset=10, mode=mode, **tolerance)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
def test_picking_from_other_dtypes(dtype: str) -> None:
    x = np.random.default_rng(0).integers(-99, 99, (1, 3, 5, 7)).astype(dtype)
    resize_to(x, (1, 3, 10, 14), mode="nearest")


@pytest.mark.parametrize("shape", [(2, 3, 9), (1, 2, 4, 5, 6), (4, 5)])
def test_other_ranks(shape: tuple[int, ...]) -> None:
    x = image(*shape)
    sizes = tuple(d if i < 2 and len(shape) > 2 else 2 * d - 1 for i, d in enumerate(shape))
    resize_to(x, sizes, mode="nearest")
    resize_to(x, sizes, mode="linear")


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("channels", [1, 3, 8, 21])
def test_between_convolutions(channels: int, mode: str) -> None:
    arrays = {
        "x": image(1, 3, 9, 8) / 50,
        "w": image(channels, 3, 3, 3) / 50,
        "v": image(4, channels, 1, 1) / 50,
        "scales": np.array([1, 1, 2, 2], "f"),
    }
    nodes = [
        node("Conv", "x w", "a"),
        node("Resize", "a - scales", "b", mode=mode),
        node("Conv", "b v", "y"),
    ]
    options = [
        CompileOptions(simd=s, threads=t, channels_last=c)
        for s, t, c in (("relaxed", 2, True), ("baseline", 1, False))
    ]
    model = build(nodes, arrays, {"w", "v", "scales"}, ["y"])
    check_model(model, {"x": arrays["x"]}, rtol=1e-4, atol=1e-4, options=options)


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"2 scales for 3 axes of f32\[1,2,3\]"):
        Upsample7(scales=(1.0, 2.0)).infer(TensorType(F32, (1, 2, 3)))
    with pytest.raises(LimitError, match="too large"):
        Upsample7(scales=(1e9, 1.0, 1.0)).infer(TensorType(F32, (1, 2, 3)))
