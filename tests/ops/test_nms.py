"""NonMaxSuppression against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.options import CompileOptions

from .check import Array, build, check_op, node, run_ours

VARIANTS = [CompileOptions(), CompileOptions(simd="baseline", threads=3)]


def scene(batch: int, classes: int, n: int, center: bool = False) -> tuple[Array, Array]:
    """Boxes that overlap a lot, and scores of which some are equal."""
    rng = np.random.default_rng(n)
    a, b = rng.integers(0, 12, (2, batch, n, 2)) / np.float32(8)
    boxes = np.concatenate([a, b if center else a + rng.normal(0, 1, b.shape)], -1)
    return boxes.astype("f4"), (rng.integers(0, 20, (batch, classes, n)) / 20).astype("f4")


def floats(value: float) -> Array:
    return np.array([value], "f4")


@pytest.mark.parametrize("center", [0, 1])
@pytest.mark.parametrize("threshold", [None, 0.3, 2.0])
@pytest.mark.parametrize("iou", [None, 0.0, 0.25, 0.5, 1.0])
def test_thresholds(iou: float | None, threshold: float | None, center: int) -> None:
    boxes, scores = scene(2, 3, 37, bool(center))
    inputs = [None if v is None else floats(v) for v in (iou, threshold)]
    while inputs and inputs[-1] is None:
        inputs.pop()
    most = np.array([9])
    check_op(
        "NonMaxSuppression", boxes, scores, most, *inputs, center_point_box=center, options=VARIANTS
    )
    check_op("NonMaxSuppression", boxes, scores, most, *inputs, opset=10, const=[2])


@pytest.mark.parametrize("most", [-1, 0, 1, 5, 40, 1 << 40])
def test_limits(most: int) -> None:
    boxes, scores = scene(1, 2, 29)
    for const in ((), (2,), (2, 3)):
        check_op("NonMaxSuppression", boxes, scores, np.array(most), floats(0.4), const=const)


@pytest.mark.parametrize("n", [1, 2, 3, 200])
def test_sizes(n: int) -> None:
    boxes, scores = scene(1, 1, n)
    check_op("NonMaxSuppression", boxes, scores, np.array([n]), floats(0.5), options=VARIANTS)


def test_without_a_limit_nothing_is_chosen() -> None:
    check_op("NonMaxSuppression", *scene(1, 2, 5))


def test_no_boxes() -> None:
    check_op("NonMaxSuppression", *scene(2, 3, 0), np.array([3]), floats(0.5))


def test_boxes_without_area_overlap_nothing() -> None:
    boxes = np.array([[[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]]], "f4")
    scores = np.array([[[0.5, 0.5, 0.5, 0.5]]], "f4")
    check_op("NonMaxSuppression", boxes, scores, np.array([9]), floats(0.1))


def refused(message: str, const: set[str], **inputs: Any) -> None:
    model = build([node("NonMaxSuppression", " ".join(inputs), "y")], inputs, const, ["y"])
    with pytest.raises(ShapeError, match=message):
        run_ours(model, {n: a for n, a in inputs.items() if n not in const})


def test_errors() -> None:
    boxes, scores = scene(1, 2, 5)
    expected = r"boxes are f32\[1,5,4\] and scores f32\[1,2,4\], f32\[B,N,4\] and f32\[B,C,N\]"
    refused(expected, set(), b=boxes, s=scores[..., :4], m=np.array([1]))
    message = r"max_output_boxes_per_class is i64\[2\], one i64 is expected"
    refused(message, set(), b=boxes, s=scores, m=np.array([1, 2]))
    message = r"iou_threshold is 1.5, not in 0..1"
    refused(message, {"i"}, b=boxes, s=scores, m=np.array([1]), i=floats(1.5))
