"""Where threads must wait for each other: barriers stand only between dependent calls."""

from __future__ import annotations

from collections.abc import Sequence

from .memory import MemoryPlan
from .program import Call, Ref

__all__ = ["barriers"]

Range = tuple[int, int]  # first address, address after the last


def barriers(calls: Sequence[Call], plan: MemoryPlan) -> tuple[bool, ...]:
    """For each call, whether all threads must have finished the calls before it.

    They must when the call touches memory that was written since the last barrier, or writes
    memory that was read since. Buffers are compared by address, since some share memory.
    """
    flags: list[bool] = []
    written: list[Range] = []
    read: list[Range] = []
    for call in calls:
        reads: list[Range] = []
        writes: list[Range] = []
        for word in call.args:
            if isinstance(word, Ref):
                start = plan.offsets[word.buffer.index]
                span = (start, start + word.buffer.nbytes)
                (writes if word.writes else reads).append(span)
                if word.writes and word.reads:
                    reads.append(span)
        wait = _overlap(reads, written) or _overlap(writes, written) or _overlap(writes, read)
        if wait:
            written, read = [], []
        flags.append(wait)
        written += writes
        read += reads
    return tuple(flags)


def _overlap(a: list[Range], b: list[Range]) -> bool:
    return any(x[0] < y[1] and y[0] < x[1] for x in a for y in b)
