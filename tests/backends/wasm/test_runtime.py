"""`run`: the shares that threads claim, the order of steps, and threads that come late."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm import asm as w
from wasmkiln.backends.wasm import runtime
from wasmkiln.backends.wasm.asm import i32
from wasmkiln.backends.wasm.function import Function
from wasmkiln.backends.wasm.loops import kernel, load_args
from wasmkiln.backends.wasm.module import Module
from wasmkiln.backends.wasm.runtime import MOST_SHARES, emit_run

from tests.backends.wasm.harness import Sandbox

THREADED = Target(threads=True)
SINGLE = Target(threads=False)


def new_module(target: Target) -> Module:
    return Module(4, 4, shared=target.threads)


def emit_stamp(m: Module) -> Function:
    """out[i] += begin + 1 in [begin, end); and calls += 1."""
    f = kernel(m, "stamp")
    (out, calls) = load_args(f, "out calls")
    _, begin, end, _ = f.params
    i = f.local(i32)
    with f.for_range(i, begin, end):
        f.i32_store(out + 4 * i, w.i32_load(out + 4 * i) + begin + 1)
    f.drop(w.i32_atomic_rmw_add(calls, 1) if m.shared else w.i32_const(0))
    return f


def emit_order(m: Module) -> Function:
    """out[calls] = begin; calls += 1."""
    f = kernel(m, "order")
    (out, calls) = load_args(f, "out calls")
    f.i32_store(out + 4 * w.i32_atomic_rmw_add(calls, 1), f.params[1])
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


def rotated(n: int, steps: int) -> list[int]:
    """What so many steps of `rotate` make of 0, 1, 2 …"""
    numbers: list[int] = ((np.arange(n) + steps) % n + steps).tolist()
    return numbers


def signed(word: int) -> int:
    """As an i32."""
    return (word + 2**31) % 2**32 - 2**31


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


def shares_of(extent: int, grain: int, unit: int, threads: int) -> list[tuple[int, int]]:
    """Begin and end of the shares of a step that aren't empty."""
    units, shares = -(-extent // unit), max(1, min(threads, -(-extent // grain), MOST_SHARES))
    bounds = [min(unit * (units * s // shares), extent) for s in range(shares + 1)]
    return [(begin, end) for begin, end in pairwise(bounds) if begin < end]


@pytest.mark.parametrize(("extent", "grain", "unit"), SIZES)
@pytest.mark.parametrize("threads", [1, 2, 3, 4, 7, 40])
@pytest.mark.parametrize("alone", [False, True])
def test_shares_are_even_and_each_is_run_once(
    extent: int, grain: int, unit: int, threads: int, alone: bool
) -> None:
    m = new_module(THREADED)
    index = m.table_index(emit_stamp(m))
    emit_run(m, THREADED)
    box = Sandbox(m)
    out, calls = box.put(np.zeros(extent + 1, "i4")), box.put(np.zeros(1, "i4"))
    table = records(box, (index, box.words(out, calls), extent, grain, 0, unit))
    box.run_threads(threads, table, 1, late=dict.fromkeys(range(1, threads), -1) if alone else {})
    shares = shares_of(extent, grain, unit, threads)
    expected = np.zeros(extent + 1)
    for begin, end in shares:
        expected[begin:end] = 1 + begin
    assert box.get(out, "i4", extent + 1).tolist() == expected.tolist()
    assert box.get(calls, "i4", 1)[0] == len(shares)


def test_a_thread_takes_its_own_share_first() -> None:
    m = new_module(THREADED)
    index = m.table_index(emit_order(m))
    emit_run(m, THREADED)
    box = Sandbox(m)
    for thread in range(4):
        out = box.put(np.zeros(4, "i4"))
        table = records(box, (index, box.words(out, box.put(np.zeros(1, "i4"))), 4, 1, 0))
        box.call("run", table, 0, 1, thread, 4, thread)
        others = [t for t in range(4) if t != thread]
        assert box.get(out, "i4", 4).tolist() == [thread, *others]


def rotations(box: Sandbox, index: int, n: int, steps: int, delay: int) -> tuple[int, int]:
    """A table where each step reads what other threads wrote in the one before."""
    buffers = [box.put(np.arange(n, dtype="i4")), box.put(np.zeros(n, "i4"))]
    args = [box.words(buffers[1 - k], buffers[k], n, delay) for k in (0, 1)]
    table = records(box, *[(index, args[k % 2], n, 1, int(k > 0)) for k in range(steps)])
    return table, buffers[steps % 2]


def rotator(pages: int = 4) -> tuple[Sandbox, int]:
    """A module with the kernel that rotates, and its index."""
    m = Module(pages, pages, shared=True)
    index = m.table_index(emit_rotate(m))
    emit_run(m, THREADED)
    return Sandbox(m), index


def begin_at(box: Sandbox, epoch: int) -> None:
    """Let it seem as if so many steps had been run."""
    box.view()[runtime.CLAIMS :][:8] = np.array([epoch << 32], "<u8").view("u1")
    box.view()[runtime.DONE :][:4] = np.array([epoch * MOST_SHARES % 2**32], "<u4").view("u1")


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("epoch", [0, 2**27 - 20, 2**32 - 20, 2**31 - 20])
def test_dependent_steps_are_in_order(threads: int, epoch: int) -> None:
    box, index = rotator()
    begin_at(box, epoch)
    n, steps = 13, 400
    table, result = rotations(box, index, n, steps, 0)
    for k in range(2):
        box.run_threads(threads, table, steps, signed(epoch + k * steps))
    expected = (np.arange(n) + 2 * steps) % n + 2 * steps
    assert box.get(result, "i4", n).tolist() == expected.tolist()
    done, sleepers = box.get(runtime.DONE, "<u4", 2)
    assert sleepers == 0
    assert done == (epoch + 2 * steps * (threads > 1)) * MOST_SHARES % 2**32


@pytest.mark.parametrize("late", [{1: 0.03, 2: 0.001}, {0: 0.02}, {1: -1}, {1: -1, 2: -1}, {2: 1}])
def test_threads_that_come_late_or_not_at_all(late: dict[int, float]) -> None:
    box, index = rotator()
    n, steps = 9, 300
    table, result = rotations(box, index, n, steps, 30)
    for k in range(3):
        box.run_threads(3, table, steps, k * steps, late)
    assert box.get(result, "i4", n).tolist() == rotated(n, 3 * steps)


def test_a_thread_that_is_late_for_its_run_touches_nothing_of_the_next() -> None:
    box, index = rotator()
    n, steps = 9, 50
    table, result = rotations(box, index, n, steps, 0)
    for k in range(2):
        box.run_threads(2, table, steps, k * steps, {1: -1})
    box.view()[table : table + steps * runtime.RECORD_BYTES] = 0xEE  # no kernel has such a number
    before = box.view().copy()
    box.call("run", table, 0, steps, 1, 2, 0)
    assert (box.view() == before).all()
    assert box.get(result, "i4", n).tolist() == rotated(n, 2 * steps)


def test_threads_that_wait_long_fall_asleep_and_are_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "SPINS", 1)
    box, index = rotator()
    n, steps = 8, 60
    table, result = rotations(box, index, n, steps, 20_000)
    box.run_threads(4, table, steps)
    assert box.get(result, "i4", n).tolist() == rotated(n, steps)
    assert box.get(runtime.SLEEPERS, "i4", 1)[0] == 0


def test_steps_that_do_not_depend_on_each_other_need_not_wait() -> None:
    """Each thread adds to numbers of its own, many times over, and all come to the same."""
    m = new_module(THREADED)
    index = m.table_index(emit_stamp(m))
    emit_run(m, THREADED)
    box = Sandbox(m)
    outs = [box.put(np.zeros(40, "i4")) for _ in range(50)]
    calls = box.put(np.zeros(1, "i4"))
    table = records(box, *[(index, box.words(out, calls), 40, 1, 0) for out in outs])
    for k in range(4):
        box.run_threads(3, table, len(outs), k * len(outs))
    expected = [1] * 13 + [14] * 13 + [27] * 14
    assert all(box.get(out, "i4", 40).tolist() == [4 * e for e in expected] for out in outs)
    assert box.get(calls, "i4", 1)[0] == 4 * 50 * 3


@pytest.mark.parametrize("target", [SINGLE, THREADED])
def test_a_part_of_the_table_runs_on_one_thread(target: Target) -> None:
    m = new_module(target)
    index = m.table_index(emit_rotate(m))
    emit_run(m, target)
    box = Sandbox(m)
    table, result = rotations(box, index, 5, 4, 0)
    for k in range(4):
        box.call("run", table, k, 1, 0, 1, 0)
    box.call("run", table, 4, 0, 0, 1, 0)
    assert box.get(result, "i4", 5).tolist() == [8, 4, 5, 6, 7]


def test_without_threads_nothing_is_atomic() -> None:
    m = new_module(SINGLE)
    emit_run(m, SINGLE)
    assert [f.name for f in m.functions] == ["run"]
