"""Attention of heads in several layouts against NumPy in f64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.attention import emit_attention
from wasmkiln.ir.expr import Expr, arg
from wasmkiln.ops.fused_attention import block_of, scratch_bytes
from wasmkiln.program.kernels.attention import AttentionSpec

from tests.backends.wasm.harness import TARGETS, run_kernel

Array = np.ndarray[Any, Any]

SCALED = arg(0) * 0.25
MASKED = arg(0) / 3.0 + arg(1)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    result: Array = e / e.sum(-1, keepdims=True)
    return result


def steps(x: Array, order: tuple[int, ...]) -> list[int]:
    return [x.strides[d] for d in order]


def run(
    target: Target,
    sizes: tuple[int, int, int, int, int, int, int],
    score: Expr | None = None,
    mask: Array | None = None,
    keys_inner: bool = False,
    shares: tuple[int, ...] = (),
) -> None:
    """q, v and out are [batch, rows, heads, size]; so is k, or [batch, heads, size, keys]."""
    batch, heads, group, queries, keys, size, value_size = sizes
    random = np.random.default_rng(queries * keys)
    q = random.normal(0, 1, (batch, queries, heads, size)).astype("f")
    k = random.normal(0, 1, (batch, keys, heads // group, size)).astype("f")
    v = random.normal(0, 1, (batch, keys, heads // group, value_size)).astype("f")
    out = np.zeros((batch, queries, heads, value_size), "f")
    wide = [np.repeat(x.astype("d"), group, 2) for x in (k, v)]
    scores = np.einsum("bqhd,bkhd->bhqk", q.astype("d"), wide[0])
    mode, operands = "", []
    if score is SCALED:
        scores = scores * 0.25
    elif mask is not None:
        scores = scores / 3 + mask
        mode = "b" if mask.shape[-1] == 1 else "c"
        operands = [mask, *(0 if d == 1 else s for d, s in zip(mask.shape, mask.strides))][:4]  # noqa: B905
    expected = np.einsum("bhqk,bkhd->bqhd", softmax(scores), wide[1])
    if keys_inner:
        k = np.ascontiguousarray(k.transpose(0, 2, 3, 1))
    block = block_of(queries, keys)
    share = scratch_bytes(block, keys, size, value_size)
    args = [
        out, q, k, v, heads, group, queries, keys, size, value_size, block, -(-queries // block),
        *steps(q, (0, 2, 1)), *steps(k, (0, 1, 2) if keys_inner else (0, 2, 1)),
        *steps(v, (0, 2, 1)), *steps(out, (0, 2, 1)), np.zeros(share, np.uint8), share, *operands,
    ]  # fmt: skip
    spec = AttentionSpec(score, mode, keys_inner)
    extent = batch * heads * -(-queries // block)
    result, _ = run_kernel(
        emit_attention, spec, target, args, extent, output=(0, 24), shares=shares
    )
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("size", [1, 5, 8, 12, 64])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 16, 33, 128])
def test_lengths(length: int, size: int, target: Target) -> None:
    run(target, (1, 3, 1, length, length, size, size), SCALED, shares=(1, 2))


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("keys_inner", [True, False])
def test_unequal_sizes_batches_and_groups(keys_inner: bool, target: Target) -> None:
    for sizes in ((2, 4, 2, 5, 11, 6, 9), (3, 2, 1, 1, 17, 8, 16), (1, 6, 3, 50, 3, 4, 1)):
        run(target, sizes, keys_inner=keys_inner, shares=(1, 3))


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 13), (2, 1, 1, 13), (1, 4, 7, 13), (2, 4, 7, 13), (1, 1, 7, 1)]
)
def test_masks(shape: tuple[int, int, int, int]) -> None:
    mask = np.random.default_rng(0).normal(0, 2, shape).astype("f")
    if shape[-1] > 1:
        mask[..., 3:] = -3.4e38
    for target in TARGETS:
        run(target, (2, 4, 1, 7, 13, 8, 8), MASKED, mask)
