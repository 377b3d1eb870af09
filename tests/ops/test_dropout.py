"""Dropout: nothing outside of training; in training the reference evaluator's mask for a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError
from wasmkiln.session import InferenceSession

from tests.ops.check import Array, build, check_op, node
from tests.ops.reference import check_reference, run_op

X = np.random.default_rng(0).standard_normal((7, 9, 11)).astype(np.float32)
TRAINING = np.array(True)


def test_outside_of_training() -> None:
    check_op("Dropout", X, ratio=0.3, opset=7)
    check_op("Dropout", X, np.array(0.3, "f4"), np.array(False), const=[1, 2], outputs=2)
    check_op("Dropout", X, outputs=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ratio", [0.25, 0.0])
@pytest.mark.parametrize("outputs", [1, 2])
def test_training(outputs: int, ratio: float, dtype: Any) -> None:
    """The reference evaluator divides in f32, whatever the elements are."""
    share = np.array(ratio, np.float32)
    check_reference(
        "Dropout",
        X.astype(dtype),
        share,
        TRAINING,
        run_time=(0, 1, 2),
        outputs=outputs,
        seed=4,
        rtol=1e-6,
    )


def test_training_without_a_seed() -> None:
    model = build([node("Dropout", "x - t", "y m")], {"x": X, "t": TRAINING}, (), ["y", "m"])
    for output, kind in zip(model.graph.output, (1, 9), strict=True):
        output.type.tensor_type.elem_type = kind
    masks: list[Array] = []
    with InferenceSession(model.SerializeToString()) as session:
        for _ in range(2):
            y, mask = session.run(None, {"x": X, "t": TRAINING})
            np.testing.assert_array_equal(y, np.where(mask, X * 2, 0))
            assert abs(mask.mean() - 0.5) < 0.1
            masks.append(mask)
        y, mask = session.run(None, {"x": X, "t": ~TRAINING})
        np.testing.assert_array_equal(y, X)
    assert not np.array_equal(masks[0], masks[1])


def test_everything_may_be_dropped() -> None:
    (y,) = run_op("Dropout", X, np.array(1, np.float32), TRAINING)
    np.testing.assert_array_equal(y, np.zeros_like(X))


@pytest.mark.parametrize("opset", [1, 6])
def test_old_versions(opset: int) -> None:
    y, mask = run_op("Dropout", X, opset=opset, outputs=2, ratio=0.75)
    np.testing.assert_allclose(y, np.where(mask, X * 4, 0), 1e-6)
    assert 0.15 < mask.mean() < 0.35
    (y,) = run_op("Dropout", X, opset=opset, is_test=1)
    np.testing.assert_array_equal(y, X)


def test_ratio_of_several_numbers_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"ratio is f32\[2\], one number is expected"):
        run_op("Dropout", X, np.zeros(2, np.float32), TRAINING)
