"""Transforms of lines by each kind of pass, in shares, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.fft import emit_fft
from wasmkiln.ir.dtype import F32, F64, DType
from wasmkiln.ops.fft import _factors
from wasmkiln.program.kernels.fft import FftSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 11, 24, 49, 60, 256])
def test_lines(n: int, inverse: bool, dtype: DType, target: Target) -> None:
    x = np.random.default_rng(n).standard_normal((3, n, 2))
    numbers = x.astype(dtype.full)
    roots = np.exp(-2j * np.pi * np.arange(n) / n).view(np.float64).astype(dtype.full)
    factors = np.array(_factors(n) or [0], np.int32)
    scratch = np.zeros_like(numbers[0])
    count = len(_factors(n))
    args = [np.zeros_like(numbers), numbers, roots, factors, count, n, scratch, 0]
    got, _ = run_kernel(emit_fft, FftSpec(dtype, inverse), target, args, 3, (0, 6), (1,))
    z = numbers.astype(np.float64).view(np.complex128)[..., 0]
    want = np.fft.ifft(z, axis=1) * n if inverse else np.fft.fft(z, axis=1)
    tolerance = 1e-5 if dtype == F32 else 1e-13
    np.testing.assert_allclose(got[..., 0] + 1j * got[..., 1], want, 0, tolerance * n**0.5)


@pytest.mark.parametrize("n", [1, 6, 97, 1024, 3 * 5 * 7 * 8])
def test_factors(n: int) -> None:
    assert np.prod(_factors(n)) == n


def test_names_tell_structure() -> None:
    assert FftSpec(F32, True).name == "fft_f32_inverse"
