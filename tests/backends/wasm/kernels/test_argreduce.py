"""ArgMax and ArgMin against NumPy, with ties, over dtypes and sizes."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.wasm.kernels.argreduce import emit_argreduce
from wasmkiln.ir.dtype import BY_NAME
from wasmkiln.program.kernels.argreduce import ArgReduceSpec

from tests.backends.wasm.harness import RELAXED, run_kernel


@pytest.mark.parametrize("dtype", ["f32", "f64", "i32", "i64", "u8", "i8", "u32"])
@pytest.mark.parametrize("inner", [1, 2, 5, 16, 19])
@pytest.mark.parametrize("r", [1, 2, 7, 16, 33])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("fold", ["max", "min"])
def test_index(fold: str, last: bool, r: int, inner: int, dtype: str) -> None:
    t = BY_NAME[dtype]
    x = np.random.default_rng(r).integers(0, 4, (3, r, inner))
    if t.kind == "u":
        x = x << (t.bits - 2)  # beyond the signed range
    elif t.kind != "b":
        x = x - 2
    x = x.astype(t.full)
    find = np.argmax if fold == "max" else np.argmin
    expected = r - 1 - find(x[:, ::-1], 1) if last else find(x, 1)
    out = run_kernel(
        emit_argreduce,
        ArgReduceSpec(fold, last, t),  # type: ignore[arg-type]
        RELAXED,
        [np.zeros((3, inner), "i8"), x, r, inner],
        3 * inner,
        output=0,
        shares=(inner,),
    )
    np.testing.assert_array_equal(out, expected)
