"""Col2Im: strides, dilations and borders in one to three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError

from tests.ops.check import check_op
from tests.ops.reference import check_reference, run_op


def check(
    image: list[int], block: list[int], rank_first: tuple[int, int], dtype: Any, **attributes: Any
) -> None:
    rank = len(image)
    pads = attributes.get("pads", [0] * (2 * rank))
    strides, dilations = (
        attributes.get("strides", [1] * rank),
        attributes.get("dilations", [1] * rank),
    )
    grid = [
        (image[d] + pads[d] + pads[rank + d] - dilations[d] * (block[d] - 1) - 1) // strides[d] + 1
        for d in range(rank)
    ]
    n, channels = rank_first
    shape = (n, channels * int(np.prod(block)), int(np.prod(grid)))
    x = np.random.default_rng(0).integers(0, 9, shape).astype(dtype)
    check_reference("Col2Im", x, np.array(image), np.array(block), opset=18, **attributes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.float16])
def test_dtypes(dtype: Any) -> None:
    check([5, 6], [2, 3], (2, 3), dtype)


def test_attributes() -> None:
    check([5, 7], [3, 2], (1, 2), np.float32, pads=[1, 0, 2, 1])
    check([7, 7], [3, 3], (2, 1), np.float32, strides=[2, 3])
    check([6, 7], [2, 3], (1, 1), np.float32, dilations=[2, 1], strides=[1, 2], pads=[0, 1, 0, 1])


def test_ranks() -> None:
    check([9], [4], (2, 2), np.float32, strides=[2])
    check([3, 4, 5], [2, 1, 3], (1, 2), np.float32, pads=[0, 1, 1, 0, 1, 1])


def test_matches_onnxruntime() -> None:
    x = np.random.default_rng(0).standard_normal((2, 12, 20)).astype(np.float32)
    check_op("Col2Im", x, np.array([5, 6]), np.array([2, 2]), const=[1, 2])


def test_wrong_number_of_blocks_is_refused() -> None:
    x = np.zeros((1, 4, 9), np.float32)
    with pytest.raises(ShapeError, match=r"is not \[4,4\] blocks \[2,2\] of an image \[5,5\]"):
        run_op("Col2Im", x, np.array([5, 5]), np.array([2, 2]))
