"""Squared distances against NumPy in f64."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.distance import emit_distance
from wasmkiln.program.kernels.distance import DistanceSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("features", [1, 2, 3, 4, 5, 8, 17])
@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_sizes(count: int, features: int, target: Target) -> None:
    rng = np.random.default_rng(features)
    a, b = (rng.normal(100, 1, (n, features)).astype("f") for n in (6, count))
    out = np.zeros((6, count), "f")
    args = [out, a, b, count, features]
    got = run_kernel(emit_distance, DistanceSpec(), target, args, 6, 0, (1, 4))
    want = ((a.astype("d")[:, None] - b) ** 2).sum(-1)
    np.testing.assert_allclose(got, want, 1e-6)


def test_name() -> None:
    assert DistanceSpec().name == "distance_f32"
