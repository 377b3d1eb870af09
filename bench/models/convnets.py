"""Image classifiers: MobileNetV2, MobileNetV3-Large, ResNet50 and SqueezeNet 1.1."""

from __future__ import annotations

import onnx

from bench.models.maker import Maker

__all__ = ["mobilenetv2", "mobilenetv3_large", "resnet50", "squeezenet"]

IMAGE = (1, 3, 224, 224)

# expansion, channels, repeats, stride (table 2 of the paper)
V2_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip

# kernel, inner channels, channels, squeeze-and-excite, activation, stride (table 1 of the paper)
V3_BLOCKS = (
    (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1),
    (5, 72, 40, 1, "relu", 2), (5, 120, 40, 1, "relu", 1), (5, 120, 40, 1, "relu", 1),
    (3, 240, 80, 0, "hardswish", 2), (3, 200, 80, 0, "hardswish", 1),
    (3, 184, 80, 0, "hardswish", 1), (3, 184, 80, 0, "hardswish", 1),
    (3, 480, 112, 1, "hardswish", 1), (3, 672, 112, 1, "hardswish", 1),
    (5, 672, 160, 1, "hardswish", 2), (5, 960, 160, 1, "hardswish", 1),
    (5, 960, 160, 1, "hardswish", 1),
)  # fmt: skip

# inner channels, repeats, stride
RESNET50_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))


def mobilenetv2() -> onnx.ModelProto:
    """MobileNetV2 1.0 at 224 pixels (Sandler et al. 2018)."""
    m = Maker("mobilenetv2", seed=2)
    x, channels = m.conv(m.input("input", IMAGE), (3, 32), 3, 2, act="relu6"), 32
    for expansion, width, repeats, first in V2_STAGES:
        for repeat in range(repeats):
            stride, inner, skip = (first if repeat == 0 else 1), channels * expansion, x
            if expansion > 1:
                x = m.conv(x, (channels, inner), act="relu6")
            x = m.conv(x, (inner, inner), 3, stride, inner, act="relu6")
            x = m.conv(x, (inner, width), gain=0.5)
            if stride == 1 and channels == width:
                x = m.node("Add", skip, x)
            channels = width
    x = m.conv(x, (channels, 1280), act="relu6")
    return m.finish(m.gemm(m.pooled(x), 1280, 1000), (1, 1000))


def mobilenetv3_large() -> onnx.ModelProto:
    """MobileNetV3-Large 1.0 at 224 pixels (Howard et al. 2019): SE blocks, HardSwish."""
    m = Maker("mobilenetv3-large", seed=3)
    x, channels = m.conv(m.input("input", IMAGE), (3, 16), 3, 2, act="hardswish"), 16
    for kernel, inner, width, squeezed, act, stride in V3_BLOCKS:
        skip = x
        if inner != channels:
            x = m.conv(x, (channels, inner), act=act)
        x = m.conv(x, (inner, inner), kernel, stride, inner, act=act)
        if squeezed:
            x = _squeeze_excite(m, x, inner)
        x = m.conv(x, (inner, width), gain=0.5)
        if stride == 1 and channels == width:
            x = m.node("Add", skip, x)
        channels = width
    x = m.conv(x, (channels, 960), act="hardswish")
    x = m.act(m.gemm(m.pooled(x), 960, 1280), "hardswish")
    return m.finish(m.gemm(x, 1280, 1000), (1, 1000))


def _squeeze_excite(m: Maker, x: str, channels: int) -> str:
    """Scales of channels out of their means; narrow inside, in multiples of eight."""
    narrow = (channels // 4 + 4) // 8 * 8
    s = m.conv(m.node("GlobalAveragePool", x), (channels, narrow), act="relu")
    s = m.node("HardSigmoid", m.conv(s, (narrow, channels), gain=1.0), alpha=1 / 6, beta=0.5)
    return m.node("Mul", s, x)


def resnet50() -> onnx.ModelProto:
    """ResNet50 v1.5 at 224 pixels: the stride is in the 3x3 convolution."""
    m = Maker("resnet50", seed=50)
    x, channels = m.conv(m.input("input", IMAGE), (3, 64), 7, 2, act="relu"), 64
    x = m.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for inner, repeats, first in RESNET50_STAGES:
        for repeat in range(repeats):
            stride, width, skip = (first if repeat == 0 else 1), 4 * inner, x
            if repeat == 0:
                skip = m.conv(x, (channels, width), stride=stride, gain=1.0)
            x = m.conv(x, (channels, inner), act="relu")
            x = m.conv(x, (inner, inner), 3, stride, act="relu")
            x = m.act(m.node("Add", m.conv(x, (inner, width), gain=0.5), skip), "relu")
            channels = width
    return m.finish(m.gemm(m.pooled(x), channels, 1000), (1, 1000))


def squeezenet() -> onnx.ModelProto:
    """SqueezeNet 1.1 at 224 pixels: fire modules, a convolution as classifier."""
    m = Maker("squeezenet", seed=11)
    x, channels = m.conv(m.input("input", IMAGE), (3, 64), 3, 2, act="relu"), 64
    for narrow, wide, pool in (
        (16, 64, True), (16, 64, False), (32, 128, True), (32, 128, False),
        (48, 192, True), (48, 192, False), (64, 256, False), (64, 256, False),
    ):  # fmt: skip
        if pool:
            x = m.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
        s = m.conv(x, (channels, narrow), act="relu")
        both = (m.conv(s, (narrow, wide), act="relu"), m.conv(s, (narrow, wide), 3, act="relu"))
        x, channels = m.node("Concat", *both, axis=1), 2 * wide
    x = m.conv(x, (channels, 1000), act="relu")
    return m.finish(m.node("Softmax", m.pooled(x), axis=1), (1, 1000))
