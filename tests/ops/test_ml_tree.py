"""Trees for regression against onnxruntime: modes, aggregates, dtypes; and models that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper
from wasmkiln.errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from wasmkiln.options import CompileOptions

from .check import Array, run_ours
from .ml import check_ml, ml_model, random_trees, regressor, rows

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
VARIANTS = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (1, 3)]


def check(x: Array, targets: int = 1, trees: Any = None, **attributes: Any) -> None:
    made = regressor(*random_trees(targets=range(targets), **(trees or {})))
    check_ml("TreeEnsembleRegressor", x, n_targets=targets, **{**made, **attributes})


def with_nan(x: Array) -> Array:
    x = x.copy()
    x[::3, 1] = x[1::4, 0] = np.nan
    return x


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_one_mode(mode: str, missing: bool) -> None:
    check(with_nan(rows(37, 4)), trees={"modes": [mode], "missing": missing})


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("missing", [False, True])
def test_mixed_modes(missing: bool, dtype: str) -> None:
    check(with_nan(rows(37, 4, dtype)), trees={"modes": MODES, "missing": missing})


@pytest.mark.parametrize("dtype", ["i4", "i8"])
def test_integers_are_compared_as_floats(dtype: str) -> None:
    """onnxruntime has no kernels for them."""
    x = rows(37, 4, dtype)
    model = ml_model("TreeEnsembleRegressor", x, n_targets=1, **regressor(*random_trees()))
    floats = x.astype("f4")
    (expected,) = check_ml(
        "TreeEnsembleRegressor", floats, n_targets=1, **regressor(*random_trees())
    )
    np.testing.assert_array_equal(run_ours(model, {"x0": x})[0], expected)


def test_base_values_count_where_no_leaf_adds_to_a_target() -> None:
    """As ONNX says; onnxruntime gives 0 there."""
    model = ml_model("TreeEnsembleRegressor", x := rows(2, 1), **broken(
        n_targets=2, base_values=[10.0, 20.0]))  # fmt: skip
    np.testing.assert_array_equal(
        run_ours(model, {"x0": x})[0], [[11 + (v > 0), 20] for v in x[:, 0]]
    )


@pytest.mark.parametrize("targets", [1, 2, 5])
@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("with_base", [False, True])
def test_aggregates(with_base: bool, aggregate: str, targets: int) -> None:
    base = {"base_values": [0.5 - i for i in range(targets)]} if with_base else {}
    trees = {"count": 3, "depth": 2, "least": targets if with_base else 1}
    check(rows(21, 4), targets, trees, aggregate_function=aggregate, **base)


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"])
def test_transforms(transform: str, targets: int) -> None:
    nodes, leaves = random_trees(targets=range(targets), depth=2, count=1)
    weights = [(t, n, i, (w % 1) * 0.8 + 0.1) for t, n, i, w in leaves]  # probit is for (0, 1)
    check_ml(
        "TreeEnsembleRegressor", rows(9, 4), n_targets=targets, post_transform=transform,
        rtol=2e-5, **regressor(nodes, weights),
    )  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 64])
def test_any_number_of_rows(n: int) -> None:
    check(rows(n, 3), 1, {"features": 3})
    check(rows(n, 3), 2, {"features": 3})


def test_a_tree_of_one_leaf_and_a_deep_chain() -> None:
    check(rows(5, 4), trees={"depth": 0, "count": 2})
    n = 300
    chain = {
        "nodes_treeids": [0] * (2 * n + 1),
        "nodes_nodeids": list(range(2 * n + 1)),
        "nodes_featureids": [0] * (2 * n + 1),
        "nodes_modes": ["BRANCH_LT", "LEAF"] * n + ["LEAF"],
        "nodes_values": [float(i) for i in range(2 * n + 1)],
        "nodes_truenodeids": [i + 1 for i in range(2 * n)] + [0],
        "nodes_falsenodeids": [i + 2 for i in range(2 * n)] + [0],
    }
    leaves = [(0, i, 0, float(i)) for i in (*range(1, 2 * n, 2), 2 * n)]
    x = np.array([[-1], [0], [57], [58], [58.5], [599], [1e9]], "f4")
    check_ml("TreeEnsembleRegressor", x, n_targets=1, **regressor(chain, leaves))


def test_all_code_variants() -> None:
    for targets in (1, 3):
        made = regressor(*random_trees(20, 9, 8, targets=range(targets)))
        x = np.random.default_rng(0).normal(0, 1, (200, 9)).astype("f4")
        check_ml("TreeEnsembleRegressor", x, n_targets=targets, options=VARIANTS, **made)


@pytest.mark.parametrize("few", [True, False])
def test_thresholds_and_weights_as_doubles(few: bool) -> None:
    """More than 1024 of them stay in the file at first."""
    made = regressor(*random_trees(3 if few else 60, depth=6))
    for name in ("nodes_values", "target_weights"):
        values = np.array(made.pop(name)) + 1e-12
        made[f"{name}_as_tensor"] = numpy_helper.from_array(values)
    x = rows(12, 4, "f8")
    x[::2] += 1e-12
    check_ml("TreeEnsembleRegressor", x, n_targets=1, **made)
    with pytest.raises(ShapeError, match="the trees are given in f64, and the input in f32"):
        model = ml_model("TreeEnsembleRegressor", x.astype("f4"), n_targets=1, **made)
        run_ours(model, {"x0": x.astype("f4")})


def broken(**changes: Any) -> Any:
    """A tree of three nodes with some attributes changed."""
    sound = {
        "n_targets": 1,
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
    }
    return {**sound, **changes}


BROKEN = [
    ({"nodes_truenodeids": [0, 0, 0]}, "the trees have a cycle: node 0 leads to 0"),
    (
        {"nodes_modes": ["BRANCH_LEQ", "BRANCH_LT", "LEAF"], "nodes_falsenodeids": [2, 2, 0]},
        "the trees have a cycle: node 1 leads to 0",
    ),
    ({"nodes_truenodeids": [3, 0, 0]}, "node 0 leads to node -1, of which there are 3"),
    ({"nodes_falsenodeids": [-5, 0, 0]}, "node 0 leads to node -1, of which there are 3"),
    ({"nodes_nodeids": [0, 1, 1]}, "two nodes of a tree have the same number"),
    ({"nodes_values": [0.0]}, "there are 3 of nodes_nodeids, .* 1 of nodes_values"),
    ({"target_ids": [0, 1]}, "leaf 2 adds to target 1, of which there are 1"),
    ({"target_nodeids": [1, 9]}, "a weight is for node 9 of tree 0, not listed"),
    ({"nodes_featureids": [-1, 0, 0]}, "node 0 tests feature -1"),
    ({"nodes_featureids": [1 << 40, 0, 0]}, "node 0 tests feature 1099511627776"),
    ({"n_targets": 0}, "n_targets is 0"),
    ({"base_values": [1.0, 2.0]}, "there are 2 base values for 1 targets"),
]


@pytest.mark.parametrize(("changes", "message"), BROKEN)
def test_what_is_no_tree(changes: Any, message: str) -> None:
    x = rows(2, 1)
    model = ml_model("TreeEnsembleRegressor", x, **broken(**changes))
    with pytest.raises(InvalidModelError, match=message):
        run_ours(model, {"x0": x})


def test_what_is_not_supported() -> None:
    x = rows(2, 1)
    for changes, error, message in (
        ({"nodes_modes": ["BRANCH_ODD", "LEAF", "LEAF"]}, UnsupportedOperatorError, "BRANCH_ODD"),
        ({"post_transform": "CUBE"}, UnsupportedOperatorError, "post_transform is 'CUBE'"),
        ({"aggregate_function": "MEDIAN"}, UnsupportedOperatorError, "is 'MEDIAN'"),
        ({"nodes_featureids": [3, 0, 0]}, ShapeError, r"test 4 features, and the input is f32\[2"),
    ):
        with pytest.raises(error, match=message):
            run_ours(ml_model("TreeEnsembleRegressor", x, **broken(**changes)), {"x0": x})
