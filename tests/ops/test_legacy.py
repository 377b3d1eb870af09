"""Experimental operators of early opsets, by their definitions: current onnxruntime lacks some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError

from tests.ops.check import Array, build, node, run_ours

X = np.random.default_rng(11).standard_normal((2, 3, 8, 7)).astype(np.float32)


def run(op: str, **attributes: Any) -> Array:
    """The output of one operator for X."""
    model = build([node(op, "x", "y", **attributes)], {"x": X}, set(), ["y"], opset=7)
    return run_ours(model, {"x": X})[0]


def test_affine() -> None:
    np.testing.assert_allclose(run("Affine", alpha=2.0, beta=-1.0), X * 2 - 1, 1e-6, 1e-6)


def test_scaled_tanh_and_softplus() -> None:
    np.testing.assert_allclose(run("ScaledTanh", alpha=2.0, beta=0.5), 2 * np.tanh(X / 2), 1e-5)
    wanted = 3 * np.log1p(np.exp(2 * X))
    np.testing.assert_allclose(run("ParametricSoftplus", alpha=3.0, beta=2.0), wanted, 1e-5, 1e-6)


def test_image_scaler() -> None:
    bias = np.array([1.0, 2.0, 3.0], np.float32)
    wanted = X * 0.5 + bias[:, None, None]
    np.testing.assert_allclose(run("ImageScaler", scale=0.5, bias=bias.tolist()), wanted, 1e-6)


def test_crop() -> None:
    np.testing.assert_array_equal(run("Crop", border=[1, 2, 3, 4]), X[:, :, 2:4, 1:4])
    np.testing.assert_array_equal(run("Crop", border=[1, 2, 0, 0], scale=[5, 3]), X[:, :, 2:7, 1:4])
    with pytest.raises(ShapeError, match="leaves nothing"):
        run("Crop", border=[4, 4, 4, 4])
