"""Models in f16: computed in f32 inside, with inputs and outputs as declared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.check import Array, build, check_model, check_op, node

RNG = np.random.default_rng(13)


def random(*shape: int) -> Array:
    """Normal numbers in f16."""
    return RNG.standard_normal(shape).astype(np.float16)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_arithmetic(op: str) -> None:
    check_op(op, random(3, 5), random(5))
    check_op(op, random(3, 5), random(5), const=[1])


@pytest.mark.parametrize("op", ["Relu", "Sigmoid", "Tanh", "Sqrt", "Abs", "Exp", "Floor"])
def test_functions(op: str) -> None:
    check_op(op, np.abs(random(37)))


@pytest.mark.parametrize(
    ("op", "inputs", "const", "attributes"),
    [
        ("Transpose", [random(3, 4, 5)], [], {"perm": [2, 0, 1]}),
        ("Concat", [random(3, 4), random(3, 2)], [], {"axis": 1}),
        ("Gather", [random(5, 3), np.array([4, -2, 0])], [0], {}),
        ("Expand", [random(3, 1), np.array([3, 4])], [1], {}),
        ("Pad", [random(3, 4), np.array([1, 0, 0, 2])], [1], {}),
        ("Where", [np.array([True, False]), random(2), random(2)], [], {}),
        ("Clip", [random(30), np.float16(-0.5), np.float16(0.5)], [1, 2], {}),
        ("Cast", [random(30)], [], {"to": 7}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_movement(
    op: str, inputs: list[Array], const: list[int], attributes: dict[str, Any]
) -> None:
    check_op(op, *inputs, const=const, **attributes)


def test_a_model_that_mixes_dtypes() -> None:
    nodes = [
        node("Cast", "x", "a", to=1),
        node("Mul", "a scale", "b"),
        node("Cast", "b", "c", to=10),
        node("Add", "c shift", "y"),
    ]
    arrays = {"x": random(4, 6), "scale": np.float32(0.5).reshape(1), "shift": random(6)}
    model = build(nodes, arrays, {"scale", "shift"}, ["y"])
    check_model(model, {"x": arrays["x"]})
