"""ReverseSequence against onnxruntime, TensorScatter against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from wasmkiln import InvalidInputError

from tests.ops.check import build, check_op, run_ours


@pytest.mark.parametrize("lengths", [(4, 1, 0), (2, 3, 4)])
@pytest.mark.parametrize(("batch", "time"), [(0, 1), (1, 0)])
def test_reverse_sequence(batch: int, time: int, lengths: tuple[int, ...]) -> None:
    shape = (3, 4, 5) if batch == 0 else (4, 3, 5)
    x = np.arange(60, dtype=np.float32).reshape(shape)
    check_op("ReverseSequence", x, np.array(lengths), batch_axis=batch, time_axis=time)


def test_a_length_over_the_number_of_steps_is_an_error() -> None:
    feeds = {"x": np.ones((4, 2), np.float32), "n": np.array([2, 5])}
    node = helper.make_node("ReverseSequence", ["x", "n"], ["y"])
    with pytest.raises(InvalidInputError, match="index"):
        run_ours(build([node], feeds, (), ["y"]), feeds)


@pytest.mark.parametrize("mode", ["linear", "circular"])
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_tensor_scatter(axis: int, mode: str) -> None:
    cache = np.zeros((2, 6, 5, 7), np.float32)
    update = np.arange(1, 2 * 6 * 5 * 7 + 1, dtype=np.float32).reshape(cache.shape)
    update = update.take(range(3), axis)
    size = cache.shape[axis]
    places = np.array([1, size - (3 if mode == "linear" else 1)])
    expected = cache.copy()
    for b, place in enumerate(places):
        for step in range(3):
            at = [slice(None)] * 4
            at[0], at[axis] = (
                slice(b, b + 1),
                slice((place + step) % size, (place + step) % size + 1),
            )
            expected[tuple(at)] = update[b : b + 1].take([step], axis)
    feeds = {"c": cache, "u": update, "p": places}
    node = helper.make_node("TensorScatter", ["c", "u", "p"], ["y"], axis=axis, mode=mode)
    (y,) = run_ours(build([node], feeds, (), ["y"], opset=24), feeds)
    np.testing.assert_array_equal(y, expected)


def test_writing_behind_the_end_is_an_error() -> None:
    feeds = {
        "c": np.zeros((1, 4, 2), np.float32),
        "u": np.ones((1, 2, 2), np.float32),
        "p": np.array([3]),
    }
    node = helper.make_node("TensorScatter", ["c", "u", "p"], ["y"])
    with pytest.raises(InvalidInputError, match="index"):
        run_ours(build([node], feeds, (), ["y"], opset=24), feeds)
