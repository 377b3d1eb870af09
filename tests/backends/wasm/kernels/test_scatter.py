"""Kernels that place by index, against NumPy, with and without a reduction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.scatter import emit_scatter_elements, emit_scatter_nd
from wasmkiln.ir.dtype import F32, I32, I64, DType
from wasmkiln.ir.expr import Expr, arg
from wasmkiln.program.kernels.scatter import ScatterElementsSpec, ScatterNDSpec

from tests.backends.wasm.harness import TARGETS, run_kernel

INDEX = {I32: np.int32, I64: np.int64}
RNG = np.random.default_rng(14)
SUM = arg(0, F32) + arg(1, F32)


def random(*shape: int) -> np.ndarray[Any, Any]:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("reduce", [None, SUM], ids=["none", "add"])
@pytest.mark.parametrize("dtype", INDEX)
def test_scatter_elements(dtype: DType, reduce: Expr | None, target: Target) -> None:
    """Along axis 0 of 5 x 6, for updates of 3 x 4."""
    data, updates = random(5, 6), random(3, 4)
    indices = np.array([[0, -1, 2, 3], [1, 2, -2, 3], [0, 0, 1, 3]]).astype(INDEX[dtype])
    wanted = data.copy()
    for i in range(3):
        for j in range(4):
            old = wanted[indices[i, j], j] if reduce else 0
            wanted[indices[i, j], j] = old + updates[i, j]
    args = [data, updates, indices, 5, 24, 3, 4, 0, 4]
    spec = ScatterElementsSpec(4, dtype, 2, reduce)
    out = run_kernel(emit_scatter_elements, spec, target, args, 3, output=0, shares=(1,))
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("reduce", [None, SUM], ids=["none", "add"])
@pytest.mark.parametrize("inner", [1, 3, 4, 37, 300])
def test_scatter_nd(inner: int, reduce: Expr | None) -> None:
    data, updates = random(4, 5, inner), random(3, inner)
    indices = np.array([[1, 2], [-1, 0], [1, 2]])
    wanted = data.copy()
    for row, (i, j) in enumerate(indices):
        wanted[i, j] = (wanted[i, j] if reduce else 0) + updates[row]
    args = [data, updates, indices, inner * 4, 4, 5 * inner * 4, 5, inner * 4]
    spec = ScatterNDSpec(4, I64, 2, reduce)
    out = run_kernel(emit_scatter_nd, spec, TARGETS[0], args, 3, output=0, shares=(2,))
    np.testing.assert_array_equal(out, wanted)
