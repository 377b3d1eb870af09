"""The k best elements of lines: sizes, strides and shares against NumPy's stable sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.sort import emit_topk
from wasmkiln.ir.dtype import F32, I8, U64, DType
from wasmkiln.program.kernels.sort import TopKSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


def topk(
    x: Any, k: int, dtype: DType, largest: bool, target: Target, shares: tuple[int, ...]
) -> list[Any]:
    """Values and indices of x [outer, R, inner]."""
    outer, r, inner = x.shape
    values = np.zeros((outer, k, inner), x.dtype)
    indices = np.zeros((outer, k, inner), np.int64)
    heap = np.zeros(16 * -(-k // 16), np.int32)
    args = [values, indices, x, r, k, inner, heap, heap.nbytes]
    spec = TopKSpec(dtype, largest)
    got: list[Any] = run_kernel(emit_topk, spec, target, args, outer * inner, (0, 1, 6), shares)
    return got[:2]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", [F32, I8, U64])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("outer", "r", "inner"), [(1, 1, 1), (3, 7, 1), (2, 40, 3)])
def test_lines(outer: int, r: int, inner: int, largest: bool, dtype: DType, target: Target) -> None:
    low = 0 if dtype == U64 else -20
    x = np.random.default_rng(r).integers(low, 20, (outer, r, inner)).astype(dtype.full)
    keys = -x.astype(np.int64) if largest else x
    for k in sorted({1, r // 2 or 1, r}):
        shares = (1,) if outer * inner > 1 else ()
        values, indices = topk(x, k, dtype, largest, target, shares)
        want = np.argsort(keys, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(indices, want)
        np.testing.assert_array_equal(values, np.take_along_axis(x, want, 1))


def test_names_tell_structure() -> None:
    assert TopKSpec(F32, True).name == "topk_f32_largest"
