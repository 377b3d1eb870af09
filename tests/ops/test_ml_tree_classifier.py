"""Trees for classification against onnxruntime: labels, and how two classes share a score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper
from wasmkiln.errors import InvalidModelError, UnsupportedOperatorError

from .check import run_ours
from .ml import check_ml, ml_model, random_trees, rows

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


def classifier(
    nodes: dict[str, Any], leaves: list[tuple[int, int, int, float]], labels: Any
) -> Any:
    names = "class_treeids", "class_nodeids", "class_ids", "class_weights"
    columns = dict(zip(names, map(list, zip(*leaves, strict=True)), strict=True))
    kind = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"
    return {**nodes, **columns, kind: labels}


def check(x: Any, attributes: Any, **more: Any) -> None:
    check_ml("TreeEnsembleClassifier", x, outputs=2, **{**attributes, **more})


@pytest.mark.parametrize("labels", [[7, -3, 5], ["c", "a", "b"]], ids=["ints", "strings"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_labels_and_dtypes(dtype: str, labels: Any) -> None:
    made = classifier(*random_trees(modes=MODES, targets=range(3)), labels)
    check(rows(37, 4, dtype), made)


@pytest.mark.parametrize("base", [[], [0.5, -0.25, 0.125]], ids=["none", "all"])
@pytest.mark.parametrize("least", [1, 3])
def test_classes_without_a_score_are_not_chosen(least: int, base: list[float]) -> None:
    nodes, leaves = random_trees(count=1, depth=3, targets=range(3), least=least)
    negative = [(t, n, c, -abs(w)) for t, n, c, w in leaves]
    more: Any = {"base_values": base} if base else {}
    check(rows(37, 4), classifier(nodes, negative, [0, 1, 2]), **more)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_of_many_classes(transform: str) -> None:
    nodes, leaves = random_trees(count=1, targets=range(3), least=3)
    weights = [(t, n, c, (w % 1) * 0.8 + 0.1) for t, n, c, w in leaves]
    made = classifier(nodes, weights, [0, 1, 2])
    check_ml(
        "TreeEnsembleClassifier", rows(9, 4), outputs=2, rtol=2e-5, post_transform=transform, **made
    )


WEIGHTS = {  # of two leaves: class to weight
    "first": ({0: 0.3}, {0: 0.7}),
    "second": ({1: 0.3}, {1: 0.7}),
    "first, mixed": ({0: -0.3}, {0: 0.7}),
    "second, mixed": ({1: -0.3}, {1: 0.7}),
    "both": ({0: 0.3, 1: 0.7}, {0: 0.8, 1: 0.2}),
    "both, mixed": ({0: 0.3, 1: -0.7}, {0: -0.8, 1: 0.2}),
    "either": ({0: 0.3}, {1: 0.7}),
    "either, mixed": ({0: -0.3}, {1: 0.7}),
}


def two_leaves(weights: tuple[dict[int, float], ...], labels: Any) -> Any:
    nodes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
    }
    leaves = [(0, n, c, v) for n, leaf in enumerate(weights, 1) for c, v in leaf.items()]
    return classifier(nodes, leaves, labels)


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=list(WEIGHTS))
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("base", [[], [0.1], [0.1, 0.2]], ids=["0", "1", "2"])
def test_two_classes(base: list[float], transform: str, weights: Any) -> None:
    x = np.array([[-1], [1], [0]], "f4")
    made = two_leaves(weights, [5, 7])
    more: Any = {"base_values": base} if base else {}
    lone = any(1 not in leaf for leaf in weights)
    if len(base) < 2 and lone and (transform == "PROBIT" or (base and 1 in weights[1])):
        model = ml_model("TreeEnsembleClassifier", x, outputs=2, post_transform=transform, **made,
                         **more)  # fmt: skip
        with pytest.raises(UnsupportedOperatorError, match="leave the other one open"):
            run_ours(model, {"x0": x})
    else:
        check(x, made, post_transform=transform, **more)


@pytest.mark.parametrize("base", [[], [0.6]], ids=["0", "1"])
@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "PROBIT"])
def test_one_class(transform: str, base: list[float]) -> None:
    x = np.array([[-1], [1]], "f4")
    made = two_leaves(({0: 0.1}, {0: 0.3}), [5])
    check(x, made, post_transform=transform, **({"base_values": base} if base else {}))


def test_two_classes_with_strings() -> None:
    check(np.array([[-1], [1]], "f4"), two_leaves(WEIGHTS["first"], ["no", "yes"]))
    check(np.array([[-1], [1]], "f4"), two_leaves(WEIGHTS["both, mixed"], ["no", "yes"]))


def test_doubles() -> None:
    made = classifier(*random_trees(targets=range(3)), ["a", "b", "c"])
    for name in ("nodes_values", "class_weights"):
        made[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(made.pop(name)) + 1e-12)
    made["base_values_as_tensor"] = numpy_helper.from_array(np.array([0.1, 0.2, 0.3]))
    check(rows(12, 4, "f8"), made)


def test_a_vector_is_one_row() -> None:
    made = classifier(*random_trees(features=1, targets=range(3)), [0, 1, 2])
    x = rows(1, 1)
    (label, scores) = check_ml("TreeEnsembleClassifier", x, outputs=2, **made)
    model = ml_model("TreeEnsembleClassifier", x[0], outputs=2, **made)
    ours = run_ours(model, {"x0": x[0]})
    np.testing.assert_array_equal(ours[0], label)
    np.testing.assert_array_equal(ours[1], scores)


def test_errors() -> None:
    x = rows(2, 1)
    made = two_leaves(WEIGHTS["both"], [5, 7])
    for changes, error, message in (
        ({"classlabels_strings": ["a", "b"]}, InvalidModelError, "either integers or strings"),
        ({"base_values": [1.0, 2.0, 3.0]}, InvalidModelError, "3 base values for 2 classes"),
        ({"classlabels_int64s": [1, 2, 3], "base_values": [1.0]}, InvalidModelError, "1 base"),
        ({"class_ids": [0, 1, 2, 0]}, InvalidModelError, "leaf 2 adds to target 2"),
    ):
        model = ml_model("TreeEnsembleClassifier", x, outputs=2, **{**made, **changes})
        with pytest.raises(error, match=message):
            run_ours(model, {"x0": x})
    model = ml_model(
        "TreeEnsembleClassifier", x, outputs=2, **two_leaves(({0: 1.0}, {0: 2.0}), ["a"])
    )
    with pytest.raises(UnsupportedOperatorError, match="one class with a string for a label"):
        run_ours(model, {"x0": x})
