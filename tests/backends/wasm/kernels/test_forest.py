"""Trees against a walk in plain Python: folds, tests, shares of rows, and what stays untouched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.forest import emit_forest
from wasmkiln.ir.dtype import F32, F64, DType
from wasmkiln.ops.forest_tables import MODES, Forest, pack
from wasmkiln.program.kernels.forest import ForestFold, ForestSpec

from tests.backends.wasm.harness import TARGETS, run_kernel

Array = np.ndarray[Any, Any]
FOLDS: dict[ForestFold, Any] = {"sum": lambda a, b: a + b, "min": min, "max": max}


def random_forest(modes: list[str], targets: int, trees: int, missing: bool, seed: int) -> Forest:
    """Trees of which some nodes have two parents."""
    rng = np.random.default_rng(seed)
    columns: list[list[Any]] = [[] for _ in range(7)]
    roots = []
    for _ in range(trees):
        first = len(columns[0])
        roots.append(first)
        count = int(rng.integers(1, 12))
        for i in range(count):
            is_leaf = i == count - 1 or (i > 0 and rng.random() < 0.4)
            some = rng.permutation(targets)[: rng.integers(1, targets + 1)]
            row = (
                str(rng.choice(modes)),
                int(rng.integers(3)),
                float(rng.integers(-3, 4)),
                missing and bool(rng.integers(2)),
                *(first + int(rng.integers(i + 1, count)) if i < count - 1 else 0 for _ in "pf"),
                tuple((int(t), float(rng.integers(-9, 9))) for t in some) if is_leaf else None,
            )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return Forest(tuple(roots), *columns)


def walk(forest: Forest, x: Array, targets: int, fold: ForestFold) -> tuple[Array, Array]:
    scores, marks = np.zeros((len(x), targets)), np.zeros((len(x), targets))
    for r, features in enumerate(x.tolist()):
        for node in forest.roots:
            while (leaf := forest.leaves[node]) is None:
                a, b = features[forest.features[node]], forest.values[node]
                bit = 3 if math.isnan(a) else 0 if a > b else 1 if a < b else 2
                passes = MODES[forest.modes[node]][1] >> bit & 1
                passes |= forest.missing[node] and bit == 3
                node = (forest.passed if passes else forest.failed)[node]
            for target, weight in leaf:
                old = scores[r, target]
                scores[r, target] = FOLDS[fold](old, weight) if marks[r, target] else weight
                marks[r, target] = 1
    return scores, marks


def run(
    forest: Forest, x: Array, targets: int, fold: ForestFold, marks: bool, target: Target,
    shares: tuple[int, ...],
) -> list[Array]:  # fmt: skip
    dtype: DType = F32 if x.dtype == np.float32 else F64
    tables = pack(forest, dtype, targets)
    nodes, leaves, roots = (
        np.frombuffer(t or bytes(4), "u1") for t in (tables.nodes, tables.leaves, tables.roots)
    )
    scores = np.zeros((len(x), targets), x.dtype)
    args = [scores, np.zeros_like(scores), x, nodes, leaves, roots, len(forest.roots),
            x.itemsize * x.shape[1], targets]  # fmt: skip
    spec = ForestSpec(dtype, tables.test, fold, targets == 1, marks)
    outputs = (0, 1) if marks else (0,)
    got: list[Array] = run_kernel(emit_forest, spec, target, args, len(x), outputs, shares)
    return got


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("targets", [1, 2, 5])
def test_folds(targets: int, fold: ForestFold, dtype: str, target: Target) -> None:
    for seed, modes in enumerate((["BRANCH_LEQ"], ["BRANCH_GT"], [*MODES])):
        forest = random_forest(modes, targets, 6, seed > 0, seed)
        x = np.random.default_rng(seed).integers(-3, 4, (11, 3)).astype(dtype)
        x[1, 0] = x[4] = np.nan
        marks = targets > 1
        got = run(forest, x, targets, fold, marks, target, (3, 4, 9))
        expected = walk(forest, x, targets, fold)
        np.testing.assert_array_equal(got[0], expected[0])
        if marks:
            np.testing.assert_array_equal(got[1], expected[1])


@pytest.mark.parametrize("mode", MODES)
def test_one_test_for_all(mode: str) -> None:
    forest = random_forest([mode], 1, 20, False, 5)
    assert pack(forest, F32, 1).test == MODES[mode][0]
    x = np.random.default_rng(0).integers(-3, 4, (20, 3)).astype("f4")
    x[3, 1] = np.nan
    got = run(forest, x, 1, "sum", False, TARGETS[0], (7,))
    np.testing.assert_array_equal(got[0], walk(forest, x, 1, "sum")[0])


def test_thresholds_that_are_no_numbers() -> None:
    """Only NEQ holds beside NaN."""
    values = np.array([[-np.inf, 1, 2], [np.nan, 1, 2], [np.inf, 0, 0], [0, 0, 0]], "f4")
    for modes in (["BRANCH_LEQ"], [*MODES]):
        forest = random_forest(modes, 1, 30, False, 6)
        values_of = [[-math.inf, math.inf][i % 2] for i in range(len(forest.values))]
        changed = Forest(
            forest.roots, forest.modes, forest.features, values_of, forest.missing, forest.passed,
            forest.failed, forest.leaves,
        )  # fmt: skip
        got = run(changed, values, 1, "sum", False, TARGETS[0], ())
        np.testing.assert_array_equal(got[0], walk(changed, values, 1, "sum")[0])
    one = ((0, 1.0),)
    for mode, missing in [("BRANCH_GT", True), ("BRANCH_NEQ", True), ("BRANCH_NEQ", False)]:
        passes = mode == "BRANCH_NEQ"
        stump = Forest((0, 3), (mode, "", "", "BRANCH_LEQ", "", ""), (0,) * 6,
                       (math.nan, 0, 0, 0, 0, 0), (missing,) * 6, (1, 0, 0, 4, 0, 0),
                       (2, 0, 0, 5, 0, 0), (None, one, ((0, 0.0),), None, ((0, 0.0),),
                                            ((0, 0.0),)))  # fmt: skip
        got = run(stump, np.array([[1], [np.nan]], "f4"), 1, "sum", False, TARGETS[0], ())
        np.testing.assert_array_equal(got[0][:, 0], [passes, passes or missing])


def test_names_tell_structure() -> None:
    assert ForestSpec(F32, "le", "sum", True, False).name == "forest_f32_le_sum_single"
    assert ForestSpec(F64, "any", "max", False, True).name == "forest_f64_any_max_marks"
