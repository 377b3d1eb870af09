"""Products with weights of few bits against NumPy in f64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.nbits import emit_nbits
from wasmkiln.program.kernels.nbits import NBitsSpec

from tests.backends.wasm.harness import TARGETS, run_kernel

Array = np.ndarray[Any, Any]


def packed(codes: Array) -> Array:
    """Two 4-bit codes in a byte."""
    both: Array = codes[:, ::2] | codes[:, 1::2] << 4
    return both


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.simd)
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("own_zeros", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "blocks", "block"), [(1, 5, 1, 32), (3, 4, 3, 32), (4, 3, 2, 64), (9, 7, 1, 128)]
)
def test_products(
    m: int, n: int, blocks: int, block: int, own_zeros: bool, bits: int, target: Target
) -> None:
    random = np.random.default_rng(m + bits)
    a = random.normal(0, 1, (m, blocks * block)).astype("f")
    codes = random.integers(0, 1 << bits, (n, blocks * block), np.uint8)
    scales = random.normal(0, 1, (n, blocks)).astype("f")
    zeros = random.integers(0, 1 << bits, (n, blocks), np.uint8)
    zero = None if own_zeros else 1 << (bits - 1)
    data = packed(codes) if bits == 4 else codes
    spec = NBitsSpec(bits, zero)
    out = np.zeros((m, n), "f")
    args = [out, a, data, scales, zeros, m, blocks, block * bits // 8, 4 * a.shape[1], 4 * n]
    result = run_kernel(emit_nbits, spec, target, args, n, output=0, shares=(1, n // 2))
    off = zeros if own_zeros else np.full_like(zeros, 1 << (bits - 1))
    weights = codes.reshape(n, blocks, block).astype("d") - off[..., None]
    weights = (weights * scales[..., None]).reshape(n, -1)
    np.testing.assert_allclose(result, a.astype("d") @ weights.T, rtol=1e-4, atol=1e-3)
