"""Constants: values in and out of bytes, for every dtype."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from wasmkiln.errors import ShapeError, UnsupportedOperatorError
from wasmkiln.ir.const import Const, Span, pack_values
from wasmkiln.ir.dtype import (
    BF16,
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    DType,
)
from wasmkiln.ir.shape import broadcast, normalize_axes


@pytest.mark.parametrize("dtype", [F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, BOOL])
def test_values_round_trip_like_numpy(dtype: DType) -> None:
    values = (0, 1, 1, 0) if dtype == BOOL else (0, 1, 100, 7)
    const = Const.of(dtype, (2, 2), values)
    assert const.data == np.array(values, dtype.full).tobytes()
    assert const.values() == values
    assert const.nbytes == 4 * dtype.itemsize


def test_bfloat16_rounds_to_nearest_even() -> None:
    values = (1.0, 1.00390625, 1.01171875, -2.5, 3.4e38, math.inf)
    expected = np.array(values, ml_dtypes.bfloat16)
    const = Const.of(BF16, (6,), values)
    assert const.data == expected.tobytes()
    assert const.values() == tuple(float(v) for v in expected)
    nan = Const.of(BF16, (), (math.nan,)).item()
    assert math.isnan(nan)


def test_too_large_floats_become_infinite() -> None:
    assert Const.of(F32, (2,), (1e300, -1e300)).values() == (math.inf, -math.inf)
    assert Const.of(F16, (1,), (1e6,)).values() == (math.inf,)


def test_integers_wrap() -> None:
    assert pack_values(I8, (200, -200)) == np.array([200, -200]).astype(np.int8).tobytes()


def test_a_span_is_not_inline() -> None:
    assert not Const(F32, (4,), Span(0, 16, 16)).is_inline


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((2, 1, 4), (3, 1)), (2, 3, 4)),
        (((), (5,)), (5,)),
        (((0, 1), (1, 3)), (0, 3)),
        (((1, 1), (1,)), (1, 1)),
    ],
)
def test_broadcast(shapes: tuple[tuple[int, ...], ...], expected: tuple[int, ...]) -> None:
    assert broadcast(*shapes) == expected == np.broadcast_shapes(*shapes)


def test_broadcast_error_names_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"\[2,3\] and \[2,4\] do not broadcast"):
        broadcast((2, 3), (2, 4))


def test_axes_may_not_repeat() -> None:
    assert normalize_axes((-1, 0), 3) == (0, 2)
    with pytest.raises(ShapeError, match="twice"):
        normalize_axes((2, -1), 3)


def test_values_of_another_kind_are_refused() -> None:
    assert Const.scalar(F32, 2.0).ints() == (2,)
    with pytest.raises(ShapeError, match="where integers are expected"):
        Const.scalar(F32, math.nan).ints()
    with pytest.raises(UnsupportedOperatorError, match="a constant of string where numbers"):
        Const.strings((1,), ("a",)).values()
