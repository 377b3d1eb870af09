"""Running sums along strided lines, in both directions, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.cumulative import emit_cumulative
from wasmkiln.ir.dtype import F32, I32, I64, DType
from wasmkiln.program.kernels.cumulative import CumulativeSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", [F32, I32, I64])
@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize(("outer", "r", "inner"), [(1, 1, 1), (3, 7, 1), (2, 13, 5)])
def test_lines(
    outer: int, r: int, inner: int, backward: bool, exclusive: bool, dtype: DType, target: Target
) -> None:
    x = np.random.default_rng(r).integers(-9, 9, (outer, r, inner)).astype(dtype.full)
    step = inner * dtype.itemsize
    way = [step * (r - 1), -step] if backward else [0, step]
    args = [np.zeros_like(x), x, r, inner, *way]
    spec = CumulativeSpec(dtype, exclusive)
    lines = outer * inner
    got = run_kernel(emit_cumulative, spec, target, args, lines, 0, (1,) if lines > 1 else ())
    turned = x[:, ::-1] if backward else x
    want = np.cumsum(turned, 1) - (turned if exclusive else 0)
    np.testing.assert_array_equal(got, want[:, ::-1] if backward else want)


@pytest.mark.parametrize("exclusive", [True, False])
def test_products(exclusive: bool) -> None:
    x = np.random.default_rng(0).integers(-3, 4, (2, 5, 3)).astype(np.int32)
    args = [np.zeros_like(x), x, 5, 3, 0, 12]
    spec = CumulativeSpec(I32, exclusive, "mul")
    got = run_kernel(emit_cumulative, spec, TARGETS[0], args, 6, 0, (2,))
    want = np.cumprod(x, 1)
    if exclusive:
        want = np.concatenate([np.ones_like(x[:, :1]), want[:, :-1]], 1)
    np.testing.assert_array_equal(got, want)


def test_names_tell_structure() -> None:
    assert CumulativeSpec(F32, True).name == "cumulative_add_f32_exclusive"
