"""The module's entry point: `run`, which takes each thread through the same table of steps.

    run(table, first, count, thread, threads, epoch)

The table is an array of records of six i32 words: index of the kernel in the function table,
address of its argument words, extent, grain, whether the step depends on those before it, and unit.
The extent falls into n shares, where n is how often grain goes into it, rounded up, and at most
the number of threads; share s is [units*s/n, units*(s+1)/n) of its units.

Shares are claimed. A thread takes its own first, then whatever others have not begun: one that
comes late, or that the system lets wait, holds nobody up but for a share that it has begun. It
needn't come at all. Thread 0 returns when all steps are done, the others as soon as nothing is left
to claim.

Steps are counted over all runs of a memory on several threads: `epoch` is the number of the first,
modulo 2**32. All threads of a run are given the same table, range, threads and epoch, and the next
run an epoch that is greater by count. A thread that is still on its way when a run is over finds
that its steps are past, and touches nothing; but it may read records, so a table must not be
written while a thread is in `run`.
"""

from __future__ import annotations

from ..base import Target
from . import asm as w
from .function import Function, Local
from .isa import i32, i64
from .loops import KERNEL_PARAMS
from .module import Module
from .val import Val

__all__ = ["MOST_SHARES", "RECORD_BYTES", "emit_run"]

RECORD_BYTES = 24
KERNEL, ARGS, EXTENT, GRAIN, DEPENDS, UNIT = range(0, RECORD_BYTES, 4)  # offsets in a record

MOST_SHARES = 32

# What threads share, on two cache lines. CLAIMS is 64 bits: the number of the step that was begun
# last, above a bit for each of its shares that is taken. DONE counts finished work, MOST_SHARES for
# each step. SLEEPERS wait for DONE. AWAKE is set by the host where thread 0 must not sleep, as a
# page's own thread can't.
CLAIMS, AWAKE = 64, 76
DONE, SLEEPERS = 128, 132

SPINS = 200_000  # a fraction of a millisecond: longer than most imbalances
MOST_SPINS = 800_000_000  # some seconds: the others must have broken down
FOREVER = -1


def emit_run(m: Module, target: Target) -> Function:
    """Add and export `run`."""
    wait = _emit_wait(m) if target.threads else None
    step = _emit_shared_step(m, wait) if wait is not None else None
    f = m.function("run", (i32,) * 6, export=True)
    table, first, count, thread, threads, epoch = f.params
    record, end = f.local(i32, "record"), f.local(i32, "end")
    f.set(record, table + first * RECORD_BYTES)
    f.set(end, record + count * RECORD_BYTES)
    if step is not None and wait is not None:
        with f.if_(threads > 1):
            with f.while_(record.ne(end)):
                f.call(step, record, thread, threads, epoch)
                f.add_to(record, RECORD_BYTES)
                f.add_to(epoch, 1)
            with f.if_(thread.eqz()):
                f.call(wait, thread, epoch)
            f.return_()
    with f.while_(record.ne(end)):
        extent = f.let(w.i32_load(record, offset=EXTENT), "extent")
        with f.if_(extent):
            _call(f, record, w.i32_const(0), extent, thread)
        f.free(extent)
        f.add_to(record, RECORD_BYTES)
    return f


def _emit_shared_step(m: Module, wait: Function) -> Function:
    """Add `step(record, thread, threads, epoch)`: it claims shares and runs them while any is left.

    A claim changes CLAIMS as a whole, from what was seen, so that it holds for this step alone.
    """
    f = m.function("step", (i32,) * 4)
    record, thread, threads, epoch = f.params
    seen = f.local(i64, "seen")
    shares, units = f.local(i32, "shares"), f.local(i32, "units")
    with f.block() as over, f.loop() as again:
        f.set(seen, w.i64_atomic_load(w.i32_const(CLAIMS)))
        ahead = f.let(w.i32_wrap_i64(seen >> 32) - epoch, "ahead")
        f.br_if(over, ahead.gt_s(0))  # this step is past
        with f.if_(shares.eqz()):
            _count(f, record, threads, shares, units)
            with f.if_(w.i32_load(record, offset=DEPENDS)):
                f.call(wait, thread, epoch)
        taken = f.let(w.select(w.i32_wrap_i64(seen), w.i32_const(0), ahead.eqz()), "taken")
        free = f.let((taken ^ -1) & w.i32_shr_u(w.i32_const(-1), MOST_SHARES - shares), "free")
        f.br_if(over, free.eqz())
        own = f.let(free & (w.i32_const(1) << thread), "own")
        share = f.let(w.i32_ctz(w.select(own, free, own)), "share")
        claim = w.i64_extend_i32_u(taken | (w.i32_const(1) << share))
        claim = claim | (w.i64_extend_i32_u(epoch) << 32)
        f.br_if(again, w.i64_atomic_rmw_cmpxchg(w.i32_const(CLAIMS), seen, claim).ne(seen))
        _run_share(f, record, thread, share, shares, units)
        _finish(f, w.select(MOST_SHARES + 1 - shares, w.i32_const(1), share.eqz()))
        f.br(again)
    return f


