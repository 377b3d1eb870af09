"""Operators on tensors without elements give tensors without elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.reference import run_op


def zeros(*shape: int, dtype: Any = np.float32) -> Any:
    return np.zeros(shape, dtype)


HEADS = {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear", "opset": 27, "outputs": 2}

CASES: list[tuple[str, list[Any], dict[str, Any], list[tuple[int, ...]]]] = [
    ("DFT", [zeros(0, 5, 1)], {"opset": 20}, [(0, 5, 2)]),
    ("STFT", [zeros(0, 8, 1), np.array(2), zeros(4)], {"opset": 17}, [(0, 3, 3, 2)]),
    ("Col2Im", [zeros(2, 0, 9), np.array([4, 4]), np.array([2, 2])], {}, [(2, 0, 4, 4)]),
    ("DeformConv", [zeros(0, 1, 4, 4), zeros(1, 1, 2, 2), zeros(0, 8, 3, 3)], {}, [(0, 1, 3, 3)]),
    ("AffineGrid", [zeros(1, 2, 3), np.array([1, 1, 0, 3])], {}, [(1, 0, 3, 2)]),
    ("Conv", [zeros(0, 1, 4, 4, dtype="f8"), zeros(1, 1, 2, 2, dtype="f8")], {}, [(0, 1, 3, 3)]),
    ("LinearAttention", [zeros(2, 0, 4)] * 3, HEADS, [(2, 0, 4), (2, 2, 2, 2)]),
    ("LinearAttention", [*[zeros(2, 1, 4)] * 2, zeros(2, 1, 0)], HEADS, [(2, 1, 0), (2, 2, 2, 0)]),
    ("Bernoulli", [zeros(0, 3)], {}, [(0, 3)]),
    ("Multinomial", [zeros(2, 3)], {"sample_size": 0}, [(2, 0)]),
    ("RoiAlign", [zeros(1, 0, 4, 4), zeros(2, 4), zeros(2, dtype=np.int64)], {}, [(2, 0, 1, 1)]),
    ("MaxRoiPool", [zeros(1, 1, 4, 4), zeros(0, 5)], {"pooled_shape": [2, 2]}, [(0, 1, 2, 2)]),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "shapes"), CASES, ids=lambda v: str(v)[:20])
def test_shapes(
    op: str, inputs: list[Any], attributes: dict[str, Any], shapes: list[tuple[int, ...]]
) -> None:
    assert [y.shape for y in run_op(op, *inputs, **attributes)] == shapes
