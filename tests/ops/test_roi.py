"""RoiAlign and MaxRoiPool: modes, sizes of regions within, at and beyond the border."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array, check_op
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)
X = rng.standard_normal((2, 3, 9, 7)).astype(np.float32)
ROIS = np.array(
    [[0, 0, 6, 8], [1.3, 2.7, 3.9, 5.2], [-2, -3, 20, 14], [3, 3, 3, 3], [5, 6, 2, 1]], np.float32
)
BATCHES = np.array([0, 1, 1, 0, 1], np.int64)


def regions(dtype: Any) -> tuple[Array, Array, Array]:
    return X.astype(dtype), ROIS.astype(dtype), BATCHES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("samples", [0, 1, 2])
@pytest.mark.parametrize("place", ["half_pixel", "output_half_pixel"])
def test_align(place: str, samples: int, mode: str, dtype: Any) -> None:
    sizes: dict[str, Any] = {"output_height": 3, "output_width": 2, "sampling_ratio": samples}
    check_reference(
        "RoiAlign", *regions(dtype), run_time=(0, 1, 2), mode=mode, opset=16, atol=1e-5,
        coordinate_transformation_mode=place, spatial_scale=0.75, **sizes,
    )  # fmt: skip


@pytest.mark.parametrize("opset", [10, 16])
def test_versions(opset: int) -> None:
    check_op("RoiAlign", *regions(np.float32), opset=opset, output_height=2, output_width=5)


def test_align_in_halves() -> None:
    check_reference("RoiAlign", *regions(np.float16), opset=16, output_height=2, rtol=1e-2)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("bins", [[1, 1], [3, 2], [5, 8]])
def test_pool(bins: list[int], scale: float) -> None:
    rois = np.concatenate([BATCHES[:, None].astype(np.float32), ROIS], 1)
    check_op("MaxRoiPool", X, rois, pooled_shape=bins, spatial_scale=scale)


def test_no_regions() -> None:
    (y,) = run_op("RoiAlign", X, ROIS[:0], BATCHES[:0], opset=16, output_height=2)
    assert y.shape == (0, 3, 2, 1)


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"RoiAlign.*mode 'sum' is unknown"):
        run_op("RoiAlign", *regions(np.float32), mode="sum")
    with pytest.raises(ShapeError, match=r"the regions are f32\[5,4\] of the images"):
        run_op("MaxRoiPool", X, ROIS, pooled_shape=[1, 1])


def test_image_out_of_range_is_an_error() -> None:
    with pytest.raises(Exception, match="index"):
        run_op("RoiAlign", X, ROIS, BATCHES + 5, run_time=(0, 1, 2), opset=16)
