"""Support vector machines against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, UnsupportedOperatorError
from wasmkiln.options import CompileOptions

from .check import run_ours
from .ml import check_ml, ml_model

KERNELS = {
    "LINEAR": [0.0, 0.0, 0.0],
    "POLY": [0.3, 0.5, 3.0],
    "RBF": [0.2, 0.0, 0.0],
    "SIGMOID": [0.1, -0.2, 0.0],
}
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]
VARIANTS = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (1, 3)]


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0, 1, shape).astype("f4")


def machine(classes: int, features: int = 5, proba: bool = False, **more: Any) -> Any:
    per_class = [i % 3 + 2 for i in range(classes)]
    total, pairs = sum(per_class), classes * (classes - 1) // 2
    made: dict[str, Any] = {
        "vectors_per_class": per_class,
        "support_vectors": numbers(total * features, seed=1).tolist(),
        "coefficients": numbers((classes - 1) * total, seed=2).tolist(),
        "rho": numbers(pairs, seed=3).tolist(),
        "kernel_params": KERNELS["RBF"],
        "kernel_type": "RBF",
        "classlabels_ints": [10 - i for i in range(classes)],
    }
    if proba:
        made |= {"prob_a": (-1 - numbers(pairs, seed=4) ** 2).tolist()}
        made |= {"prob_b": numbers(pairs, seed=5).tolist()}
    return {**made, **more}


def check(x: Any, made: Any, **more: Any) -> None:
    check_ml("SVMClassifier", x, outputs=2, rtol=2e-5, atol=1e-5, **{**made, **more})


@pytest.mark.parametrize("proba", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_kernels(classes: int, kernel: str, proba: bool) -> None:
    params: Any = {"kernel_type": kernel, "kernel_params": KERNELS[kernel]}
    check(numbers(13, 5), machine(classes, proba=proba), **params)


@pytest.mark.parametrize("degree", [1.0, 2.0, 4.0, 2.5])
def test_degrees(degree: float) -> None:
    params: Any = {"kernel_type": "POLY", "kernel_params": [0.1, 3.0, degree]}
    check(np.abs(numbers(6, 5)), machine(3), **params)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("proba", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_transforms(classes: int, proba: bool, transform: str) -> None:
    check(numbers(7, 5), machine(classes, proba=proba), post_transform=transform)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_dtypes_and_strings(dtype: str) -> None:
    made = machine(3)
    del made["classlabels_ints"]
    check((2 * numbers(9, 5)).astype(dtype), made, classlabels_strings=["x", "y", "z"])


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_linear_scores(classes: int, positive: bool, transform: str) -> None:
    coefficients = numbers(classes * 4, seed=1)
    made: Any = {
        "coefficients": (np.abs(coefficients) if positive else coefficients).tolist(),
        "rho": [-0.1],
        "classlabels_ints": [5, 6, 7][:classes],
        "kernel_params": [0.0, 0.0, 0.0],
        "post_transform": transform,
    }
    check(numbers(11, 4), made)


def test_no_vectors_for_any_class() -> None:
    made: Any = {
        "coefficients": numbers(12, seed=1).tolist(),
        "rho": [0.5],
        "classlabels_ints": [5, 6, 7],
        "kernel_params": [0.0, 0.0, 0.0],
        "vectors_per_class": [0, 0, 0],
    }
    check(numbers(5, 4), made)


def test_all_code_variants() -> None:
    for features in (1, 3, 4, 7, 16, 33):
        made = machine(4, features, proba=True)
        check(numbers(50, features), made, options=VARIANTS)


def test_large_numbers_do_not_cancel() -> None:
    made = machine(3)
    made["support_vectors"] = (np.reshape(made["support_vectors"], -1) + 3000).tolist()
    check(numbers(9, 5) + 3000, made)


@pytest.mark.parametrize("one_class", [0, 1])
@pytest.mark.parametrize("kernel", KERNELS)
def test_regressor(kernel: str, one_class: int) -> None:
    made: Any = {
        "n_supports": 7,
        "support_vectors": numbers(7 * 3, seed=1).tolist(),
        "coefficients": numbers(7, seed=2).tolist(),
        "rho": [0.25],
        "kernel_type": kernel,
        "kernel_params": KERNELS[kernel],
        "one_class": one_class,
    }
    check_ml("SVMRegressor", numbers(11, 3), rtol=2e-5, atol=1e-5, **made)


def test_linear_regressor() -> None:
    made: Any = {"coefficients": [1.0, -2.0, 3.0], "rho": [0.5], "kernel_params": [0.0, 0.0, 0.0]}
    check_ml("SVMRegressor", numbers(6, 3), **made)


def test_errors() -> None:
    x = numbers(2, 5)
    for changes, error, message in (
        ({"rho": [1.0]}, InvalidModelError, "1 rho for 3 pairs of classes"),
        ({"support_vectors": [1.0]}, InvalidModelError, "1 support_vectors, 9 x 5 are expected"),
        ({"coefficients": [1.0]}, InvalidModelError, "1 coefficients, 2 x 9 are expected"),
        ({"vectors_per_class": [9]}, InvalidModelError, "vectors_per_class is for 3 classes"),
        ({"kernel_params": [1.0]}, InvalidModelError, "1 kernel_params, 3 are expected"),
        ({"kernel_type": "CUBE"}, UnsupportedOperatorError, "kernel_type is 'CUBE'"),
        ({"prob_a": [1.0]}, InvalidModelError, "1 prob_a for 3 pairs"),
    ):
        with pytest.raises(error, match=message):
            run_ours(ml_model("SVMClassifier", x, outputs=2, **machine(3, **changes)), {"x0": x})
