"""Non-maximum suppression alone: shares of the range, and what is left unwritten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.nms import emit_nms, emit_nms_collect
from wasmkiln.program.kernels.nms import NmsCollectSpec, NmsSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


def overlap(a: Any, b: Any) -> float:
    """Intersection over union of two boxes given by opposite corners."""
    low, high = (np.array([np.minimum(x[:2], x[2:]), np.maximum(x[:2], x[2:])]) for x in (a, b))
    shared = np.prod(np.maximum(0, np.minimum(low[1], high[1]) - np.maximum(low[0], high[0])))
    areas = [np.prod(x[1] - x[0]) for x in (low, high)]
    return float(shared / (sum(areas) - shared))


def by_hand(boxes: Any, scores: Any, most: int, iou: float, threshold: float) -> list[int]:
    order = [i for i in np.argsort(-scores, kind="stable") if scores[i] > threshold]
    kept: list[int] = []
    for i in order:
        if len(kept) < most and all(overlap(boxes[i], boxes[k]) <= iou for k in kept):
            kept.append(int(i))
    return kept


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize(("batch", "classes", "n"), [(1, 1, 1), (2, 3, 31)])
def test_classes(batch: int, classes: int, n: int, target: Target) -> None:
    rng = np.random.default_rng(n)
    boxes = rng.normal(0, 1, (batch, n, 4)).astype(np.float32)
    scores = (rng.integers(0, 9, (batch, classes, n)) / 8).astype(np.float32)
    room, units, threshold = 5, batch * classes, -1.0 if n == 1 else 0.2
    chosen, counts = np.zeros((units, room), np.int32), np.zeros(units, np.int32)
    scratch = np.zeros(n + 5 * room, np.int32)
    floats = [np.array([v], np.float32) for v in (0.3, threshold)]
    args = [chosen, counts, boxes, scores, np.array([4]), *floats, classes, n, room]
    args += [scratch, scratch.nbytes]
    shares = (1, 4) if units > 4 else ()
    spec = NmsSpec(center=False, thresholded=True)
    chosen, counts, _ = run_kernel(emit_nms, spec, target, args, units, (0, 1, 10), shares)
    for u in range(units):
        b, c = divmod(u, classes)
        expected = by_hand(boxes[b], scores[b, c], 4, 0.3, threshold)
        assert chosen[u, : counts[u]].tolist() == expected


def test_collect() -> None:
    chosen = np.array([[7, 8], [9, -1], [-1, -1], [3, -1]], np.int32)
    counts = np.array([2, 1, 0, 1], np.int32)
    rows, count = np.zeros((8, 3), np.int64), np.zeros(1, np.int64)
    args = [rows, count, chosen, counts, 4, 2, 2]
    rows, count = run_kernel(emit_nms_collect, NmsCollectSpec(), TARGETS[0], args, 1, (0, 1))
    assert count[0] == 4
    assert rows[:4].tolist() == [[0, 0, 7], [0, 0, 8], [0, 1, 9], [1, 1, 3]]


def test_names_tell_structure() -> None:
    assert NmsSpec(center=True, thresholded=False).name == "nms_center"
    assert NmsSpec(center=False, thresholded=True).name == "nms_corners_thresholded"
