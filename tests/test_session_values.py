"""Sessions whose shapes depend on the values of inputs: plans are made for these values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from onnx import TensorProto, helper
from wasmkiln import CompileOptions, DataDependentError, InferenceSession, ShapeError, plans
from wasmkiln.compiler import compile_model, plan_graph

Array = np.ndarray[Any, Any]

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model(nodes: list[Any], inputs: dict[str, tuple[int, list[Any]]], output: int = FLOAT) -> bytes:
    given = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()]
    graph = helper.make_graph(nodes, "g", given, [helper.make_tensor_value_info("y", output, None)])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def reshaping(x: int = FLOAT, sizes: int = 2) -> bytes:
    nodes = [
        helper.make_node("Add", ["x", "x"], ["double"]),
        helper.make_node("Abs", ["shape"], ["sizes"]),
        helper.make_node("Reshape", ["double", "sizes"], ["y"]),
    ]
    return model(nodes, {"x": (x, ["N"]), "shape": (INT64, [sizes])}, x)


@contextmanager
def compilations() -> Iterator[list[None]]:
    """A list that grows with each compilation that is tried."""
    tried: list[None] = []
    original = plan_graph

    def counted(*args: Any) -> Any:
        tried.append(None)
        return original(*args)

    with patch.object(plans, "plan_graph", counted):
        yield tried


def test_results_follow_the_values() -> None:
    x = np.arange(12, dtype=np.float32)
    with InferenceSession(reshaping()) as s:
        for shape in ((3, 4), (2, -6), (12, 1), (3, 4), (4, 3)):
            (y,) = s.run(None, {"x": x, "shape": np.array(shape)})
            np.testing.assert_array_equal(y, (x + x).reshape(np.abs(shape)))


def test_a_plan_serves_all_runs_with_its_values_and_shapes() -> None:
    x, shape = np.arange(12, dtype=np.float32), np.array([3, 4])
    with InferenceSession(reshaping()) as s, compilations() as tried:
        s.run(None, {"x": x, "shape": shape})
        assert len(tried) == 2  # the first finds out that the shape is needed
        (y,) = s.run(None, {"x": -x, "shape": shape.copy()})
        np.testing.assert_array_equal(y, (-x - x).reshape(3, 4))
        assert len(tried) == 2
        s.run(None, {"x": x, "shape": np.array([4, 3])})
        assert len(tried) == 3
        s.run(None, {"x": x[:6], "shape": np.array([2, 3])})
        s.run(None, {"x": x, "shape": shape})
        assert len(tried) == 4
        for n in range(1, plans.MAX_PLANS + 1):
            s.run(None, {"x": np.ones(n, np.float32), "shape": np.array([n, 1])})
        s.run(None, {"x": x, "shape": shape})  # forgotten by now
        assert len(tried) == 5 + plans.MAX_PLANS


def test_only_inputs_that_decide_a_shape_become_constants() -> None:
    with InferenceSession(reshaping(INT64)) as s:
        s.run(None, {"x": np.arange(6), "shape": np.array([2, 3])})
        assert [b.name for b in s.artifact().inputs] == ["x"]
        assert [i.name for i in s.get_inputs()] == ["x", "shape"]


def test_models_with_fixed_shapes_wait_for_the_values() -> None:
    nodes = [helper.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])]
    ints: dict[str, tuple[int, list[Any]]] = {
        n: (INT64, [1]) for n in ("starts", "ends", "axes", "steps")
    }
    x = np.arange(35, dtype=np.float32).reshape(5, 7)
    with InferenceSession(model(nodes, {"x": (FLOAT, [5, 7]), **ints})) as s:
        for values in ((1, 4, 0, 2), (-1, -6, 1, -1), (1, 4, 0, 2)):
            feeds = dict(zip(ints, (np.array([v]) for v in values), strict=True))
            start, stop, axis, step = values
            along = (slice(None),) * axis + (slice(start, stop, step),)
            np.testing.assert_array_equal(s.run(None, {"x": x, **feeds})[0], x[along])


def test_values_may_be_floats() -> None:
    nodes = [helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")]
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    inputs: dict[str, tuple[int, list[Any]]] = {
        "x": (FLOAT, [1, 1, 2, 2]), "scales": (FLOAT, [4]),
    }  # fmt: skip
    with InferenceSession(model(nodes, inputs)) as s:
        for scale in (2, 3):
            scales = np.array([1, 1, scale, scale], np.float32)
            (y,) = s.run(None, {"x": x, "scales": scales})
            np.testing.assert_array_equal(y, x.repeat(scale, 2).repeat(scale, 3))


def test_branches_are_chosen_by_the_value() -> None:
    def branch(name: str, op_type: str) -> Any:
        out = helper.make_tensor_value_info(name, FLOAT, [3])
        return helper.make_graph([helper.make_node(op_type, ["x"], [name])], name, [], [out])

    node = helper.make_node(
        "If", ["c"], ["y"], then_branch=branch("a", "Neg"), else_branch=branch("b", "Exp")
    )
    data = model([node], {"c": (TensorProto.BOOL, []), "x": (FLOAT, [3])})
    x = np.arange(3, dtype=np.float32)
    with InferenceSession(data) as s:
        for c in (True, False, True):
            (y,) = s.run(None, {"c": np.array(c), "x": x})
            np.testing.assert_allclose(y, -x if c else np.exp(x), rtol=1e-6)


def test_wrong_values_are_errors_and_the_session_lives() -> None:
    x = np.arange(12, dtype=np.float32)
    with InferenceSession(reshaping()) as s:
        with pytest.raises(ShapeError, match="Reshape"):
            s.run(None, {"x": x, "shape": np.array([5, 5])})
        assert s.run(None, {"x": x, "shape": np.array([6, 2])})[0].shape == (6, 2)


def test_large_inputs_do_not_become_constants() -> None:
    with (
        InferenceSession(reshaping(sizes=1025)) as s,
        pytest.raises(DataDependentError, match=r"Reshape.*the shape depends on data"),
    ):
        s.run(None, {"x": np.ones(1, np.float32), "shape": np.ones(1025, np.int64)})


def test_the_compiler_alone_names_the_inputs_it_needs() -> None:
    with pytest.raises(DataDependentError, match="the shape depends on data") as caught:
        compile_model(reshaping(), CompileOptions(dims={"N": 6}))
    assert caught.value.inputs == ("shape",)
