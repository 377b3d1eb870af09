"""Complex numbers: operators that only move them take them, all others refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import UnsupportedOperatorError

from tests.ops.check import Array
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)
DTYPES = [np.complex64, np.complex128]


def numbers(dtype: Any, *shape: int) -> Array:
    made: Array = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return made


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes(dtype: Any) -> None:
    x = numbers(dtype, 3, 4, 5)
    check_reference("Identity", x)
    check_reference("Reshape", x, ints(5, 12))
    check_reference("Flatten", x, axis=2)
    check_reference("Squeeze", x[:1], ints(0))
    check_reference("Unsqueeze", x, ints(1))
    check_reference("Transpose", x, perm=[2, 0, 1])
    check_reference("Shape", x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pieces(dtype: Any) -> None:
    x = numbers(dtype, 4, 6)
    check_reference("Concat", x, x[:, :1], run_time=(0, 1), axis=1)
    check_reference("Split", x, axis=1, outputs=2, num_outputs=2)
    check_reference("Slice", x, ints(3, 1), ints(0, 6), ints(0, 1), ints(-1, 2))
    check_reference("Expand", x[:, :1], ints(4, 3))
    check_reference("Tile", x, ints(2, 3))
    check_reference("Pad", x, ints(1, 0, 0, 2))
    check_reference("CenterCropPad", x, ints(3, 8))
    check_reference("DepthToSpace", numbers(dtype, 1, 8, 2, 3), blocksize=2)
    check_reference("SpaceToDepth", numbers(dtype, 1, 2, 4, 6), blocksize=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_picked_elements(dtype: Any) -> None:
    x = numbers(dtype, 4, 6)
    for axis in (0, 1):
        check_reference("Gather", x, ints(3, 0, 2), axis=axis)
    check_reference("GatherElements", x, ints(1, 3, 0, 2, 2, 1).reshape(1, 6), axis=0)
    check_reference("GatherND", x, ints(1, 5, 0, 2).reshape(2, 2))
    check_reference("ScatterND", x, ints(3, 1).reshape(2, 1), x[:2], run_time=(0, 2))
    places = ints(3, 0, 1, 2, 1, 0).reshape(1, 6)
    check_reference("ScatterElements", x, places, x[1:2], run_time=(0, 2), axis=0)
    check_reference("Compress", x, np.array([True, False, True]), axis=1)
    check_reference("ReverseSequence", x, ints(1, 4, 2, 3, 0, 1))


def test_choices() -> None:
    x = numbers(np.complex64, 4, 4)
    check_reference("Where", np.array([True, False, True, False]), x, x.T, run_time=(0, 1, 2))
    check_reference("Trilu", x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["Add", "Mul", "MatMul", "Equal", "Max", "Pow"])
def test_arithmetic_of_two_is_refused(op: str, dtype: Any) -> None:
    x = numbers(dtype, 3, 3)
    with pytest.raises(UnsupportedOperatorError, match=rf"{op} .*computing with c\d+ is not supp"):
        run_op(op, x, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["Neg", "Relu", "Softmax", "ReduceSum", "ArgMax"])
def test_arithmetic_is_refused(op: str, dtype: Any) -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"computing with c\d+ is not supported"):
        run_op(op, numbers(dtype, 3, 3))


def test_reductions_while_scattering_are_refused() -> None:
    x = numbers(np.complex64, 3)
    with pytest.raises(UnsupportedOperatorError, match=r"computing with c64 is not supported"):
        run_op("ScatterND", x, ints(1).reshape(1, 1), x[:1], reduction="add")


def test_choices_of_wide_numbers_are_refused() -> None:
    x = numbers(np.complex128, 3)
    with pytest.raises(UnsupportedOperatorError, match=r"computing with c128 is not supported"):
        run_op("Where", np.ones(3, bool), x, -x, run_time=(0, 1, 2))
