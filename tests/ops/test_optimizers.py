"""Adagrad, Adam and Momentum: first and later steps, one weight and several, against ONNX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array
from tests.ops.reference import check_reference, run_op

DOMAIN = "ai.onnx.preview.training"
rng = np.random.default_rng(0)


def tensors(kinds: int, dtype: Any, *shapes: tuple[int, ...]) -> list[Array]:
    """Of each kind one for each shape; no negative ones, as some are sums of squares."""
    return [rng.random(shape).astype(dtype) for _ in range(kinds) for shape in shapes]


def check(op: str, kinds: int, dtype: Any, times: int, count: int, **attributes: Any) -> None:
    given = tensors(kinds, dtype, *[(3, 5), (7,)][:count])
    rate, step = np.array(0.1, np.float32), np.array(times, np.int64)
    check_reference(
        op, rate, step, *given, run_time=range(2 + len(given)), outputs=(kinds - 1) * count,
        domain=DOMAIN, rtol=1e-5, **attributes,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("times", [0, 3])
@pytest.mark.parametrize("count", [1, 2])
def test_steps(count: int, times: int, dtype: Any) -> None:
    check("Adagrad", 3, dtype, times, count, norm_coefficient=0.2, decay_factor=0.1, epsilon=1e-3)
    # The reference evaluator's Adam gives f64 for one weight, and f32 for several.
    if (count == 1) == (dtype == np.float64):
        check("Adam", 4, dtype, times, count, norm_coefficient=0.2, norm_coefficient_post=0.1)
    for mode in ("standard", "nesterov"):
        attributes: dict[str, Any] = {"alpha": 0.9, "beta": 0.7, "norm_coefficient": 0.01}
        check("Momentum", 3, dtype, times, count, mode=mode, **attributes)


def test_what_does_not_fit_is_refused() -> None:
    rate, step = np.array(0.1, np.float32), np.array(0, np.int64)
    x = np.zeros(3, np.float32)
    with pytest.raises(ShapeError, match=r"2 tensors are given, 3 for each weight"):
        run_op("Adagrad", rate, step, x, x, domain=DOMAIN, outputs=2)
    with pytest.raises(ShapeError, match=r"f32\[2\] is given for the weight f32\[3\]"):
        run_op("Adagrad", rate, step, x, x, x[:2], domain=DOMAIN, outputs=2)
    unknown: dict[str, Any] = {"alpha": 1.0, "beta": 1.0, "norm_coefficient": 0.0, "mode": "fast"}
    with pytest.raises(UnsupportedOperatorError, match=r"mode 'fast' is unknown"):
        run_op("Momentum", rate, step, x, x, x, domain=DOMAIN, outputs=2, **unknown)
    with pytest.raises(UnsupportedOperatorError, match=r"Gradient \(opset 1\) is not supported"):
        run_op("Gradient", x, domain=DOMAIN, xs=["x0"], y="y0")
