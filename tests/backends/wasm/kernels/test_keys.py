"""Keys found by bisection, against Python's index."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.keys import emit_keys
from wasmkiln.ir.dtype import F32, F64, I16, I64, U64, DType
from wasmkiln.program.kernels.keys import KeysSpec

from tests.backends.wasm.harness import TARGETS, run_kernel


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("dtype", [F32, F64, I16, I64, U64])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 13])
def test_dtypes(count: int, dtype: DType, target: Target) -> None:
    low = 0 if dtype == U64 else -20
    rng = np.random.default_rng(count)
    listed = rng.permutation(np.arange(low, 20))[:count].astype(dtype.full)
    order = np.argsort(listed)
    keys, places = listed[order], order.astype("i4")
    x = np.arange(low, 20).astype(dtype.full)
    out = np.zeros(len(x), "i8")
    one = np.zeros(1, "i4")  # so that no array is empty
    args = [out, x, np.append(keys, x[:1]), np.append(places, one), count, 77, 78]
    got = run_kernel(emit_keys, KeysSpec(dtype), target, args, len(x), 0, (1, 9))
    found = listed.tolist()
    want = [found.index(v) if v in found else 77 for v in x.tolist()]
    np.testing.assert_array_equal(got, want)


def test_nan_has_a_place_of_its_own() -> None:
    x = np.array([np.nan, 1, -0.0], "f")
    args = [np.zeros(3, "i8"), x, np.array([0, 2], "f"), np.array([5, 6], "i4"), 2, 77, 78]
    got = run_kernel(emit_keys, KeysSpec(F32), TARGETS[0], args, 3, 0)
    np.testing.assert_array_equal(got, [78, 77, 5])


def test_names_tell_structure() -> None:
    assert KeysSpec(I64).name == "keys_i64"
