"""TreeEnsemble against onnxruntime, and against NumPy where that departs from ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from wasmkiln.errors import InvalidModelError, ShapeError

from .check import Array, run_ours
from .ml import check_ml, ml_model, random_trees, rows

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
MEMBER = 6


def ensemble(dtype: str = "f4", targets: int = 1, members: bool = False, **more: Any) -> Any:
    """Random trees listed as version 5 wants it."""
    nodes, leaves = random_trees(modes=MODES, targets=range(targets), depth=4, **more)
    keys = list(zip(nodes["nodes_treeids"], nodes["nodes_nodeids"], strict=True))
    leaf_of = {(t, n): i for i, (t, n) in enumerate(dict.fromkeys((t, n) for t, n, *_ in leaves))}
    first = {(t, n): (c, w) for t, n, c, w in reversed(leaves)}
    branches = {k: i for i, k in enumerate(k for k in keys if k not in leaf_of)}
    columns: dict[str, list[Any]] = {}
    sets: list[float] = []
    rng = np.random.default_rng(0)
    for key, i in zip(keys, range(len(keys)), strict=True):
        if key not in branches:
            continue
        mode = MODES.index(nodes["nodes_modes"][i])
        if members and rng.random() < 0.5:
            mode = MEMBER
            sets += [*rng.integers(-3, 4, rng.integers(1, 4)), np.nan]  # onnxruntime takes integers
        row = {"modes": mode, "splits": nodes["nodes_values"][i]}
        row["featureids"] = nodes["nodes_featureids"][i]
        if "nodes_missing_value_tracks_true" in nodes:
            row["missing_value_tracks_true"] = nodes["nodes_missing_value_tracks_true"][i]
        for side in ("true", "false"):
            child = (key[0], nodes[f"nodes_{side}nodeids"][i])
            row[f"{side}nodeids"] = leaf_of.get(child, branches.get(child))
            row[f"{side}leafs"] = int(child in leaf_of)
        for name, value in row.items():
            columns.setdefault(f"nodes_{name}", []).append(value)
    made: dict[str, Any] = dict(columns)
    made["nodes_modes"] = numpy_helper.from_array(np.array(columns["nodes_modes"], "u1"))
    made["nodes_splits"] = numpy_helper.from_array(np.array(columns["nodes_splits"], dtype))
    weights = np.array([first[k][1] for k in leaf_of], dtype)
    made["leaf_weights"] = numpy_helper.from_array(weights)
    made["leaf_targetids"] = [first[k][0] for k in leaf_of]
    made["tree_roots"] = [i for k, i in branches.items() if k[1] == 0]
    if sets:
        made["membership_values"] = numpy_helper.from_array(np.array(sets, dtype))
    return {**made, "n_targets": targets}


@pytest.mark.parametrize("aggregate", [0, 1, 2, 3])
@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_aggregates_and_dtypes(dtype: str, targets: int, aggregate: int) -> None:
    made = ensemble(dtype, targets)
    check_ml("TreeEnsemble", rows(19, 4, dtype), version=5, aggregate_function=aggregate, **made)


@pytest.mark.parametrize("missing", [False, True])
def test_membership(missing: bool) -> None:
    x = np.floor(rows(50, 4))  # onnxruntime truncates what it looks up
    check_ml("TreeEnsemble", x, version=5, **ensemble(members=True, missing=missing))


def test_nan_is_in_no_set_but_may_pass() -> None:
    for missing in ({}, {"nodes_missing_value_tracks_true": [1]}):
        made = stump(
            nodes_modes=numpy_helper.from_array(np.array([MEMBER], "u1")),
            membership_values=numpy_helper.from_array(np.array([3, 0.5, np.nan], "f4")),
            **missing,
        )
        x = np.array([[0.5], [3], [2], [0], [np.nan]], "f4")
        model = ml_model("TreeEnsemble", x, version=5, **made)
        expected = [1, 1, 2, 2, 1 if missing else 2]
        np.testing.assert_array_equal(run_ours(model, {"x0": x})[0][:, 0], expected)


def test_many_leaves_stay_in_the_file_at_first() -> None:
    made = ensemble(count=150, seed=3)
    assert len(made["leaf_targetids"]) > 1024
    check_ml("TreeEnsemble", rows(19, 4), version=5, rtol=1e-4, **made)


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(1, keepdims=True))
    result: Array = powers / powers.sum(1, keepdims=True)
    return result


def softmax_zero(x: Array) -> Array:
    result: Array = np.where(x == 0, 0, np.exp(x - x.max(1, keepdims=True)))
    result /= result.sum(1, keepdims=True)
    return result


@pytest.mark.parametrize(
    ("transform", "function"),
    [(1, softmax), (2, lambda x: 1 / (1 + np.exp(-x))), (3, softmax_zero)],
)
def test_transforms_are_numbered_as_onnx_does(
    transform: int, function: Callable[[Array], Array]
) -> None:
    """onnxruntime takes 1 for LOGISTIC and 2 for SOFTMAX, and the reference computes neither."""
    x, made = rows(9, 4), ensemble(targets=3)
    (raw,) = check_ml("TreeEnsemble", x, version=5, **made)
    model = ml_model("TreeEnsemble", x, version=5, post_transform=transform, **made)
    np.testing.assert_allclose(run_ours(model, {"x0": x})[0], function(raw), 1e-5, 1e-6)


def test_halves() -> None:
    x = rows(9, 4, "f2")
    model = ml_model("TreeEnsemble", x, version=5, **ensemble("f2"))
    wide = ml_model("TreeEnsemble", x.astype("f4"), version=5, **_widened())
    (expected,) = run_ours(wide, {"x0": x.astype("f4")})
    model.graph.output[0].type.tensor_type.elem_type = 10
    (ours,) = run_ours(model, {"x0": x})
    assert ours.dtype == np.float16
    np.testing.assert_allclose(ours, expected, 1e-3, 1e-3)


def _widened() -> Any:
    made = ensemble("f2")
    for name in ("leaf_weights", "nodes_splits"):
        made[name] = numpy_helper.from_array(numpy_helper.to_array(made[name]).astype("f4"))
    return made


def stump(**changes: Any) -> Any:
    """One branch with a leaf on each side."""
    sound = {
        "n_targets": 1,
        "tree_roots": [0],
        "nodes_modes": numpy_helper.from_array(np.array([0], "u1")),
        "nodes_splits": numpy_helper.from_array(np.array([0], "f4")),
        "nodes_featureids": [0],
        "nodes_truenodeids": [0],
        "nodes_trueleafs": [1],
        "nodes_falsenodeids": [1],
        "nodes_falseleafs": [1],
        "leaf_targetids": [0, 0],
        "leaf_weights": numpy_helper.from_array(np.array([1, 2], "f4")),
    }
    return {**sound, **changes}


def test_a_tree_of_one_leaf_has_a_branch_that_always_leads_there() -> None:
    x = rows(5, 1)
    model = ml_model("TreeEnsemble", x, version=5, **stump(nodes_falsenodeids=[0]))
    np.testing.assert_array_equal(run_ours(model, {"x0": x})[0], np.ones((5, 1)))


BROKEN = [
    ({"nodes_trueleafs": [0]}, InvalidModelError, "the trees have a cycle: node 0 leads to 0"),
    ({"nodes_truenodeids": [2]}, InvalidModelError, "a node leads to leaf 2"),
    ({"nodes_falseleafs": [0]}, InvalidModelError, "a node leads to node 1"),
    ({"tree_roots": [-1]}, InvalidModelError, "a root leads to node -1"),
    ({"leaf_targetids": [0]}, InvalidModelError, "1 of leaf_targetids, 2 of leaf_weights"),
    ({"leaf_targetids": [0, 4]}, InvalidModelError, "adds to target 4, of which there are 1"),
    ({"aggregate_function": 9}, InvalidModelError, "aggregate_function is 9"),
    ({"post_transform": -1}, InvalidModelError, "post_transform is -1"),
    ({"n_targets": 0}, InvalidModelError, "n_targets is 0"),
    ({"nodes_featureids": [1]}, ShapeError, r"test 2 features, and the input is f32\[2,1\]"),
    (
        {"nodes_modes": numpy_helper.from_array(np.array([0], "f4"))},
        InvalidModelError,
        "nodes_modes are f32, not integers",
    ),
    (
        {"leaf_weights": helper.make_tensor("t", 8, [2], [b"a", b"b"])},  # type: ignore[list-item]
        InvalidModelError,
        "a tensor of floats is expected, not of string",
    ),
    (
        {"nodes_modes": numpy_helper.from_array(np.array([7], "u1"))},
        InvalidModelError,
        r"node modes are \[7\]",
    ),
    (
        {"nodes_modes": numpy_helper.from_array(np.array([6], "u1"))},
        InvalidModelError,
        "node 0 tests for membership in an empty set",
    ),
]


@pytest.mark.parametrize(("changes", "error", "message"), BROKEN)
def test_what_is_no_tree(changes: Any, error: type[Exception], message: str) -> None:
    x = rows(2, 1)
    with pytest.raises(error, match=message):
        run_ours(ml_model("TreeEnsemble", x, version=5, **stump(**changes)), {"x0": x})
