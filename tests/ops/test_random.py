"""Random operators: with a seed NumPy's numbers, without one other numbers each run, and shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from wasmkiln import ShapeError, UnsupportedOperatorError
from wasmkiln.session import InferenceSession

from tests.ops.check import Array, build
from tests.ops.reference import check_reference, run_op

X = np.zeros((3, 5), np.float32)


def session(op: str, *inputs: Array, **attributes: Any) -> InferenceSession:
    """A model of one node whose inputs are initializers."""
    names = [f"x{i}" for i in range(len(inputs))]
    arrays = dict(zip(names, inputs, strict=True))
    node = helper.make_node(op, names, ["y"], **attributes)
    model = build([node], arrays, names, ["y"], 22)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return InferenceSession(model.SerializeToString())


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16])
@pytest.mark.parametrize("op", ["RandomNormal", "RandomUniform"])
def test_a_seed_gives_numpys_numbers(op: str, dtype: int) -> None:
    ends = {"mean": -2.0, "scale": 3.0} if op == "RandomNormal" else {"low": -1.0, "high": 7.0}
    given: dict[str, Any] = {"dtype": dtype, "seed": 7.0, **ends}
    check_reference(op, run_time=(), shape=[31, 43], atol=1e-2 if dtype == 10 else 1e-6, **given)
    check_reference(f"{op}Like", X, atol=1e-2 if dtype == 10 else 1e-6, **given)


@pytest.mark.parametrize("op", ["RandomNormal", "RandomUniform"])
def test_runs_differ_and_sessions_with_a_seed_do_not(op: str) -> None:
    with session(op, shape=[9], seed=3.0) as a, session(op, shape=[9], seed=3.0) as b:
        first, second = (a.run(None, {})[0] for _ in range(2))
        assert not np.array_equal(first, second)
        np.testing.assert_array_equal(first, b.run(None, {})[0])
        np.testing.assert_array_equal(second, b.run(None, {})[0])
    with session(op, shape=[9]) as a, session(op, shape=[9]) as b:
        runs = [s.run(None, {})[0] for s in (a, a, b)]
        assert len({r.tobytes() for r in runs}) == 3


def test_moments() -> None:
    (y,) = run_op("RandomNormal", run_time=(), shape=[100, 301], mean=2.0, scale=0.5)
    assert abs(y.mean() - 2) < 0.02 and abs(y.std() - 0.5) < 0.02
    (y,) = run_op("RandomUniform", run_time=(), shape=[100, 301], low=2.0, high=6.0)
    assert y.min() >= 2 and y.max() <= 6 and abs(y.mean() - 4) < 0.05


def test_nodes_draw_for_themselves() -> None:
    nodes = [helper.make_node("RandomNormal", [], [n], shape=[8]) for n in "ab"]
    model = build(nodes, {}, (), ["a", "b"])
    for output in model.graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    with InferenceSession(model.SerializeToString()) as s:
        a, b = s.run(None, {})
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bernoulli_with_a_seed(dtype: Any) -> None:
    p = np.random.default_rng(0).random((7, 31)).astype(dtype)
    check_reference("Bernoulli", p, opset=15, seed=5.0)
    for to in (TensorProto.BOOL, TensorProto.INT32, TensorProto.DOUBLE, TensorProto.UINT8):
        check_reference("Bernoulli", p, opset=15, seed=5.0, dtype=to)


def test_bernoulli_without_a_seed() -> None:
    p = np.repeat(np.array([[0], [0.2], [0.9], [1]], np.float32), 20000, 1)
    (y,) = run_op("Bernoulli", p)
    assert set(np.unique(y)) == {0, 1}
    np.testing.assert_allclose(y.mean(1), p[:, 0], atol=0.02)
    assert y[0].max() == 0 and y[3].min() == 1


@pytest.mark.parametrize("dtype", [TensorProto.INT32, TensorProto.INT64])
def test_multinomial(dtype: int) -> None:
    weights = np.array([[1, 0, 3, 4], [0, 0, 2, 0]], np.float32)
    with np.errstate(divide="ignore"):
        logs = np.log(weights) + 100
    (y,) = run_op("Multinomial", logs, sample_size=20000, dtype=dtype)
    assert y.dtype == helper.tensor_dtype_to_np_dtype(dtype) and y.shape == (2, 20000)
    shares = np.stack([np.bincount(row, minlength=4) for row in y]) / 20000
    np.testing.assert_allclose(shares, weights / weights.sum(1, keepdims=True), atol=0.02)
    assert shares[0, 1] == 0 and shares[1, 2] == 1


def test_empty() -> None:
    (y,) = run_op("RandomNormal", run_time=(), shape=[3, 0])
    assert y.shape == (3, 0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"random numbers of i32"):
        run_op("RandomNormal", run_time=(), shape=[2], dtype=TensorProto.INT32)
    with pytest.raises(UnsupportedOperatorError, match=r"random numbers of i64"):
        run_op("RandomUniformLike", np.zeros(3, np.int64))
    with pytest.raises(ShapeError, match=r"1 samples of f32\[3\], which is no batch"):
        run_op("Multinomial", np.zeros(3, np.float32))


def test_numbers_between_steps_on_the_host() -> None:
    """What data decide is computed in steps, each with a memory of its own."""
    nodes = [
        helper.make_node("NonZero", ["x"], ["n"]),
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("RandomUniformLike", ["f"], ["y"], seed=2.0),
    ]
    x = np.array([1, 0, 1, 1], np.float32)
    model = build(nodes, {"x": x}, (), ["y"])
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    generator = np.random.RandomState(2)
    with InferenceSession(model.SerializeToString()) as s:
        for _ in range(2):
            (y,) = s.run(None, {"x": x})
            np.testing.assert_allclose(y, generator.random_sample((1, 3)), 1e-6)
