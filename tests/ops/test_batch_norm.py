"""BatchNormalization: versions, statistics that are given, computed or of the batch itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.check import Array, check_op
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)


def inputs(
    *shape: int, dtype: Any = np.float32, each: tuple[int, ...] | None = None
) -> list[Array]:
    """x, scale, bias, mean and variance, by default for each channel."""
    sizes = (shape[1],) if each is None else each
    made = [rng.standard_normal(shape), *(rng.standard_normal(sizes) for _ in range(3))]
    return [a.astype(dtype) for a in (*made, rng.random(sizes) + 0.5)]


def expected(axes: tuple[int, ...], x: Array, scale: Array, bias: Array) -> Array:
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    scale, bias = scale.reshape(mean.shape), bias.reshape(mean.shape)
    y: Array = (x - mean) / np.sqrt(var + 1e-5) * scale + bias
    return y


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
@pytest.mark.parametrize("shape", [(2, 5, 4, 7), (3, 5), (2, 3, 9), (1, 2, 3, 4, 5)])
def test_inference(shape: tuple[int, ...], opset: int) -> None:
    check_op(
        "BatchNormalization", *inputs(*shape), const=[1, 2, 3, 4], opset=opset, epsilon=1e-3,
        atol=1e-5,
    )  # fmt: skip


def test_inference_with_computed_statistics_and_f64() -> None:
    check_op("BatchNormalization", *inputs(2, 3, 4, 5), opset=15, atol=1e-5)
    given = inputs(2, 3, 4, 5, dtype=np.float64)
    check_op("BatchNormalization", *given, const=[1, 2, 3, 4], opset=15, rtol=1e-6)


@pytest.mark.parametrize("opset", [14, 15])
@pytest.mark.parametrize("shape", [(2, 5, 4, 7), (3, 5), (2, 3, 9), (1, 2, 3, 4, 5)])
def test_training(shape: tuple[int, ...], opset: int) -> None:
    given = inputs(*shape)
    check_reference(
        "BatchNormalization", *given, run_time=range(5), outputs=3, opset=opset, atol=1e-5,
        training_mode=1, momentum=0.7, epsilon=1e-3,
    )  # fmt: skip
    (y,) = run_op("BatchNormalization", *given, opset=opset, training_mode=1)
    axes = tuple(d for d in range(len(shape)) if d != 1)
    np.testing.assert_allclose(y, expected(axes, *given[:3]), 1e-4, 1e-5)


def test_training_matches_onnxruntime() -> None:
    check_op(
        "BatchNormalization", *inputs(2, 3, 4, 5), opset=15, outputs=3, training_mode=1, atol=1e-5
    )


def test_training_behind_a_layer() -> None:
    x, w = rng.standard_normal((2, 3, 8, 8)).astype("f4"), rng.standard_normal((5, 3, 3, 3))
    _, *rest = inputs(2, 5)
    (c,) = run_op("Conv", x, w.astype("f4"))
    (y,) = run_op("BatchNormalization", c, *rest, opset=15, training_mode=1)
    np.testing.assert_allclose(y, expected((0, 2, 3), c, *rest[:2]), 1e-4, 1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_training_in_other_dtypes(dtype: Any) -> None:
    check_reference(
        "BatchNormalization", *inputs(4, 3, 5, dtype=dtype), outputs=3, opset=15, training_mode=1,
        rtol=1e-2 if dtype == np.float16 else 1e-6, atol=1e-2 if dtype == np.float16 else 1e-6,
    )  # fmt: skip


@pytest.mark.parametrize("opset", [6, 7, 9])
def test_training_of_old_versions(opset: int) -> None:
    given = inputs(3, 4, 5)
    y, mean, var, saved_mean, saved_var = run_op(
        "BatchNormalization", *given, opset=opset, outputs=5
    )
    x = given[0]
    np.testing.assert_allclose(y, expected((0, 2), *given[:3]), 1e-4, 1e-5)
    np.testing.assert_allclose(saved_mean, x.mean((0, 2)), 1e-5, 1e-6)
    np.testing.assert_allclose(saved_var, x.var((0, 2)), 1e-5, 1e-6)
    np.testing.assert_allclose(mean, given[3] * 0.9 + saved_mean * 0.1, 1e-5, 1e-6)
    np.testing.assert_allclose(var, given[4] * 0.9 + saved_var * 0.1, 1e-5, 1e-6)


def test_opset_6_tells_by_an_attribute() -> None:
    given = inputs(3, 4, 5)
    (y,) = run_op("BatchNormalization", *given, opset=6)
    np.testing.assert_allclose(y, expected((0, 2), *given[:3]), 1e-4, 1e-5)
    (y,) = run_op("BatchNormalization", *given, opset=6, is_test=1)
    (want,) = run_op("BatchNormalization", *given, opset=7)
    np.testing.assert_array_equal(y, want)


def test_statistics_for_each_element() -> None:
    x, scale, bias, mean, var = given = inputs(3, 4, 5, each=(4, 5))
    (y,) = run_op("BatchNormalization", *given, opset=7, spatial=0)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5) * scale + bias, 1e-4, 1e-5)
    (y,) = run_op("BatchNormalization", *given, opset=6, spatial=0)
    np.testing.assert_allclose(y, expected((0,), x, scale, bias), 1e-4, 1e-5)


def test_input_without_channels() -> None:
    given = [rng.standard_normal(7).astype("f4"), *inputs(1, 1)[1:]]
    check_reference("BatchNormalization", *given, opset=15)
