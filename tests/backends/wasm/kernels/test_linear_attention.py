"""Panels of states in shares, with and without a past, against loops in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.linear_attention import emit_linear_attention
from wasmkiln.program.kernels.linear_attention import LinearAttentionSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("delta", [False, True])
@pytest.mark.parametrize("with_past", [False, True])
@pytest.mark.parametrize("values", [1, 4, 7])
def test_tokens(values: int, with_past: bool, delta: bool, gated: bool, target: Target) -> None:
    rng = np.random.default_rng(values)
    batch, tokens, heads, group, keys = 2, 3, 2, 2, 3
    q = rng.standard_normal((batch, tokens, heads * group, keys), np.float32)
    k = rng.standard_normal((batch, tokens, heads, keys), np.float32)
    v = rng.standard_normal((batch, tokens, heads, values), np.float32)
    past = rng.standard_normal((batch, heads, keys, values), np.float32)
    decay = rng.random((batch, tokens, heads, keys), np.float32)
    beta = rng.random((batch, tokens, heads), np.float32)
    out = np.zeros((batch, tokens, heads * group, values), np.float32)
    present, scratch = np.zeros_like(past), np.zeros(4 * keys, np.float32)
    args: list[Any] = [out, present, q, k, v, past if with_past else 0, decay, beta]
    args += [tokens, heads, group, keys, values]
    args += [4 * heads * keys, 4 * keys, 4, 4 * heads, 4, scratch, 0, 0.5]
    spec = LinearAttentionSpec(gated, delta)
    panels = batch * heads * -(-values // 4)
    got = run_kernel(emit_linear_attention, spec, target, args, panels, (0, 1, 18), (3,))
    state = past.astype(np.float64) if with_past else np.zeros(past.shape)
    for t in range(tokens):
        value = v[:, t].astype(np.float64)
        if gated:
            state = state * decay[:, t, :, :, None]
        if delta:
            value = beta[:, t, :, None] * (value - np.einsum("bhkv,bhk->bhv", state, k[:, t]))
        state = state + k[:, t, :, :, None] * value[:, :, None]
        want = 0.5 * np.einsum("bhkv,bhk->bhv", np.repeat(state, group, 1), q[:, t])
        np.testing.assert_allclose(got[0][:, t], want, 1e-4, 1e-5)
    np.testing.assert_allclose(got[1], state, 1e-4, 1e-5)


def test_names_tell_structure() -> None:
    assert LinearAttentionSpec(True, False).name == "linear_attention_gated"
