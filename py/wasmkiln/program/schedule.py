"""Where threads must wait for each other: only at calls that depend on those before them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from .memory import MemoryPlan
from .program import Call, Ref

__all__ = ["barriers"]

Range = tuple[int, int]  # first address, address after the last


def barriers(calls: Sequence[Call], plan: MemoryPlan) -> tuple[bool, ...]:
    """For each call, whether all calls before it must be done.

    They must when the call touches memory that was written since the last barrier, or writes
    memory that was read since. Buffers are compared by address, since some share memory.
    """
    flags: list[bool] = []
    written, read = _Union(), _Union()
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
        wait = written.meets(reads) or written.meets(writes) or read.meets(writes)
        if wait:
            written, read = _Union(), _Union()
        flags.append(wait)
        written.add(writes)
        read.add(reads)
    return tuple(flags)


class _Union:
    """A set of addresses, held as ranges that don't touch, in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, ranges: Sequence[Range]) -> None:
        """Take ranges in, joining those that meet."""
        for start, end in ranges:
            first = bisect_left(self._ends, start)
            last = bisect_right(self._starts, end)
            if first < last:
                start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
            self._starts[first:last] = [start]
            self._ends[first:last] = [end]

    def meets(self, ranges: Sequence[Range]) -> bool:
        """Whether any address lies in one of the ranges."""
        for start, end in ranges:
            at = bisect_right(self._ends, start)
            if at < len(self._starts) and self._starts[at] < end:
                return True
        return False
