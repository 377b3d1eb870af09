"""Slice, Concat and Split."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.errors import ShapeError

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(3)
HUGE = 2**63 - 1


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ([1], [3], [0], [1]),
        ([0, 1], [HUGE, -1], [1, 2], [1, 1]),
        ([-2], [HUGE], [2], [1]),
        ([1, 0], [6, 9], [-1, -2], [2, 3]),
        ([-1], [-HUGE], [1], [-1]),
        ([9, 3], [-9, 0], [2, 0], [-2, -1]),
        ([-9, -5], [-HUGE, -9], [0, 1], [-1, -2]),  # ONNX goes back from the first element
        ([2], [2], [0], [1]),
        ([7], [9], [1], [1]),
        ([0, 0, 0], [4, 5, 6], [0, 1, 2], [1, 1, 1]),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "i8", "u1"])
def test_slice(
    starts: list[int], ends: list[int], axes: list[int], steps: list[int], dtype: str
) -> None:
    x = (random(4, 5, 6) * 50).astype(dtype)
    inputs = [ints(*v) for v in (starts, ends, axes, steps)]
    check_op("Slice", x, *inputs, const=[1, 2, 3, 4])
    check_op("Slice", x, *inputs, const=[0, 1, 2, 3, 4])
    if max(map(abs, steps)) == 1 == min(steps):
        check_op("Slice", x, *inputs[:3], const=[1, 2, 3], opset=10)
        if dtype == "f4":
            check_op("Slice", x, starts=starts, ends=ends, axes=axes, opset=7)


def test_slice_without_axes() -> None:
    check_op("Slice", random(4, 5), ints(1, 2), ints(3, -1), const=[1, 2])
    check_op("Slice", random(4, 5), starts=[1], ends=[3], opset=9)


def test_slice_with_a_step_of_zero() -> None:
    feeds = {"x": random(4)}
    arrays = feeds | {"s": ints(0), "e": ints(4), "a": ints(0), "t": ints(0)}
    model = build([node("Slice", "x s e a t", "y")], arrays, set("seat"), ["y"])
    with pytest.raises(ShapeError, match=r"Slice 'y'.*a step is 0|a step is 0"):
        run_ours(model, feeds)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("opset", [7, 11, 13])
def test_concat(axis: int, opset: int) -> None:
    parts = []
    for size in (3, 1, 4):
        shape = [2, 5, 3]
        shape[axis] = size
        parts.append(random(*shape))
    check_op("Concat", *parts, axis=axis, opset=opset)


@pytest.mark.parametrize("dtype", ["i8", "u1", "f2", "?"])
def test_concat_by_size_of_element(dtype: str) -> None:
    a, b = ((random(2, n, 3) * 9).astype(dtype) for n in (3, 2))
    check_op("Concat", a, b, axis=1)
    check_op("Concat", a, b, axis=1, const=[0, 1])


def test_concat_with_empty_and_single_inputs() -> None:
    check_op("Concat", random(2, 0), random(2, 3), random(2, 0), axis=1)
    check_op("Concat", random(2, 3), axis=0)
    check_op("Concat", random(0, 3), random(0, 3), axis=0)


def test_concat_of_one_value_twice() -> None:
    feeds = {"x": random(2, 3)}
    run = build([node("Concat", "x x x", "y", axis=1)], feeds, set(), ["y"])
    np.testing.assert_array_equal(run_ours(run, feeds)[0], np.tile(feeds["x"], 3))


def test_concat_of_unequal_shapes() -> None:
    feeds = {"a": random(2, 3), "b": random(3, 3)}
    model = build([node("Concat", "a b", "y", axis=1)], feeds, set(), ["y"])
    with pytest.raises(ShapeError, match=r"f32\[2,3\] and f32\[3,3\] can't be joined along axis 1"):
        run_ours(model, feeds)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_split_in_equal_parts(axis: int) -> None:
    x = random(4, 6, 8)
    for opset in (7, 11, 13):
        check_op("Split", x, outputs=2, axis=axis, opset=opset)
    check_op("Split", x, outputs=2, axis=axis, num_outputs=2)


@pytest.mark.parametrize("axis", [0, 1])
def test_split_in_given_parts(axis: int) -> None:
    x, sizes = random(6, 6), [1, 3, 0, 2]
    for opset in (7, 11):
        check_op("Split", x, outputs=4, axis=axis, split=sizes, opset=opset)
    for opset in (13, 18):
        check_op("Split", x, ints(*sizes), const=[1], outputs=4, axis=axis, opset=opset)
    check_op("Split", x, ints(*sizes), const=[0, 1], outputs=4, axis=axis)


def test_split_with_a_smaller_last_part() -> None:
    check_op("Split", random(7, 2), outputs=3, axis=0, num_outputs=3)


def test_split_that_does_not_add_up() -> None:
    arrays = {"x": random(6), "s": ints(2, 3)}
    model = build([node("Split", "x s", "a b")], arrays, {"s"}, ["a", "b"])
    with pytest.raises(ShapeError, match=r"sizes \(2, 3\) don't split \[6\] into 2"):
        run_ours(model, {"x": arrays["x"]})
