"""Copies, transpositions and counting against NumPy, over odd sizes, strides and shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.copy import emit_copy, emit_iota, emit_transpose
from wasmkiln.program.kernels.copy import CopySpec, IotaSpec, TransposeSpec

from tests.backends.wasm.harness import BASELINE, RELAXED, TARGETS, run_kernel

DTYPES = {1: np.uint8, 2: np.uint16, 4: np.float32, 8: np.float64}
LENGTHS = [1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 64, 257, 1031]


def numbers(count: int, itemsize: int = 4) -> np.ndarray[Any, Any]:
    """Distinct values, as far as the type holds them."""
    return (np.arange(count) % 251 + 1).astype(DTYPES[itemsize])


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("itemsize", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
def test_contiguous(length: int, itemsize: int, target: Target) -> None:
    source = numbers(length, itemsize)
    shares = (length // 3,) if length > 3 else ()
    out = run_kernel(
        emit_copy,
        CopySpec(itemsize, 1, "c"),
        target,
        [np.zeros_like(source), source, length],
        length,
        output=0,
        shares=shares,
    )
    np.testing.assert_array_equal(out, source)


@pytest.mark.parametrize("itemsize", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
def test_one_element_for_all(length: int, itemsize: int) -> None:
    source = numbers(3, itemsize)[2:]
    out = run_kernel(
        emit_copy,
        CopySpec(itemsize, 1, "b"),
        RELAXED,
        [np.zeros(length, source.dtype), source, length],
        length,
        output=0,
        shares=(length // 2,) if length > 1 else (),
    )
    np.testing.assert_array_equal(out, np.repeat(source, length))


@pytest.mark.parametrize("itemsize", DTYPES)
@pytest.mark.parametrize("step", [2, 3, 7])
def test_strided_elements(step: int, itemsize: int) -> None:
    source = numbers(40, itemsize)
    wanted = source[::step]
    args = [np.zeros_like(wanted), source, len(wanted), step * itemsize]
    spec = CopySpec(itemsize, 1, "s")
    out = run_kernel(emit_copy, spec, RELAXED, args, len(wanted), output=0, shares=(5,))
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("row", [1, 3, 4, 17, 260])
def test_rows_into_a_wider_tensor(row: int, target: Target) -> None:
    """What Concat along the last axis does: target rows are longer than the source's."""
    source = numbers(2 * 3 * row).reshape(2, 3, row)
    wide = np.zeros((2, 3, row + 5), np.float32)
    wanted = wide.copy()
    wanted[..., :row] = source
    pitch = (row + 5) * 4
    args = [wide, source, 2, 3, row, 3 * pitch, 3 * row * 4, pitch, row * 4]
    out = run_kernel(emit_copy, CopySpec(4, 3, "c"), target, args, 2, output=0, shares=(1,))
    np.testing.assert_array_equal(out, wanted)


SIZES = [1, 3, 4, 5, 15, 16, 17, 23, 37]


@pytest.mark.parametrize("m", SIZES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 13])
def test_transpose(m: int, n: int) -> None:
    source = numbers(m * n).reshape(n, m)
    args = [np.zeros((m, n), np.float32), source, m, n, n * 4, m * 4]
    shares = (16,) if m > 16 else ()
    out = run_kernel(emit_transpose, TransposeSpec(0), BASELINE, args, m, output=0, shares=shares)
    np.testing.assert_array_equal(out, source.T)


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 4, 16, 9), (3, 6, 2, 33)])
def test_transpose_with_outer_dimensions(shape: tuple[int, ...]) -> None:
    """a, b, n, m -> b, m, a, n."""
    a, b, n, m = shape
    source = numbers(a * b * n * m).reshape(shape)
    wanted = source.transpose(1, 3, 0, 2)
    args = [np.zeros(wanted.shape, np.float32), source, m, n, a * n * 4, m * 4]
    args += [b, m * a * n * 4, n * m * 4, a, n * 4, b * n * m * 4]
    out = run_kernel(
        emit_transpose, TransposeSpec(2), RELAXED, args, m, output=0, shares=(2,) if m > 2 else ()
    )
    np.testing.assert_array_equal(out, wanted)


def test_iota() -> None:
    out = run_kernel(emit_iota, IotaSpec(), RELAXED, [np.zeros(37, np.int64)], 37, 0, shares=(5,))
    np.testing.assert_array_equal(out, np.arange(37))
