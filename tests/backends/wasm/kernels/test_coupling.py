"""Pairwise coupling of probabilities whose classes' are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.coupling import emit_coupling
from wasmkiln.program.kernels.coupling import CouplingSpec

from tests.backends.wasm.harness import TARGETS, run_kernel

Array = np.ndarray[Any, Any]


def run(pairs: Array, classes: int, target: Target, shares: tuple[int, ...] = ()) -> Array:
    out = np.zeros((len(pairs), classes), "f")
    scratch = np.zeros((2 * classes + 1) * classes, "f")
    args = [out, pairs, classes, pairs.shape[1], scratch, scratch.nbytes]
    spec = CouplingSpec()
    got: list[Array] = run_kernel(emit_coupling, spec, target, args, len(pairs), (0, 4), shares)
    return got[0]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("classes", [2, 3, 4, 7])
def test_consistent_pairs_give_back_their_probabilities(classes: int, target: Target) -> None:
    p = np.random.default_rng(classes).dirichlet(np.ones(classes) * 3, 5)
    i, j = np.triu_indices(classes, 1)
    pairs = (p[:, i] / (p[:, i] + p[:, j])).astype("f")
    got = run(pairs, classes, target, (2,))
    np.testing.assert_allclose(got.sum(1), 1, 1e-5)
    np.testing.assert_allclose(got, p, atol=0.01)  # the iteration ends early


def test_name() -> None:
    assert CouplingSpec().name == "coupling_f32"
