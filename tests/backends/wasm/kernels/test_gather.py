"""Kernels that pick by index, against NumPy; indices out of range are clamped and reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.wasm.kernels.gather import (
    emit_gather,
    emit_gather_elements,
    emit_gather_nd,
)
from wasmkiln.backends.wasm.module import Module
from wasmkiln.ir.dtype import I32, I64, DType
from wasmkiln.program.kernels.gather import (
    STATUS_ADDRESS,
    GatherElementsSpec,
    GatherNDSpec,
    GatherSpec,
)

from tests.backends.wasm.harness import RELAXED, Sandbox, run_kernel

INDEX = {I32: np.int32, I64: np.int64}
RNG = np.random.default_rng(7)


def random_indices(shape: tuple[int, ...], size: int, dtype: DType) -> np.ndarray[Any, Any]:
    """Indices from either end."""
    return RNG.integers(-size, size, shape).astype(INDEX[dtype])


@pytest.mark.parametrize("dtype", INDEX)
@pytest.mark.parametrize("outer", [1, 3])
@pytest.mark.parametrize("inner", [1, 2, 5, 37, 300])
def test_gather(inner: int, outer: int, dtype: DType) -> None:
    source = RNG.random((outer, 9, inner), np.float32)
    indices = random_indices((7,), 9, dtype)
    spec = GatherSpec(4 if inner == 1 else 0, dtype)
    args = [np.zeros((outer, 7, inner), np.float32), source, indices, 7, 9, 4 * inner]
    out = run_kernel(emit_gather, spec, RELAXED, args, 7 * outer, output=0, shares=(2, 5))
    np.testing.assert_array_equal(out, source[:, indices])


@pytest.mark.parametrize("itemsize", [1, 2, 8])
def test_gather_by_size_of_element(itemsize: int) -> None:
    source = np.arange(11).astype({1: np.int8, 2: np.int16, 8: np.int64}[itemsize])
    indices = random_indices((20,), 11, I64)
    args = [np.zeros(20, source.dtype), source, indices, 20, 11, itemsize]
    out = run_kernel(emit_gather, GatherSpec(itemsize, I64), RELAXED, args, 20, output=0)
    np.testing.assert_array_equal(out, source[indices])


@pytest.mark.parametrize("dtype", INDEX)
@pytest.mark.parametrize("bad", [4, 1000, -5, -(2**31), 2**31 - 1])
def test_index_out_of_range(bad: int, dtype: DType) -> None:
    m = Module(1)
    m.export(emit_gather(GatherSpec(4, dtype), m, RELAXED), "kernel")
    box = Sandbox(m)
    out = box.put(np.zeros(2, np.float32))
    source = box.put(np.arange(4, dtype=np.float32) + 1)
    indices = box.put(np.array([3, bad], INDEX[dtype]))
    box.call("kernel", box.words(out, source, indices, 2, 4, 4), 0, 1, 0)
    assert box.get(STATUS_ADDRESS, np.int32, 1)[0] == 0
    box.call("kernel", box.words(out, source, indices, 2, 4, 4), 1, 2, 0)
    assert box.get(STATUS_ADDRESS, np.int32, 1)[0] == 1
    np.testing.assert_array_equal(box.get(out, np.float32, 2), [4, 1])


@pytest.mark.parametrize("dtype", INDEX)
def test_gather_elements(dtype: DType) -> None:
    """Along axis 1 of 5 x 4 x 6, for indices of 3 x 2 x 6."""
    source = RNG.random((5, 4, 6), np.float32)
    indices = random_indices((3, 2, 6), 4, dtype)
    wanted = np.take_along_axis(source[:3], indices.astype(np.int64) % 4, 1)
    args = [np.zeros((3, 2, 6), np.float32), source, indices, 4, 24, 3, 2, 6, 96, 0, 4]
    spec = GatherElementsSpec(4, dtype, 3)
    out = run_kernel(emit_gather_elements, spec, RELAXED, args, 3, output=0, shares=(1,))
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("inner", [1, 3])
@pytest.mark.parametrize("dtype", INDEX)
def test_gather_nd(dtype: DType, inner: int) -> None:
    """Two batches of 4 x 5 rows, three rows picked from each."""
    source = RNG.random((2, 4, 5, inner), np.float32)
    rows, columns = random_indices((2, 3), 4, dtype), random_indices((2, 3), 5, dtype)
    indices = np.stack([rows, columns], -1)
    wanted = source[np.arange(2)[:, None], rows, columns]
    args = [np.zeros((2, 3, inner), np.float32), source, indices]
    args += [3, 20 * inner * 4, inner * 4, 4, 5 * inner * 4, 5, inner * 4]
    spec = GatherNDSpec(4 if inner == 1 else 0, dtype, 2)
    out = run_kernel(emit_gather_nd, spec, RELAXED, args, 6, output=0, shares=(2, 4))
    np.testing.assert_array_equal(out, wanted)
