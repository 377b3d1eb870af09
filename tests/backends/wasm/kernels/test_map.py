"""map kernels against plain Python's evaluation of the same expression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.map import emit_map
from wasmkiln.ir.dtype import (
    BF16,
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    DType,
)  # fmt: skip
from wasmkiln.ir.evaluate import evaluate
from wasmkiln.ir.expr import Expr, arg, call, cast, select
from wasmkiln.program.kernels.map import MapSpec

from tests.backends.wasm.harness import TARGETS, run_kernel

SIZES = [1, 3, 4, 5, 15, 16, 17, 31, 67]
NUMPY = {d: np.dtype(d.full if d not in (BF16, BOOL) else {BF16: "u2", BOOL: "?"}[d]) for d in (
    BF16, BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64
)}  # fmt: skip


def numbers(dtype: DType, n: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == BOOL:
        return rng.integers(0, 2, n).astype("?")
    if dtype == BF16:
        return (rng.normal(0, 3, n).astype("f4").view("u4") >> 16).astype("u2")
    if dtype.is_float:
        return rng.normal(0, 3, n).astype(NUMPY[dtype])
    return rng.integers(0 if dtype.kind == "u" else -50, 50, n).astype(NUMPY[dtype])


def reference(expr: Expr, columns: Sequence[np.ndarray]) -> list[int | float]:
    rows = zip(
        *(np.broadcast_to(c, columns[0].shape).reshape(-1).tolist() for c in columns), strict=True
    )
    return [evaluate(expr, row) for row in rows]


def run(
    spec: MapSpec, target: Target, words: Sequence[object], extent: int, shares: Sequence[int] = ()
) -> np.ndarray:
    result: np.ndarray = run_kernel(emit_map, spec, target, words, extent, 0, shares)
    return result


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shares", [(), (16,)])
def test_contiguous_rows_of_any_length(n: int, target: Target, shares: tuple[int, ...]) -> None:
    a, b = numbers(F32, n, 1), numbers(F32, n, 2)
    spec = MapSpec(arg(0) * arg(1) + 1.0, (F32, F32), F32, 1, ("c", "c"))
    got = run(spec, target, [np.zeros(n, "f4"), a, b, n], n, [s for s in shares if s < n])
    np.testing.assert_allclose(got, a * b + 1, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_the_rest_of_a_row_has_the_bits_that_whole_vectors_give(n: int) -> None:
    a = numbers(F32, 80)
    spec = MapSpec(call("tanh", arg(0)), (F32,), F32, 1, ("c",))
    whole = run(spec, TARGETS[0], [np.zeros(80, "f4"), a, 80], 80)
    part = run(spec, TARGETS[0], [np.zeros(n, "f4"), a, n], n)
    assert part.tobytes() == whole[:n].tobytes()


DTYPES = [BOOL, I8, U8, I16, U16, I32, U32, I64, U64, F16, BF16, F32, F64]


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 37])
def test_elements_of_every_dtype(source: DType, target: DType, n: int) -> None:
    values = numbers(source, n)
    spec = MapSpec(cast(arg(0, source), target), (source,), target, 1, ("c",))
    got = run(spec, TARGETS[0], [np.zeros(n, NUMPY[target]), values, n], n)
    wide = (values.astype("u4") << 16).view("f4") if source == BF16 else values
    want: object = reference(cast(arg(0, source), target), [wide])
    if target == BF16:
        want = (np.array(want, "f4").view("u4") >> 16).astype("u2")
    assert got.tolist() == np.array(want, NUMPY[target]).tolist()


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.is_int or d in (F32, F64)])
def test_narrow_arithmetic_wraps(dtype: DType) -> None:
    a, b = numbers(dtype, 21, 1), numbers(dtype, 21, 2)
    spec = MapSpec(arg(0, dtype) * arg(1, dtype), (dtype, dtype), dtype, 1, ("c", "c"))
    got = run(spec, TARGETS[0], [np.zeros(21, NUMPY[dtype]), a, b, 21], 21)
    np.testing.assert_array_equal(got, a * b)


@pytest.mark.parametrize("target", TARGETS)
def test_choice_by_a_mask(target: Target) -> None:
    n = 23
    mask, a = numbers(BOOL, n), numbers(F32, n)
    expr = select(arg(0, BOOL), arg(1), arg(2))
    spec = MapSpec(expr, (BOOL, F32, F32), F32, 1, ("c", "c", "b"))
    got = run(spec, target, [np.zeros(n, "f4"), mask, a, np.array([7], "f4"), n], n)
    np.testing.assert_array_equal(got, np.where(mask, a, np.float32(7)))


@pytest.mark.parametrize("dtype", [F32, U8, BOOL, F16, I64])
@pytest.mark.parametrize("inner", ["cc", "cb", "bc", "bb", "cs", "ss"])
@pytest.mark.parametrize("n", [1, 6, 18])
def test_inner_dimensions_may_repeat_or_stride(dtype: DType, inner: str, n: int) -> None:
    op = "or" if dtype == BOOL else "add"
    expr = call(op, arg(0, dtype), arg(1, dtype))
    spec = MapSpec(expr, (dtype, dtype), dtype, 1, tuple(inner))
    memory = [numbers(dtype, 3 * n + 1, s) for s in (1, 2)]
    views = {"c": lambda x: x[:n], "b": lambda x: x[:1], "s": lambda x: x[: 3 * n : 3]}
    strides = [3 * dtype.itemsize for k in inner if k == "s"]
    words = [np.zeros(n, NUMPY[dtype]), *memory, n, *strides]
    a, b = (np.broadcast_to(views[k](x), n) for k, x in zip(inner, memory, strict=True))
    np.testing.assert_array_equal(
        run(spec, TARGETS[0], words, n), a | b if dtype == BOOL else a + b
    )


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 17), (2, 1, 3, 4), (3, 2, 2, 2, 5)])
@pytest.mark.parametrize("dtype", [F32, I64, U8])
@pytest.mark.parametrize("shares", [(), (1,)])
def test_broadcasting_over_any_rank(
    shape: tuple[int, ...], dtype: DType, shares: tuple[int, ...]
) -> None:
    rank = len(shape)
    full = numbers(dtype, int(np.prod(shape))).reshape(shape)
    odd = numbers(dtype, 1 << 8, 2)[: int(np.prod(shape[1::2]))].reshape(
        [s if d % 2 else 1 for d, s in enumerate(shape)]
    )
    column = numbers(dtype, shape[0], 3).reshape([shape[0]] + [1] * (rank - 1))
    arrays = [full, odd, column]
    expr = arg(0, dtype) + arg(1, dtype) * arg(2, dtype)
    strides = [0 if a.shape[d] == 1 else a.strides[d] for a in arrays for d in range(rank - 1)]
    inner = tuple("c" if a.shape[-1] == shape[-1] else "b" for a in arrays)
    spec = MapSpec(expr, (dtype,) * 3, dtype, rank, inner)
    words = [np.zeros(shape, NUMPY[dtype]), *arrays, *shape, *strides]
    got = run(spec, TARGETS[0], words, shape[0], shares)
    np.testing.assert_allclose(got, full + odd * column, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n", [5, 16, 43])
def test_the_output_may_be_an_input(target: Target, n: int) -> None:
    a, b = numbers(F32, n), numbers(F32, n, 2)
    spec = MapSpec(arg(0) * 2.0 + arg(1), (F32, F32), F32, 1, ("c", "c"))

    words = [a.copy(), None, b, n]
    words[1] = words[0]
    got = run(spec, target, words, n)
    np.testing.assert_allclose(got, a * 2 + b, rtol=1e-6, atol=1e-6)
