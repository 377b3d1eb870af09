"""`run`: shares of each thread, order of steps, and the barrier."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm import asm as w
from wasmkiln.backends.wasm import runtime
from wasmkiln.backends.wasm.asm import i32
from wasmkiln.backends.wasm.function import Function
from wasmkiln.backends.wasm.loops import kernel, load_args
from wasmkiln.backends.wasm.module import Module
from wasmkiln.backends.wasm.runtime import emit_run

from tests.backends.wasm.harness import Sandbox

THREADED = Target(threads=True)
SINGLE = Target(threads=False)


def new_module(target: Target) -> Module:
    return Module(4, 4, shared=target.threads)


def emit_stamp(m: Module) -> Function:
    """out[i] = 100 * thread + i in [begin, end); and calls += 1."""
    f = kernel(m, "stamp")
    (out, calls) = load_args(f, "out calls")
    _, begin, end, thread = f.params
    i = f.local(i32)
    with f.for_range(i, begin, end):
        f.i32_store(out + 4 * i, 100 * thread + i)
    f.drop(w.i32_atomic_rmw_add(calls, 1) if m.shared else w.i32_const(0))
    return f


def emit_rotate(m: Module) -> Function:
    """dst[i] = src[(i + 1) % n] + 1, after `delay * thread` turns of nothing."""
    f = kernel(m, "rotate")
    dst, src, n, delay = load_args(f, "dst src n delay")
    _, begin, end, thread = f.params
    i = f.local(i32)
    with f.for_range(i, 0, f.let(delay * thread)):
        f.drop(w.i32_atomic_load(512) if m.shared else w.i32_load(512))
    with f.for_range(i, begin, end):
        f.i32_store(dst + 4 * i, w.i32_load(src + 4 * ((i + 1) % n)) + 1)
    return f


def records(box: Sandbox, *steps: tuple[int, ...]) -> int:
    """A table; steps without a unit have one of 1."""
    return box.words(*[word for step in steps for word in (*step, 1)[:6]])


SIZES = [
    (1, 1, 1),
    (5, 1, 1),
    (64, 16, 16),
    (67, 16, 1),
    (67, 30, 16),
    (0, 4, 4),
    (3, 8, 8),
    (9, 2, 6),
]


@pytest.mark.parametrize(("extent", "grain", "unit"), SIZES)
@pytest.mark.parametrize("threads", [1, 2, 3, 4, 7])
def test_shares_are_even_and_cover_the_extent(
    extent: int, grain: int, unit: int, threads: int
) -> None:
    m = new_module(THREADED)
    index = m.table_index(emit_stamp(m))
    emit_run(m, THREADED)
    box = Sandbox(m)
    out, calls = box.put(np.full(extent + 1, -1, "i4")), box.put(np.zeros(1, "i4"))
    table = records(box, (index, box.words(out, calls), extent, grain, 0, unit))
    box.call_threads("run", threads, table, 0, 1)
    units, shares = -(-extent // unit), min(threads, -(-extent // grain))
    expected, used = np.full(extent + 1, -1), 0
    for t in range(shares):
        begin, end = (unit * (units * (t + k) // shares) for k in (0, 1))
        end = min(end, extent)
        expected[begin:end] = 100 * t + np.arange(begin, end)
        used += begin < end
    assert box.get(out, "i4", extent + 1).tolist() == expected.tolist()
    assert box.get(calls, "i4", 1)[0] == used


def rotations(box: Sandbox, index: int, n: int, steps: int, delay: int) -> tuple[int, int]:
    """A table where each step reads what other threads wrote in the one before."""
    buffers = [box.put(np.arange(n, dtype="i4")), box.put(np.zeros(n, "i4"))]
    args = [box.words(buffers[1 - k], buffers[k], n, delay) for k in (0, 1)]
    table = records(box, *[(index, args[k % 2], n, 1, int(k > 0)) for k in range(steps)])
    return table, buffers[steps % 2]


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("generation", [0, 2**32 - 20])
def test_barriers_order_dependent_steps(threads: int, generation: int) -> None:
    m = new_module(THREADED)
    index = m.table_index(emit_rotate(m))
    emit_run(m, THREADED)
    box = Sandbox(m)
    box.view()[runtime.GENERATION :][:4] = np.array([generation], "<u4").view("u1")
    n, steps = 13, 400
    table, result = rotations(box, index, n, steps, 0)
    for _ in range(2):
        box.call_threads("run", threads, table, 0, steps)
    expected = (np.arange(n) + 2 * steps) % n + 2 * steps
    assert box.get(result, "i4", n).tolist() == expected.tolist()
    arrived, seen, sleepers = box.get(runtime.SYNC, "<u4", 3)
    assert (arrived, sleepers) == (0, 0)
    assert seen == (generation + 2 * (steps - 1) * (threads > 1)) % 2**32


def test_threads_that_wait_long_fall_asleep_and_are_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "SPINS", 1)
    m = new_module(THREADED)
    index = m.table_index(emit_rotate(m))
    emit_run(m, THREADED)
    box = Sandbox(m)
    n, steps = 8, 60
    table, result = rotations(box, index, n, steps, 20_000)
    box.call_threads("run", 4, table, 0, steps)
    assert box.get(result, "i4", n).tolist() == ((np.arange(n) + steps) % n + steps).tolist()
    assert box.get(runtime.SLEEPERS, "i4", 1)[0] == 0


@pytest.mark.parametrize("target", [SINGLE, THREADED])
def test_a_part_of_the_table_runs_on_one_thread(target: Target) -> None:
    m = new_module(target)
    index = m.table_index(emit_rotate(m))
    emit_run(m, target)
    box = Sandbox(m)
    table, result = rotations(box, index, 5, 4, 0)
    for k in range(4):
        box.call("run", table, k, 1, 0, 1)
    box.call("run", table, 4, 0, 0, 1)
    assert box.get(result, "i4", 5).tolist() == [8, 4, 5, 6, 7]


def test_without_threads_nothing_is_atomic() -> None:
    m = new_module(SINGLE)
    emit_run(m, SINGLE)
    assert [f.name for f in m.functions] == ["run"]
