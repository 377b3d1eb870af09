"""Random convolutions and pools: one to three axes, groups, dilations, strides, all paddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.draw import Case, Draw

__all__ = ["conv", "conv_transpose", "global_pool", "pool"]

ATOL = 2e-6  # of the largest value: sums of a few hundred products


def conv(d: Draw) -> Case:
    """Conv, grouped or depthwise too."""
    n = d.one(2, 2, 2, 1, 3)
    group = d.one(1, 1, 2, 3, 4)
    own, filters = d.one(1, 1, 2, 3, 4, 8), d.one(1, 2, 3, 4, 8)
    kernel, window = _window(d, n)
    spatial = _sizes(d, n, kernel, window)
    x = d.array([d.whole(1, 2), own * group, *spatial])
    w = d.array([filters * group, own, *kernel])
    bias = d.array([filters * group]) if d.maybe() else None
    if d.maybe():
        window["kernel_shape"] = kernel
    inputs = [x, w, bias] if bias is not None else [x, w]
    const = d.one(None, [1, 2][: len(inputs) - 1])
    return d.case("Conv", *inputs, const=const, group=group, rtol=1e-4, atol=ATOL, **window)


def conv_transpose(d: Draw) -> Case:
    """ConvTranspose with output paddings or shapes."""
    n = d.one(2, 2, 1, 3)
    group = d.one(1, 1, 2, 3)
    own, filters = d.whole(1, 4), d.whole(1, 4)
    kernel, window = _window(d, n)
    strides = window.get("strides", [1] * n)
    if "SAME" in str(window.get("auto_pad")):  # onnxruntime lets no stride exceed the window
        strides = [min(s, k) for s, k in zip(strides, kernel, strict=True)]
        window["strides"] = strides
    if "auto_pad" not in window and d.maybe():
        window["output_padding"] = [d.whole(0, s - 1) for s in strides]
    spatial = [d.whole(1, 6) for _ in range(n)]
    x = d.array([d.whole(1, 2), own * group, *spatial])
    w = d.array([own * group, filters, *kernel])
    bias = [d.array([filters * group])] if d.maybe() else []
    return d.case("ConvTranspose", x, w, *bias, group=group, rtol=1e-4, atol=ATOL, **window)


def pool(d: Draw) -> Case:
    """MaxPool, AveragePool and LpPool."""
    n = d.one(2, 2, 1, 3)
    op = d.one("MaxPool", "AveragePool", "LpPool")
    kernel, window = _window(d, n)
    window = {"kernel_shape": kernel, **window}
    if "pads" in window:  # a window must not lie in the border as a whole
        window["pads"] = [min(p, k - 1) for p, k in zip(window["pads"], kernel * 2, strict=True)]
    if d.maybe():
        window["ceil_mode"] = 1
    if op == "AveragePool" and d.maybe():
        window["count_include_pad"] = 1
    if op == "LpPool":
        window["p"] = d.whole(1, 3)
    spatial = _sizes(d, n, kernel, window)
    shape = [d.whole(1, 2), d.whole(1, 9), *spatial]
    outputs = 2 if op == "MaxPool" and d.maybe() else 1
    return d.case(op, d.array(shape), outputs=outputs, opset=22, rtol=1e-4, atol=ATOL, **window)


def global_pool(d: Draw) -> Case:
    """Pools of all positions."""
    op = d.one("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
    shape = [d.whole(1, 2), d.whole(1, 9), *(d.whole(1, 12) for _ in range(d.whole(1, 3)))]
    return d.case(op, d.array(shape), rtol=1e-4, atol=ATOL)


def _window(d: Draw, n: int) -> tuple[list[int], dict[str, Any]]:
    kernel = [d.one(1, 3, 2, d.whole(1, 5)) for _ in range(n)]
    window: dict[str, Any] = {}
    if d.maybe():
        window["strides"] = [d.one(1, 2, 3) for _ in range(n)]
    if d.maybe():
        window["dilations"] = [d.one(1, 1, 2, 3) for _ in range(n)]
    match d.whole(0, 3):
        case 0:
            window["pads"] = [d.whole(0, 2) for _ in range(2 * n)]
        case 1:
            window["auto_pad"] = d.one("SAME_UPPER", "SAME_LOWER", "VALID")
            window.pop("dilations", None)
    return kernel, window


def _sizes(d: Draw, n: int, kernel: list[int], window: dict[str, Any]) -> list[int]:
    dilations = np.array(window.get("dilations", [1] * n))
    least = (np.array(kernel) - 1) * dilations + 1
    return [int(k) + d.whole(0, 9 if n < 3 else 3) for k in least]
