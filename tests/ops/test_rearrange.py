"""Operators that expand into views, transpositions and repetitions."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.errors import ShapeError

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(4)


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("shape", "to"),
    [
        ((3, 1), (2, 3, 4)),
        ((3, 1), (1, 1)),
        ((1, 5, 1), (7, 1, 33)),
        ((), (2, 3)),
        ((2, 3), (2, 3)),
        ((1,), (2000,)),
        ((4, 1), (4, 0)),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "i8", "?"])
def test_expand(shape: tuple[int, ...], to: tuple[int, ...], dtype: str) -> None:
    x = (random(*shape) * 9).astype(dtype)
    check_op("Expand", x, ints(*to), const=[1])
    check_op("Expand", x, ints(*to), const=[0, 1])


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 3), (1, 4, 1), (3, 2, 2), (1, 0, 1)])
def test_tile(repeats: tuple[int, ...]) -> None:
    check_op("Tile", random(2, 3, 4), ints(*repeats), const=[1])
    check_op("Tile", np.arange(24).reshape(2, 3, 4), ints(*repeats), const=[0, 1])


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode: str) -> None:
    check_op("DepthToSpace", random(2, 18, 4, 5), blocksize=3, mode=mode, opset=13)
    check_op("DepthToSpace", random(1, 8, 3, 2), blocksize=2, opset=7)


def test_space_to_depth() -> None:
    for opset in (7, 13):
        check_op("SpaceToDepth", random(2, 3, 6, 9), blocksize=3, opset=opset)


def test_channels_that_make_no_blocks() -> None:
    feeds = {"x": random(1, 6, 2, 2)}
    model = build([node("DepthToSpace", "x", "y", blocksize=2)], feeds, set(), ["y"])
    with pytest.raises(ShapeError, match="6 channels can't make blocks of 2 x 2"):
        run_ours(model, feeds)
