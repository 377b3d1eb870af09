"""Operators that change a shape only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import DataDependentError
from wasmkiln.compiler import compile_model
from wasmkiln.errors import ShapeError

from tests.ops.check import Array, build, check_model, check_op, node, run_ours


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return np.random.default_rng(2).standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, np.int64)


@pytest.mark.parametrize("opset", [7, 13, 19])
@pytest.mark.parametrize("shape", [(4, -1), (0, 0, -1), (2, 0, 2, 2), (24,), (-1, 1)])
def test_reshape(shape: tuple[int, ...], opset: int) -> None:
    check_op("Reshape", random(2, 3, 4), ints(*shape), const=[1], opset=opset)


def test_reshape_to_a_scalar() -> None:
    check_op("Reshape", random(1, 1), ints(), const=[1])


def test_reshape_with_allowzero() -> None:
    check_op("Reshape", random(0, 3), ints(5, 0), const=[1], allowzero=1)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, -1), r"24 elements of \[2,3,4\] do not fit shape \(5, -1\)"),
        ((-1, -1), "more than one -1"),
        ((1, 1, 1, 0), "copies a dimension"),
    ],
)
def test_impossible_reshape(shape: tuple[int, ...], message: str) -> None:
    nodes = [node("Reshape", "x shape", "y")]
    model = build(nodes, {"x": random(2, 3, 4), "shape": ints(*shape)}, {"shape"}, ["y"])
    with pytest.raises(ShapeError, match=message):
        run_ours(model, {"x": random(2, 3, 4)})


def test_shape_known_at_run_time_only() -> None:
    feeds = {"x": random(2, 3), "shape": ints(6)}
    model = build([node("Reshape", "x shape", "y")], feeds, set(), [])
    with pytest.raises(DataDependentError, match="the shape depends on data computed at run"):
        compile_model(model.SerializeToString())


@pytest.mark.parametrize("axis", [-2, 0, 1, 2, 3])
def test_flatten(axis: int) -> None:
    check_op("Flatten", random(2, 3, 4), axis=axis)


def test_squeeze() -> None:
    x = random(1, 3, 1, 2)
    for opset in (7, 11):
        check_op("Squeeze", x, axes=[0, 2], opset=opset)
        check_op("Squeeze", x, opset=opset)
    check_op("Squeeze", x, ints(-2), const=[1])
    check_op("Squeeze", x)


def test_squeeze_of_a_larger_dimension() -> None:
    feeds = {"x": random(2, 3)}
    model = build([node("Squeeze", "x", "y", axes=[0])], feeds, set(), ["y"], opset=11)
    with pytest.raises(ShapeError, match=r"axis 0 of \[2,3\] is not of size 1"):
        run_ours(model, feeds)


def test_unsqueeze() -> None:
    x = random(3, 2)
    check_op("Unsqueeze", x, axes=[0, 2], opset=7)
    check_op("Unsqueeze", x, axes=[-1, 0], opset=11)
    check_op("Unsqueeze", x, ints(1, -1), const=[1])


def test_identity() -> None:
    x = random(2, 3)
    check_op("Identity", x)
    check_op("Identity", x, opset=7)


def test_shape_arithmetic_folds() -> None:
    """Shape, Gather, Concat, Reshape: the chain that exporters write."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n zeros", "n1"),
        node("Concat", "n1 rest", "shape", axis=0),
        node("Reshape", "x shape", "y"),
    ]
    arrays = {"x": random(4, 3, 2), "zero": ints(0)[0], "zeros": ints(0), "rest": ints(-1)}
    model = build(nodes, arrays, {"zero", "zeros", "rest"}, ["y", "s"])
    check_model(model, {"x": arrays["x"]})


def test_shape_and_size() -> None:
    x = random(2, 0, 5, 7)
    cases: list[dict[str, Any]] = [
        {},
        {"start": 1},
        {"end": -1},
        {"start": -3, "end": 9},
        {"start": 3, "end": 1},
    ]
    for attributes in cases:
        check_op("Shape", x, **attributes)
    check_op("Shape", x, opset=7)
    check_op("Size", x)
