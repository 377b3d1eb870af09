"""Products with packed panels: odd sizes, tails, batches, epilogues, both splits, one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels import gemm
from wasmkiln.ir.dtype import I16
from wasmkiln.ir.expr import Expr, arg, call, cast, clamp
from wasmkiln.program.kernels.finish import Finish
from wasmkiln.program.kernels.gemm import GemmSpec
from wasmkiln.record import replace

from tests.backends.wasm.harness import TARGETS, run_kernel
from tests.backends.wasm.kernels.matrices import panels_of

RELU6 = clamp(arg(0), 0.0, 6.0)
RESIDUAL = arg(0) + arg(1)
SCALED = (arg(0) + arg(1)) * arg(2)
SWISH = (arg(0) + arg(1)) / (call("exp", -(arg(0) + arg(1))) + 1.0)

TILE = 6 * 8 * 4


def run_gemm(
    target: Target,
    finish: Finish,
    a: Any,
    b: Any,
    bias: Any = None,
    operands: tuple[Any, ...] = (),
    by_panels: bool = False,
    block: int = 0,
    shares: tuple[int, ...] = (),
) -> Any:
    """The kernel's product of batches a [G, M, K] and b [G, K, N]."""
    batch, m, k = a.shape
    n = b.shape[2]
    panels = -(-n // 8)
    packed = panels_of(b)
    out = np.zeros((batch, m, n), np.float32)
    spec = GemmSpec(finish, single_row=m == 1)
    args = [out, 0 if bias is None else bias, k, 4 * k, 4 * n, n, 0, 0, *operands]
    args += [a, packed, m, panels, block or m, int(by_panels)]
    args += [4 * m * k, packed[0].nbytes, 4 * m * n, 0, np.zeros(TILE // 4, np.float32), TILE]
    units = batch * (panels if by_panels else m)
    scratch = len(args) - 2
    inner = tuple(s for s in shares if s < units)
    result = run_kernel(gemm.emit_gemm, spec, target, args, units, (0, scratch), inner)
    return result[0]


def expected(
    finish: Finish, a: Any, b: Any, bias: Any = None, operands: tuple[Any, ...] = ()
) -> Any:
    """The same by NumPy in double precision."""
    total = a.astype(np.float64) @ b.astype(np.float64)
    if bias is not None:
        total = total + bias
    if finish.epilogue == RELU6:
        return np.clip(total, 0, 6)
    if finish.epilogue == RESIDUAL:
        return total + operands[0]
    if finish.epilogue == SWISH:
        x = total + operands[0]
        return x / (1 + np.exp(-x))
    if finish.epilogue == SCALED:
        return (total + operands[0]) * operands[1]
    return total


def random(*shape: int) -> Any:
    """Reproducible values around 0."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("m", [1, 2, 5, 6, 7, 13])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 37])
@pytest.mark.parametrize("k", [1, 4, 5, 19])
def test_sizes(target: Target, m: int, n: int, k: int) -> None:
    a, b = random(1, m, k), random(1, k, n)
    got = run_gemm(target, Finish(), a, b, shares=(2,))
    np.testing.assert_allclose(got, expected(Finish(), a, b), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("by_panels", [False, True])
@pytest.mark.parametrize("m", [1, 17])
@pytest.mark.parametrize("shares", [(), (1,), (3, 4), (5, 9)])
def test_batches_and_shares(by_panels: bool, m: int, shares: tuple[int, ...]) -> None:
    a, b = random(3, m, 10), random(3, 10, 21)
    for block in (m, 4):
        got = run_gemm(TARGETS[0], Finish(), a, b, by_panels=by_panels, block=block, shares=shares)
        np.testing.assert_allclose(got, expected(Finish(), a, b), rtol=1e-5, atol=1e-5)


def finishes(m: int, n: int) -> list[tuple[Finish, tuple[Any, ...]]]:
    """Each kind of operand, with its values."""
    full, column, scalar = random(m, n), random(n), random(1)
    return [
        (Finish(True, RELU6), ()),
        (Finish(False, RESIDUAL, ("full",)), (full,)),
        (Finish(True, SCALED, ("column", "full")), (column, full)),
        (Finish(True, SCALED, ("full", "scalar")), (full, scalar)),
        (Finish(True, SWISH, ("full",)), (full,)),
        (Finish(False, SWISH, ("column",)), (column,)),
    ]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("case", range(6))
@pytest.mark.parametrize(("m", "n"), [(1, 45), (7, 12)])
def test_finish(target: Target, case: int, m: int, n: int) -> None:
    a, b, bias = random(1, m, 9), random(1, 9, n), random(n)
    finish, operands = finishes(m, n)[case]
    got = run_gemm(target, finish, a, b, bias if finish.bias else None, operands)
    want = expected(finish, a, b, bias if finish.bias else None, operands)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def pairs_of(b: Any) -> Any:
    """[K, N] integers as panels of pairs along K: [P, ceil(K / 2), 8, 2]."""
    k, n = b.shape
    wide = np.zeros((-(-k // 2) * 2, -(-n // 8) * 8), np.int16)
    wide[:k, :n] = b
    pairs = wide.reshape(len(wide) // 2, 2, -1, 8).transpose(2, 0, 3, 1)
    return np.ascontiguousarray(pairs)


def run_integers(
    target: Target, finish: Finish, a: Any, b: Any, operands: tuple[Any, ...], shares: Any = ()
) -> Any:
    """The kernel's product of i16 matrices."""
    (m, k), n = a.shape, b.shape[1]
    panels = -(-n // 8)
    size = 2 if finish.narrow else 4
    out = np.zeros((m, n), np.int16 if finish.narrow else np.float32)
    spec = GemmSpec(finish, single_row=m == 1, integer=True)
    args = [out, 0, -(-k // 2), 2 * k, size * n, n, 0, 0, *operands]
    args += [
        np.append(a, np.full((1, k), 77, np.int16), 0),
        pairs_of(b),
        m,
        panels,
        max(1, m - 1),
        0,
    ]
    args += [0, 0, 0, 0, np.zeros(TILE // 4, np.float32), TILE]
    inner = tuple(s for s in shares if s < m)
    return run_kernel(gemm.emit_gemm, spec, target, args, m, (0, len(args) - 2), inner)[0]


STEPS = cast(clamp(call("round", arg(0) * arg(1)), -100, 155), I16)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("m", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("n", [1, 8, 21, 40])
@pytest.mark.parametrize("k", [1, 2, 7, 24])
def test_integers(target: Target, m: int, n: int, k: int) -> None:
    rng = np.random.default_rng((m, n, k))
    a = rng.integers(-255, 256, (m, k)).astype(np.int16)
    b = rng.integers(-255, 256, (k, n)).astype(np.int16)
    sums = a.astype(np.int64) @ b
    got = run_integers(target, Finish(), a, b, (), shares=(2,))
    np.testing.assert_array_equal(got, sums)
    if n % 8 == 0:
        scales = rng.random(n, np.float32) / 1000
        narrow = Finish(False, STEPS, ("column",))
        want = np.clip(np.round(sums.astype(np.float32) * scales), -100, 155)
        np.testing.assert_array_equal(run_integers(target, narrow, a, b, (scales,)), want)


def test_large_sums_of_integers_are_exact() -> None:
    a = np.full((4, 601), 255, np.int16)
    b = np.full((601, 8), -127, np.int16)
    b[0] = 1
    got = run_integers(TARGETS[0], Finish(), a, b, ())
    np.testing.assert_array_equal(got, np.float32(255 - 600 * 255 * 127))


def test_names_tell_structure() -> None:
    spec = GemmSpec(Finish(True, Expr("neg", (arg(0),), arg(0).dtype)))
    assert spec.name == "gemm_f32_6x8_bias_neg"
    assert replace(spec, single_row=True).name == "gemm_f32_1x32_bias_neg"
