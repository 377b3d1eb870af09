"""Initializers that are inputs too: a run may give other values for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from wasmkiln import InferenceSession, InvalidInputError

from tests.api.both import check_same, info, make

X = np.zeros((1, 2), np.float32)


def adding(ir: int = 8, is_input: bool = True) -> bytes:
    """y = x + w."""
    weight = numpy_helper.from_array(np.ones(2, np.float32), "w")
    inputs = [info("x"), info("w", shape=[2])] if is_input else [info("x")]
    node = helper.make_node("Add", ["x", "w"], ["y"])
    return make([node], inputs, [info("y")], [weight], ir=ir)


@pytest.mark.parametrize("ir", [3, 4, 8])
@pytest.mark.parametrize("is_input", [True, False])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"w": np.full(2, 5, np.float32)},
        {"w": np.full(3, 5, np.float32)},
        {"w": np.full(2, 5)},
    ],
)
def test_as_in_onnxruntime(ir: int, is_input: bool, more: dict[str, Any]) -> None:
    if ir == 3 and not is_input:
        return  # not a model
    data = adding(ir, is_input)

    def call(module: Any) -> Any:
        session = module.InferenceSession(data)
        seen = [session.get_inputs(), session.get_overridable_initializers()]
        described = [[(a.name, a.type, a.shape) for a in args] for args in seen]
        return described, session.run(None, {"x": X, **more})

    check_same(call)


def test_values_come_and_go() -> None:
    with InferenceSession(adding()) as session:
        for w in (None, 5, None, 6, 7):
            feeds = {"x": X} if w is None else {"x": X, "w": np.full(2, w, np.float32)}
            assert session.run(None, feeds)[0].tolist() == [[w or 1.0] * 2]
        assert [i.name for i in session.get_inputs()] == ["x"]


def test_a_shape_may_be_overridden() -> None:
    shape = numpy_helper.from_array(np.array([2, 3]), "shape")
    data = make(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        [info("x", shape=[6]), info("shape", T.INT64, [2])],
        [info("y", shape=None)],
        [shape],
    )
    x = np.arange(6, dtype=np.float32)
    with InferenceSession(data) as session:
        assert session.run(None, {"x": x})[0].shape == (2, 3)
        for other in ((3, 2), (1, 6), (3, 2)):
            assert session.run(None, {"x": x, "shape": np.array(other)})[0].shape == other


def test_other_initializers_are_no_inputs() -> None:
    with (
        InferenceSession(adding(is_input=False)) as session,
        pytest.raises(InvalidInputError, match="'w' is not an input"),
    ):
        session.run(None, {"x": X, "w": X})
    onnx.checker.check_model(onnx.load_from_string(adding()))
