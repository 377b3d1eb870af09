"""Nets with an answer for each place: a U-Net, and a detector with three heads."""

from __future__ import annotations

import numpy as np
import onnx

from bench.models.maker import Maker

__all__ = ["unet", "yolo"]

CLASSES = 80


def unet() -> onnx.ModelProto:
    """Four levels at 256 pixels; upwards twice by ConvTranspose, then twice by Resize."""
    m = Maker("unet", seed=12)
    widths = (16, 32, 64, 128, 256)
    x, channels, kept = m.input("image", (1, 3, 256, 256)), 3, []
    for width in widths[:-1]:
        x = _twice(m, x, channels, width)
        kept.append(x)
        x, channels = m.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), width
    x, channels = _twice(m, x, channels, widths[-1]), widths[-1]
    for level in (3, 2, 1, 0):
        width = widths[level]
        x = _transposed(m, x, channels, width) if level > 1 else _resized(m, x, channels, width)
        x = m.node("Concat", x, kept[level], axis=1)
        x, channels = _twice(m, x, 2 * width, width), width
    return m.finish(m.conv(x, (channels, 1), act="sigmoid"), (1, 1, 256, 256))


def _twice(m: Maker, x: str, given: int, made: int) -> str:
    return m.conv(m.conv(x, (given, made), 3, act="relu"), (made, made), 3, act="relu")


def _transposed(m: Maker, x: str, given: int, made: int) -> str:
    w = m.weight(given, made, 2, 2, fan_in=given, gain=1.0)
    size = {"kernel_shape": [2, 2], "strides": [2, 2]}
    return m.node("ConvTranspose", x, w, m.bias(made), **size)


def _resized(m: Maker, x: str, given: int, made: int) -> str:
    scales = m.const([1, 1, 2, 2])
    how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return m.conv(m.node("Resize", x, "", scales, **how), (given, made), gain=1.0)


def yolo() -> onnx.ModelProto:
    """A detector at 320 pixels: SiLU, stages split and joined, nearest upsampling, boxes."""
    m = Maker("yolo", seed=13)
    x = m.conv(m.input("image", (1, 3, 320, 320)), (3, 16), 3, 2, act="silu")
    channels, levels = 16, []
    for width in (32, 64, 128, 256):
        x = _stage(m, m.conv(x, (channels, width), 3, 2, act="silu"), width)
        channels = width
        levels.append(x)
    _, fine, middle, coarse = levels
    middle = _merge(m, coarse, middle, (256, 128))
    fine = _merge(m, middle, fine, (128, 64))
    heads = [
        _head(m, y, width, 320 // stride, stride)
        for y, width, stride in ((fine, 64, 8), (middle, 128, 16), (coarse, 256, 32))
    ]
    return m.finish(m.node("Concat", *heads, axis=1), (1, 2100, 5 + CLASSES))


def _stage(m: Maker, x: str, channels: int) -> str:
    half = channels // 2
    y = m.conv(x, (channels, channels), act="silu")
    kept, through = m.nodes("Split", 2, y, m.ints(half, half), axis=1)
    inner = m.conv(m.conv(through, (half, half), 3, act="silu"), (half, half), 3, act="silu")
    joined = m.node("Concat", kept, m.node("Add", through, inner), axis=1)
    return m.conv(joined, (channels, channels), act="silu")


def _merge(m: Maker, coarse: str, fine: str, channels: tuple[int, int]) -> str:
    given, made = channels
    narrow = m.conv(coarse, (given, made), act="silu")
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    up = m.node("Resize", narrow, "", m.const([1, 1, 2, 2]), nearest_mode="floor", **how)
    return m.conv(m.node("Concat", up, fine, axis=1), (2 * made, made), 3, act="silu")


def _head(m: Maker, x: str, channels: int, size: int, stride: int) -> str:
    """Boxes in pixels and scores, [1, size * size, 5 + CLASSES]."""
    x = m.conv(m.conv(x, (channels, 64), 3, act="silu"), (64, 5 + CLASSES), gain=1.0)
    x = m.node("Reshape", x, m.ints(1, 5 + CLASSES, size * size))
    x = m.node("Transpose", x, perm=[0, 2, 1])
    centre, extent, scores = m.nodes("Split", 3, x, m.ints(2, 2, 1 + CLASSES), axis=2)
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(1, -1, 2)
    centre = m.node("Mul", m.node("Add", centre, m.const(grid)), m.const(float(stride)))
    extent = m.node("Mul", m.node("Exp", extent), m.const(float(stride)))
    return m.node("Concat", centre, extent, m.node("Sigmoid", scores), axis=2)
