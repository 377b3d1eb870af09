"""AffineGrid: two and three dimensions, borders or middles of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln import ShapeError

from tests.ops.check import check_op
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (1, 1, 7, 2), (2, 1, 3, 4, 5), (1, 2, 2, 2, 9)])
def test_grids(size: tuple[int, ...], align: int) -> None:
    rank = len(size) - 2
    theta = rng.standard_normal((size[0], rank, rank + 1)).astype(np.float32)
    check_reference("AffineGrid", theta, np.array(size), opset=20, align_corners=align, atol=1e-5)
    check_op(
        "AffineGrid", theta, np.array(size), const=[1], opset=20, align_corners=align, atol=1e-5
    )


def test_one_pixel() -> None:
    theta = rng.standard_normal((1, 2, 3)).astype(np.float32)
    check_reference("AffineGrid", theta, np.array([1, 1, 1, 1]), opset=20)


def test_other_dtypes() -> None:
    theta = rng.standard_normal((1, 2, 3))
    (want,) = run_op("AffineGrid", theta.astype(np.float32), np.array([1, 1, 3, 4]))
    for dtype, tolerance in ((np.float64, 1e-6), (np.float16, 1e-2)):
        (y,) = run_op("AffineGrid", theta.astype(dtype), np.array([1, 1, 3, 4]))
        assert y.dtype == dtype
        np.testing.assert_allclose(y, want, tolerance, tolerance)


def test_wrong_theta_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"theta is f32\[1,2,2\] for a grid of \(1, 3, 4\)"):
        run_op("AffineGrid", np.zeros((1, 2, 2), np.float32), np.array([1, 1, 3, 4]))
