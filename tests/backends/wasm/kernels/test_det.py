"""Determinants of matrices that need their rows exchanged, in shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.dtype import F32
from wasmkiln.ops.det import Det
from wasmkiln.program.kernels.det import DetSpec

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.lowered import run_op


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("shares", [1, 3])
def test_matrices(shares: int, n: int, dtype: Any, target: Target) -> None:
    x = np.random.default_rng(n).integers(-4, 5, (4, n, n)).astype(dtype)
    x[:, 0, 0] = 0
    got = run_op(Det(), [x], target, shares)
    np.testing.assert_allclose(got, np.linalg.det(x), 1e-5, 1e-6 * 4**n)


def test_names_tell_structure() -> None:
    assert DetSpec(F32).name == "det_f32"
