"""Linear models of ai.onnx.ml against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, ShapeError, UnsupportedOperatorError

from .check import run_ours
from .ml import check_ml, ml_model

TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0, 1, shape).astype("f4")


def weights(count: int, features: int) -> Any:
    return {
        "coefficients": numbers(count * features, seed=1).tolist(),
        "intercepts": numbers(count, seed=2).tolist(),
    }


@pytest.mark.parametrize("labels", [[4, -2, 9], ["c", "a", "b"]], ids=["ints", "strings"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_classifier(dtype: str, labels: Any) -> None:
    x = (3 * numbers(11, 5)).astype(dtype)
    kind = "classlabels_ints" if labels[0] == 4 else "classlabels_strings"
    check_ml("LinearClassifier", x, outputs=2, **{kind: labels}, **weights(3, 5))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("count", [2, 3])
def test_transforms(count: int, transform: str) -> None:
    made: Any = {
        "coefficients": [0.01] * (5 * count),
        "intercepts": [0.2 + 0.1 * i for i in range(count)],
    }
    check_ml(
        "LinearClassifier", numbers(9, 5), outputs=2, rtol=2e-5, post_transform=transform,
        classlabels_ints=list(range(count)), **made,
    )  # fmt: skip


@pytest.mark.parametrize("transform", TRANSFORMS[:4])
@pytest.mark.parametrize("labels", [[3, 8], ["no", "yes"]], ids=["ints", "strings"])
def test_one_score_for_two_classes(labels: Any, transform: str) -> None:
    kind = "classlabels_ints" if labels[0] == 3 else "classlabels_strings"
    made: Any = {kind: labels, **weights(1, 4)}
    check_ml("LinearClassifier", numbers(9, 4), outputs=2, post_transform=transform, **made)


def test_the_first_of_equal_scores_wins() -> None:
    x = numbers(5, 2)
    made: Any = {"coefficients": [1.0, 2.0] * 3, "intercepts": [0.0, 0.5, 0.5]}
    label, _ = check_ml("LinearClassifier", x, outputs=2, classlabels_ints=[0, 1, 2], **made)
    assert set(label) == {1}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("targets", [1, 3])
def test_regressor(targets: int, transform: str) -> None:
    made: Any = {"coefficients": [0.01] * (6 * targets), "intercepts": [0.4] * targets}
    check_ml(
        "LinearRegressor", numbers(7, 6), targets=targets, rtol=2e-5, post_transform=transform,
        **made,
    )  # fmt: skip


def test_regressor_without_intercepts() -> None:
    check_ml(
        "LinearRegressor", numbers(7, 6), targets=2, coefficients=weights(2, 6)["coefficients"]
    )


def test_intercepts_may_be_left_out() -> None:
    """onnxruntime counts classes by them."""
    x = numbers(4, 5)
    made: Any = {"coefficients": weights(3, 5)["coefficients"], "classlabels_ints": [0, 1, 2]}
    label, scores = run_ours(ml_model("LinearClassifier", x, outputs=2, **made), {"x0": x})
    expected = x @ np.reshape(made["coefficients"], (3, 5)).T
    np.testing.assert_allclose(scores, expected, 1e-5, 1e-6)
    np.testing.assert_array_equal(label, expected.argmax(1))


def test_errors() -> None:
    x = numbers(2, 5)
    for changes, error, message in (
        ({"coefficients": [1.0]}, ShapeError, "1 coefficients for 3 x 5 features"),
        ({"classlabels_ints": [1]}, InvalidModelError, "1 labels for 3 classes"),
        ({"post_transform": "CUBE"}, UnsupportedOperatorError, "post_transform is 'CUBE'"),
    ):
        made: Any = {"classlabels_ints": [0, 1, 2], **weights(3, 5), **changes}
        with pytest.raises(error, match=message):
            run_ours(ml_model("LinearClassifier", x, outputs=2, **made), {"x0": x})
    made = {"classlabels_ints": [0, 1], **weights(1, 5), "post_transform": "PROBIT"}
    with pytest.raises(UnsupportedOperatorError, match="PROBIT of one score for two classes"):
        run_ours(ml_model("LinearClassifier", x, outputs=2, **made), {"x0": x})
