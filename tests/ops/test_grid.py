"""GridSample, against onnxruntime."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.ops.check import check_op
from tests.ops.reference import run_op

MODES, PADDINGS = ("linear", "nearest", "cubic"), ("zeros", "border", "reflection")


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize(("mode", "padding"), list(product(MODES, PADDINGS)))
@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 4), (3, 2)])
def test_places_inside_and_outside(
    mode: str, padding: str, align: int, height: int, width: int
) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (2, 3, height, width)).astype(np.float32)
    grid = rng.uniform(-1.9, 1.9, (2, 4, 5, 2)).astype(np.float32)
    attributes = {"mode": mode, "padding_mode": padding, "align_corners": align}
    check_op("GridSample", x, grid, opset=20, rtol=1e-4, atol=1e-4, **attributes)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_names_before_opset_20(mode: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (1, 2, 6, 5)).astype(np.float32)
    grid = rng.uniform(-1, 1, (1, 3, 3, 2)).astype(np.float32)
    check_op("GridSample", x, grid, opset=16, rtol=1e-4, atol=1e-4, mode=mode)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("padding", PADDINGS)
def test_three_dimensions(mode: str, padding: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(0, 1, (1, 2, 3, 4, 5)).astype(np.float32)
    grid = rng.uniform(-1.5, 1.5, (1, 2, 3, 4, 3)).astype(np.float32)
    attributes = {"mode": mode, "padding_mode": padding}
    check_op("GridSample", x, grid, opset=20, rtol=1e-4, atol=1e-4, **attributes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_other_dtypes(mode: str, padding: str) -> None:
    """Places in f64 near to those in f32, so that no pixel is another one."""
    rng = np.random.default_rng(4)
    x = rng.normal(0, 1, (1, 2, 6, 5)).astype(np.float16)
    grid = rng.uniform(-1.5, 1.5, (1, 3, 4, 2)).astype(np.float16)
    attributes = {"mode": mode, "padding_mode": padding}
    (want,) = run_op("GridSample", x.astype("f4"), grid.astype("f4"), run_time=(0, 1), **attributes)
    for kinds in (("f2", "f2"), ("f4", "f8"), ("f8", "f4"), ("f2", "f4")):
        given = (a.astype(kind) for a, kind in zip((x, grid), kinds, strict=True))
        (y,) = run_op("GridSample", *given, run_time=(0, 1), **attributes)
        assert y.dtype == kinds[0]
        np.testing.assert_allclose(y, want, 1e-2, 1e-2 if kinds[0] == "f2" else 1e-4)
