"""The module's entry point: `run`, which takes each thread through the same table of steps.

    run(table, first, count, thread, threads)

The table is an array of records of six i32 words: index of the kernel in the function table,
address of its argument words, extent, grain, whether a barrier stands before the step, and a
reserved zero. The extent is cut into blocks of `grain` units; thread t of n gets the blocks
[blocks*t/n, blocks*(t+1)/n).

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
KERNEL, ARGS, EXTENT, GRAIN, BARRIER = 0, 4, 8, 12, 16  # offsets in a record

# Four words, all zero at first: threads that have arrived, generation, sleepers; and, set by the
# host, whether thread 0 must not sleep, as a page's own thread can't.
SYNC = 64
ARRIVED, GENERATION, SLEEPERS, AWAKE = SYNC, SYNC + 4, SYNC + 8, SYNC + 12

SPINS = 20_000  # about 50 us in V8: longer than most imbalances, shorter than a time slice
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
        threads = f.params[4]
        grain = f.let(w.i32_load(record, offset=GRAIN), "grain")
        blocks = f.let((extent + grain - 1) // grain, "blocks")
        f.set(begin, grain * _part(blocks, thread, threads))
        f.set(end, grain * _part(blocks, thread + 1, threads))
        f.set(end, w.select(end, extent, end < extent))
        f.free(grain, blocks)
    else:
        f.set(begin, 0)
        f.set(end, extent)
    with f.if_(begin < end):
        kernel, args = w.i32_load(record, offset=KERNEL), w.i32_load(record, offset=ARGS)
        f.call_indirect((KERNEL_PARAMS, ()), kernel, args, begin, end, thread)
    f.free(begin, end)


def _part(blocks: Val, thread: Val, threads: Val) -> Val:
    """blocks * thread / threads, in 64 bits as the product may not fit 32."""
    product = w.i64_extend_i32_u(blocks) * w.i64_extend_i32_u(thread)
    return w.i32_wrap_i64(product // w.i64_extend_i32_u(threads))


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
