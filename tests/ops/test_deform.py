"""DeformConv: groups, masks, borders and offsets beyond them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError

from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)


def arrays(dtype: Any, offset_group: int = 1, group: int = 1) -> list[Any]:
    """x, w, offset, bias, mask for a 5 x 6 image, a 3 x 2 filter and borders of 1 above."""
    out = (4, 5)
    shapes = [
        (2, 4, 5, 6),
        (6, 4 // group, 3, 2),
        (2, offset_group * 12, *out),
        (6,),
        (2, offset_group * 6, *out),
    ]
    made = [rng.standard_normal(s).astype(dtype) for s in shapes]
    made[2] *= 3
    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("groups", [(1, 1), (2, 1), (2, 2), (4, 2)])
def test_groups(groups: tuple[int, int], dtype: Any) -> None:
    offset_group, group = groups
    check_reference(
        "DeformConv", *arrays(dtype, *groups), run_time=(0, 2, 4), opset=19, rtol=1e-3, atol=1e-4,
        offset_group=offset_group, group=group, pads=[1, 0, 0, 0],
    )  # fmt: skip


def test_strides_and_dilations() -> None:
    x, w = rng.standard_normal((1, 1, 9, 8)), rng.standard_normal((1, 1, 2, 2))
    offset = rng.standard_normal((1, 8, 4, 3))
    check_reference(
        "DeformConv", x, w, offset, opset=22, rtol=1e-4, atol=1e-5,
        strides=[2, 2], dilations=[2, 3], kernel_shape=[2, 2],
    )  # fmt: skip


def test_without_offsets_it_is_a_convolution() -> None:
    x, w, offset, bias, _ = arrays(np.float32)
    (y,) = run_op("DeformConv", x, w, offset * 0, bias, pads=[1, 0, 0, 0])
    (want,) = run_op("Conv", x, w, bias, pads=[1, 0, 0, 0])
    np.testing.assert_allclose(y, want, 1e-5, 1e-5)


def test_infinite_offsets_read_nothing() -> None:
    x, w, offset, *_ = arrays(np.float32)
    (y,) = run_op("DeformConv", x, w, np.full_like(offset, 1e30), pads=[1, 0, 0, 0])
    np.testing.assert_array_equal(y, np.zeros_like(y))


def test_wrong_offsets_are_refused() -> None:
    x, w, offset, *_ = arrays(np.float32)
    with pytest.raises(ShapeError, match=r"the offset is f32\[2,12,4,5\], where \(2, 12, 3, 5\)"):
        run_op("DeformConv", x, w, offset)
