"""The generator against NumPy's, over several runs and more words than a refill makes."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.random import emit_draw
from wasmkiln.ops.random import _first_state
from wasmkiln.program.kernels.random import STATE_BYTES, DrawSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("count", [1, 3, 311, 312, 1001])
def test_uniform(count: int, seed: int, target: Target) -> None:
    state = np.frombuffer(_first_state(seed), np.uint8).copy()
    args = [np.zeros(count), state, count]
    generator = np.random.RandomState(seed)
    for _ in range(3):
        got, args[1] = run_kernel(emit_draw, DrawSpec("uniform"), target, args, 1, (0, 1))
        np.testing.assert_array_equal(got, generator.random_sample(count))


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("count", [1, 3, 1001])
def test_normal(count: int, target: Target) -> None:
    state = np.frombuffer(_first_state(5), np.uint8).copy()
    args = [np.zeros(count), state, count]
    generator = np.random.RandomState(5)
    for _ in range(3):
        got, args[1] = run_kernel(emit_draw, DrawSpec("normal"), target, args, 1, (0, 1))
        np.testing.assert_allclose(got, generator.standard_normal(count), 1e-13)


def test_a_state_without_a_seed_is_another_each_time() -> None:
    a, b = (_first_state(None) for _ in range(2))
    assert a != b and len(a) == len(b) == STATE_BYTES


def test_names_tell_structure() -> None:
    assert DrawSpec("normal").name == "draw_normal"
