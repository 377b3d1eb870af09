"""Convolutions in f64 and their transposes, against onnxruntime in f32: windows, groups, ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.check import check_op
from tests.ops.reference import run_op

rng = np.random.default_rng(0)


def check(op: str, *shapes: tuple[int, ...], **attributes: Any) -> None:
    """The same numbers in both dtypes."""
    wide = [rng.standard_normal(s).astype(np.float32).astype(np.float64) for s in shapes]
    (want,) = check_op(op, *(a.astype(np.float32) for a in wide), atol=1e-4, **attributes)
    (got,) = run_op(op, *wide, **attributes)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, want, 1e-4, 1e-4)


@pytest.mark.parametrize("group", [1, 2, 4])
def test_groups(group: int) -> None:
    check("Conv", (2, 4, 7, 6), (8, 4 // group, 3, 2), (8,), group=group)
    check("ConvTranspose", (2, 4, 5, 3), (4, 2, 3, 2), (2 * group,), group=group)


@pytest.mark.parametrize(
    "attributes",
    [
        {"pads": [1, 0, 2, 1]},
        {"strides": [2, 3], "pads": [0, 2, 0, 1]},
        {"dilations": [2, 1], "pads": [2, 1, 1, 0], "strides": [1, 2]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER", "strides": [1, 2]},
    ],
)
def test_windows(attributes: dict[str, Any]) -> None:
    check("Conv", (1, 3, 9, 8), (2, 3, 3, 3), **attributes)
    check("ConvTranspose", (1, 3, 5, 4), (3, 2, 3, 3), **attributes)


def test_output_padding() -> None:
    check("ConvTranspose", (1, 2, 4, 3), (2, 3, 2, 3), strides=[2, 3], output_padding=[1, 2])


def test_ranks() -> None:
    check("Conv", (2, 3, 11), (4, 3, 3), (4,), strides=[2])
    check("Conv", (1, 2, 4, 5, 6), (3, 2, 2, 3, 1))
    check("ConvTranspose", (2, 3, 5), (3, 2, 3), strides=[2])
    check("ConvTranspose", (1, 2, 3, 2, 4), (2, 3, 2, 3, 2))


def test_precision() -> None:
    x = np.array([[[1e8, 1.0, -1e8, 3.0]]])
    (y,) = run_op("Conv", x, np.ones((1, 1, 3)))
    np.testing.assert_array_equal(y, [[[1.0, 4.0 - 1e8]]])
