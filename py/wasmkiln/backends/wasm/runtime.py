"""The module's entry point: `run`, which takes each thread through the same table of steps.

    run(table, first, count, thread, threads)

The table is an array of records of six i32 words: index of the kernel in the function table,
address of its argument words, extent, grain, whether a barrier stands before the step, and unit.
The first n threads share the extent, where n is how often grain goes into it, rounded up; thread t
gets [units*t/n, units*(t+1)/n) of its units.

All threads must be given the same table, range and number of threads. `run` returns on each as soon
as its own shares are done; a last record of extent 0 with a barrier makes it wait for the others.
"""

from __future__ import annotations

from ..base import Target
from . import asm as w
from .function import Function, Local
from .isa import i32
from .loops import KERNEL_PARAMS
from .module import Module
from .val import Val

__all__ = ["RECORD_BYTES", "SYNC", "emit_run"]

RECORD_BYTES = 24
KERNEL, ARGS, EXTENT, GRAIN, BARRIER, UNIT = range(0, RECORD_BYTES, 4)  # offsets in a record

# Four words, all zero at first: threads that have arrived, generation, sleepers; and, set by the
# host, whether thread 0 must not sleep, as a page's own thread can't.
SYNC = 64
ARRIVED, GENERATION, SLEEPERS, AWAKE = SYNC, SYNC + 4, SYNC + 8, SYNC + 12

SPINS = 200_000  # a fraction of a millisecond: longer than most imbalances
MOST_SPINS = 800_000_000  # some seconds: the others must have broken down
FOREVER = -1


def emit_run(m: Module, target: Target) -> Function:
    """Add and export `run`."""
    barrier = _emit_barrier(m) if target.threads else None
    f = m.function("run", (i32,) * 5, export=True)
    table, first, count, _, threads = f.params
    record, end = f.local(i32, "record"), f.local(i32, "end")
    f.set(record, table + first * RECORD_BYTES)
    f.set(end, record + count * RECORD_BYTES)
    with f.while_(record.ne(end)):
        if barrier is not None:
            with f.if_(w.i32_load(record, offset=BARRIER)):
                f.call(barrier, f.params[3], threads)
        _step(f, record, barrier is not None)
        f.add_to(record, RECORD_BYTES)
    return f


def _step(f: Function, record: Local, threaded: bool) -> None:
    """Call the kernel of a record with this thread's share, unless that is empty."""
    thread = f.params[3]
    begin, end = f.local(i32, "begin"), f.local(i32, "end")
    extent = w.i32_load(record, offset=EXTENT)
    if threaded:
        most = f.params[4]
        shares = f.let(_how_often(w.i32_load(record, offset=GRAIN), extent), "shares")
        f.set(shares, _least(shares, most))
        f.set(shares, shares | shares.eqz())
        unit = f.let(w.i32_load(record, offset=UNIT), "unit")
        units = f.let(_how_often(unit, extent), "units")
        # Threads without a share begin where the last one ends.
        f.set(begin, unit * _part(units, _least(thread, shares), shares))
        f.set(end, unit * _part(units, _least(thread + 1, shares), shares))
        f.set(end, _least(end, extent))
        f.free(shares, unit, units)
    else:
        f.set(begin, 0)
        f.set(end, extent)
    with f.if_(begin < end):
        kernel, args = w.i32_load(record, offset=KERNEL), w.i32_load(record, offset=ARGS)
        f.call_indirect((KERNEL_PARAMS, ()), kernel, args, begin, end, thread)
    f.free(begin, end)


def _least(a: Val, b: Val) -> Val:
    """The lesser of two, each of which is computed twice."""
    return w.select(a, b, a < b)


def _how_often(part: Val, extent: Val) -> Val:
    """How often a part goes into the extent, rounded up."""
    return (extent + part - 1) // part


def _part(units: Val, thread: Val, shares: Val) -> Val:
    """units * thread / shares, in 64 bits as the product may not fit 32."""
    product = w.i64_extend_i32_u(units) * w.i64_extend_i32_u(thread)
    return w.i32_wrap_i64(product // w.i64_extend_i32_u(shares))


def _emit_barrier(m: Module) -> Function:
    """Add `barrier(thread, threads)`: it returns when all threads have called it.

    The last to arrive opens the next generation. The others spin for a while, as a sleeper takes
    10 us to some ms to wake, then sleep until the generation changes. The generation is only
    compared for equality, so it may wrap; it can't come round while anyone waits in an old one.
    """
    f = m.function("barrier", (i32, i32))
    thread, threads = f.params
    with f.if_(threads.eq(1)):
        f.return_()
    generation = f.let(w.i32_atomic_load(GENERATION), "generation")  # before arriving
    with f.if_((w.i32_atomic_rmw_add(ARRIVED, 1) + 1).eq(threads)):
        f.emit(w.i32_atomic_store(ARRIVED, 0))
        f.emit(w.i32_atomic_store(GENERATION, generation + 1))
        with f.if_(w.i32_atomic_load(SLEEPERS)):
            f.drop(w.memory_atomic_notify(GENERATION, -1))
        f.return_()
    awake = f.let(thread.eqz() & w.i32_load(w.i32_const(AWAKE)), "awake")
    spins = f.let(w.select(w.i32_const(MOST_SPINS), w.i32_const(SPINS), awake), "spins")
    with f.loop() as again:
        with f.if_(w.i32_atomic_load(GENERATION).ne(generation)):
            f.return_()
        f.br_if(again, f.tee(spins, spins - 1))
    with f.if_(awake):
        f.unreachable()
    # Counted as a sleeper before the wait compares the generation: the last to arrive changes the
    # generation before it looks for sleepers, so one of both sees the other.
    f.drop(w.i32_atomic_rmw_add(SLEEPERS, 1))
    with f.while_(w.i32_atomic_load(GENERATION).eq(generation)):
        f.drop(w.memory_atomic_wait32(GENERATION, generation, FOREVER))
    f.drop(w.i32_atomic_rmw_sub(SLEEPERS, 1))
    return f
