"""MaxUnpool, against onnxruntime where it agrees with ONNX, else the reference evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError

from tests.ops.check import check_op
from tests.ops.reference import check_reference, run_op

X = np.array([[[[5, 6], [7, 8]]]], np.float32)
PLACES = np.array([[[[5, 7], [13, 15]]]], np.int64)
WINDOW: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}


@pytest.mark.parametrize("opset", [9, 11, 22])
def test_inferred_shape(opset: int) -> None:
    check_op("MaxUnpool", X, PLACES, opset=opset, **WINDOW)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_given_shape(dtype: Any) -> None:
    shape = np.array([1, 1, 5, 6])
    check_reference(
        "MaxUnpool", X.astype(dtype), PLACES, shape, run_time=(0, 1), opset=11, **WINDOW
    )


def test_planes_and_pads() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 4)).astype(np.float32)
    places = rng.permutation(2 * 3 * 7)[:24].reshape(x.shape)
    attributes: dict[str, Any] = {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}
    check_op("MaxUnpool", x, places, **attributes)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"output_shape is \[1,1,3,4\], at least \[1,1,4,4\]"):
        run_op("MaxUnpool", X, PLACES, np.array([1, 1, 3, 4]), **WINDOW)
    with pytest.raises(ShapeError, match=r"the indices are i64\[1,1,2\] for the elements"):
        run_op("MaxUnpool", X, PLACES[:, :, 0], **WINDOW)
