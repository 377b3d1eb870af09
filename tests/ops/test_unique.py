"""Unique against onnxruntime, and NumPy where that lacks a dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import LimitError, ShapeError, UnsupportedOperatorError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import BF16, BY_NAME, C64, F32
from wasmkiln.ir.value import NOTHING
from wasmkiln.ops.base import create
from wasmkiln.ops.unique import MAX_EMPTY

from .check import Array, check_op


def values(*shape: int, dtype: str = "f4") -> Array:
    """Few distinct ones."""
    x = np.random.default_rng(len(shape)).integers(-2, 3, shape)
    return np.array([f"{i}" for i in x.flat], object).reshape(shape) if dtype == "O" else x.astype(
        dtype
    )  # fmt: skip


def evaluated(x: Const, **attributes: Any) -> tuple[Const, ...]:
    outputs = create("", "Unique", 11, attributes).evaluate(x)
    assert outputs is not None
    return outputs


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i8", "O"])
@pytest.mark.parametrize("sort", [0, 1])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_against_onnxruntime(axis: int | None, sort: int, dtype: str) -> None:
    named = {} if axis is None else {"axis": axis}
    for shape in ((9, 2), (2, 9), (2, 3, 2)):
        check_op("Unique", values(*shape, dtype=dtype), outputs=4, sorted=sort, **named)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_fewer_outputs(outputs: int) -> None:
    check_op("Unique", values(20), outputs=outputs)


def test_small() -> None:
    check_op("Unique", values(), outputs=4)
    check_op("Unique", values(0), outputs=4)
    check_op("Unique", values(0, 3), outputs=4, axis=0)
    check_op("Unique", values(0, 3), outputs=4, axis=1)


@pytest.mark.parametrize("name", ["u8", "u16", "i16", "i32", "u32", "u64", "f16", "bool"])
def test_other_dtypes(name: str) -> None:
    dtype = BY_NAME[name]
    x = np.abs(values(4, 5)).astype(dtype.full)
    expected = np.unique(x, True, True, True)
    got = evaluated(Const(dtype, x.shape, x.tobytes()))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.values(), np.ravel(b))


def test_bfloat16() -> None:
    x = Const.of(BF16, (4,), (2.0, -1.0, 2.0, 0.5))
    assert evaluated(x)[0].values() == (-1.0, 0.5, 2.0)


@pytest.mark.parametrize("axis", [None, 0])
def test_all_nan_are_one_and_the_greatest(axis: int | None) -> None:
    """As in NumPy; onnxruntime mixes them up with other elements."""
    x = Const.of(F32, (6,), (float("nan"), 3.0, float("nan"), -0.0, 0.0, -float("nan")))
    y, first, inverse, counts = evaluated(x, axis=axis)
    np.testing.assert_array_equal(y.values(), [0.0, 3.0, np.nan])
    assert first.values() == (3, 1, 0)
    assert inverse.values() == (2, 1, 2, 0, 0, 2)
    assert counts.values() == (2, 1, 3)


def test_errors() -> None:
    with pytest.raises(ShapeError, match=r"^X is nothing, a tensor is expected$"):
        evaluated(NOTHING)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedOperatorError, match=r"^elements of c64 can't be ordered$"):
        evaluated(Const(C64, (1,), bytes(8)))
    with pytest.raises(LimitError, match=f"^{MAX_EMPTY + 1} slices without elements$"):
        evaluated(Const(F32, (MAX_EMPTY + 1, 0), b""), axis=0)
    with pytest.raises(ShapeError, match=r"^axis 2 is outside a tensor of rank 1$"):
        evaluated(Const.of(F32, (1,), (1.0,)), axis=2)
