"""Activations over their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.options import CompileOptions

from tests.ops.check import Array, build, check_op, node, run_ours

BOTH = [CompileOptions(), CompileOptions(simd="baseline")]
X = np.linspace(-30, 30, 487).astype(np.float32)
MICROSOFT = "com.microsoft"


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Relu", {}),
        ("Sigmoid", {}),
        ("Softplus", {}),
        ("Softsign", {}),
        ("HardSwish", {}),
        ("Mish", {}),
        ("LeakyRelu", {}),
        ("LeakyRelu", {"alpha": 0.3}),
        ("ThresholdedRelu", {}),
        ("ThresholdedRelu", {"alpha": 2.5}),
        ("Elu", {}),
        ("Elu", {"alpha": 0.7}),
        ("Selu", {}),
        ("Selu", {"alpha": 1.5, "gamma": 2.0}),
        ("Celu", {}),
        ("Celu", {"alpha": 2.0}),
        ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.1}),
        ("Shrink", {}),
        ("Shrink", {"bias": 0.5, "lambd": 1.5}),
        ("Gelu", {}),
        ("Gelu", {"approximate": "tanh"}),
    ],
    ids=str,
)
def test_activation(op: str, attributes: dict[str, Any]) -> None:
    check_op(op, X, rtol=1e-5, atol=1e-6, options=BOTH, **attributes)
    check_op(op, X[::20], rtol=1e-5, atol=1e-6, const=[0], **attributes)


@pytest.mark.parametrize("op", ["Relu", "Sigmoid", "Elu", "LeakyRelu", "Softplus", "Tanh"])
def test_special_values(op: str) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 88.8, -103.0, -200.0], "f4")
    check_op(op, x, options=BOTH)


def test_small_arguments_keep_their_digits() -> None:
    """exp(x) - 1 near 0, where the difference loses digits: absolutely exact all the same."""
    x = np.float32(10.0) ** -np.arange(1, 12, dtype=np.float32)
    for op in ("Elu", "Selu", "Celu"):
        check_op(op, -x, atol=2e-7)


@pytest.mark.parametrize("dtype", ["i4", "i1"])
def test_relu_of_integers(dtype: str) -> None:
    check_op("Relu", np.arange(-20, 20).astype(dtype))


def test_opset_7() -> None:
    for op in (
        "Relu",
        "Sigmoid",
        "Elu",
        "Selu",
        "LeakyRelu",
        "HardSigmoid",
        "Softplus",
        "Softsign",
    ):
        check_op(op, X, opset=7)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (5, 1), (3, 5, 7)])
def test_prelu(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(10)
    x = rng.standard_normal((3, 5, 7)).astype(np.float32)
    slope = rng.standard_normal(shape).astype(np.float32)
    check_op("PRelu", x, slope)
    check_op("PRelu", x, slope, const=[1], opset=7)


def test_prelu_broadcasts_in_one_direction() -> None:
    feeds = {"x": X[:3], "s": np.ones((2, 3), np.float32)}
    model = build([node("PRelu", "x s", "y")], feeds, set(), ["y"])
    with pytest.raises(ShapeError, match=r"slope of shape \[2,3\] does not broadcast to \[3\]"):
        run_ours(model, feeds)


def limit(value: float, dtype: str = "f4") -> Array:
    """A tensor of rank 0."""
    return np.array(value, dtype)


@pytest.mark.parametrize("const", [(), (1, 2)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "i1"])
def test_clip(dtype: str, const: tuple[int, ...]) -> None:
    x = np.arange(120).astype(dtype) if dtype[0] == "u" else (X * 4).astype(dtype)
    low, high = limit(3, dtype), limit(17, dtype)
    check_op("Clip", x, low, high, const=const)
    check_op("Clip", x, low, const=const[:1])
    check_op("Clip", x, None, high, const=const[1:])
    check_op("Clip", x)


def test_clip_by_attributes() -> None:
    check_op("Clip", X, min=0.0, max=6.0, opset=7)
    check_op("Clip", X, min=-1.0, opset=7)
    check_op("Clip", X, opset=7)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_clip_without_a_limit_takes_that_of_the_dtype(dtype: str) -> None:
    x = np.array([np.inf, -np.inf, np.nan, 1, -1, -0.0, 0.5], dtype)
    check_op("Clip", x)
    check_op("Clip", x, np.array(0.5, dtype), const=[1])
    check_op("Clip", x, None, np.array(0.5, dtype), const=[2])
    if dtype == "f4":
        check_op("Clip", x, min=0.0, opset=7)


def test_clip_with_limits_in_wrong_order() -> None:
    check_op("Clip", X, limit(5), limit(2), const=[1, 2])


def test_clip_with_a_vector_as_limit() -> None:
    arrays = {"x": X[:3], "low": np.zeros(3, np.float32)}
    model = build([node("Clip", "x low", "y")], arrays, {"low"}, ["y"])
    with pytest.raises(ShapeError, match=r"limit f32\[3\] is not a scalar of f32"):
        run_ours(model, {"x": X[:3]})


def test_contrib_activations() -> None:
    check_op("Gelu", X, domain=MICROSOFT)
    check_op("QuickGelu", X, domain=MICROSOFT, alpha=1.3, atol=3e-6)  # its exp gives up early
    check_op("QuickGelu", X, domain=MICROSOFT, atol=3e-6)
    wide = X[:480].reshape(20, 24)
    check_op("FastGelu", wide, X[:24], domain=MICROSOFT)
    check_op("FastGelu", wide, domain=MICROSOFT)
    check_op("BiasGelu", wide, X[:24], domain=MICROSOFT)


def test_swish() -> None:
    """Newer than the opsets that onnxruntime knows; compared with its formula."""
    model = build([node("Swish", "x", "y", alpha=0.5)], {"x": X}, set(), ["y"], opset=24)
    (y,) = run_ours(model, {"x": X})
    np.testing.assert_allclose(y, X / (1 + np.exp(-X.astype(np.float64) / 2)), 1e-5, 1e-6)