def _count(f: Function, record: Local, threads: Val, shares: Local, units: Local) -> None:
    """Set into how many shares a step falls, and how many units there are to share."""
    extent = w.i32_load(record, offset=EXTENT)
    f.set(shares, _least(_how_often(w.i32_load(record, offset=GRAIN), extent), threads))
    f.set(shares, _least(shares, w.i32_const(MOST_SHARES)))
    f.set(shares, shares | shares.eqz())
    f.set(units, _how_often(w.i32_load(record, offset=UNIT), extent))


def _run_share(
    f: Function, record: Local, thread: Local, share: Local, shares: Local, units: Local
) -> None:
    """Call the kernel of a record with a share, unless that is empty."""
    unit = f.let(w.i32_load(record, offset=UNIT), "unit")
    begin = f.let(unit * _part(units, share, shares), "begin")
    end = f.let(unit * _part(units, share + 1, shares), "end")
    f.set(end, _least(end, w.i32_load(record, offset=EXTENT)))
    with f.if_(begin < end):
        _call(f, record, begin, end, thread)
    f.free(unit, begin, end)


def _finish(f: Function, work: Val) -> None:
    """Count work as done, and wake who sleeps."""
    f.drop(w.i32_atomic_rmw_add(w.i32_const(DONE), work))
    with f.if_(w.i32_atomic_load(w.i32_const(SLEEPERS))):
        f.drop(w.memory_atomic_notify(w.i32_const(DONE), -1))


def _call(f: Function, record: Local, begin: Val, end: Val, thread: Val) -> None:
    kernel, args = w.i32_load(record, offset=KERNEL), w.i32_load(record, offset=ARGS)
    f.call_indirect((KERNEL_PARAMS, ()), kernel, args, begin, end, thread)


def _least(a: Val, b: Val) -> Val:
    """The lesser of two, each of which is computed twice."""
    return w.select(a, b, a < b)


def _how_often(part: Val, extent: Val) -> Val:
    """How often a part goes into the extent, rounded up."""
    return (extent + part - 1) // part


def _part(units: Val, share: Val, shares: Val) -> Val:
    """units * share / shares, in 64 bits as the product may not fit 32."""
    product = w.i64_extend_i32_u(units) * w.i64_extend_i32_u(share)
    return w.i32_wrap_i64(product // w.i64_extend_i32_u(shares))


def _emit_wait(m: Module) -> Function:
    """Add `wait(thread, epoch)`: it returns when all steps before an epoch are done.

    It spins for a while, as a sleeper takes 10 us to some ms to wake, then sleeps.
    """
    f = m.function("wait", (i32, i32))
    thread, epoch = f.params
    target = f.let(epoch * MOST_SHARES, "target")

    def is_done() -> Val:
        return (w.i32_atomic_load(w.i32_const(DONE)) - target).ge_s(0)

    with f.if_(is_done()):
        f.return_()
    awake = f.let(thread.eqz() & w.i32_load(w.i32_const(AWAKE)), "awake")
    spins = f.let(w.select(w.i32_const(MOST_SPINS), w.i32_const(SPINS), awake), "spins")
    with f.loop() as again:
        with f.if_(is_done()):
            f.return_()
        f.br_if(again, f.tee(spins, spins - 1))
    with f.if_(awake):
        f.unreachable()
    # Counted as a sleeper before it looks once more: who finishes work counts that before looking
    # for sleepers, so one of both sees the other.
    f.drop(w.i32_atomic_rmw_add(w.i32_const(SLEEPERS), 1))
    seen = f.local(i32, "seen")
    with f.while_((f.tee(seen, w.i32_atomic_load(w.i32_const(DONE))) - target).lt_s(0)):
        f.drop(w.memory_atomic_wait32(w.i32_const(DONE), seen, FOREVER))
    f.drop(w.i32_atomic_rmw_sub(w.i32_const(SLEEPERS), 1))
    return f
