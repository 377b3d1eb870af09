"""Cuts, joins and picks of constants against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I16, STRING, DType
from wasmkiln.ops.blocks import cut, join, pick

SHAPES = [(4,), (2, 3), (3, 1, 4), (2, 0, 3)]


def numbers(*shape: int) -> Any:
    return np.arange(np.prod(shape)).reshape(shape)


def const(x: Any, dtype: DType) -> Const:
    if dtype == STRING:
        return Const.strings(x.shape, [str(v) for v in x.flat])
    return Const.of(dtype, x.shape, x.ravel().tolist())


@pytest.mark.parametrize("dtype", [F32, I16, STRING])
@pytest.mark.parametrize("shape", SHAPES)
def test_cut_and_join(shape: tuple[int, ...], dtype: DType) -> None:
    x = numbers(*shape)
    for axis, size in enumerate(shape):
        sizes = (0, size // 2, size - size // 2)
        parts = cut(const(x, dtype), axis, sizes)
        expected = np.split(x, np.cumsum(sizes)[:-1], axis)
        assert parts == tuple(const(e, dtype) for e in expected)
        assert join(parts, axis) == const(x, dtype)


@pytest.mark.parametrize("dtype", [F32, I16, STRING])
@pytest.mark.parametrize("shape", SHAPES)
def test_pick(shape: tuple[int, ...], dtype: DType) -> None:
    x = numbers(*shape)
    for axis, size in enumerate(shape):
        for chosen in ([], [0] * 3, list(range(size))[::-1]):
            if size or not chosen:
                expected = np.take(x, np.array(chosen, int), axis)
                assert pick(const(x, dtype), axis, chosen) == const(expected, dtype)


def test_other_buffers() -> None:
    x = Const(I16, (2, 2), memoryview(bytearray(range(8))))
    assert [part.data for part in cut(x, 1, (1, 1))] == [b"\0\1\4\5", b"\2\3\6\7"]
