"""Place buffers in linear memory: those never alive together share addresses.

Constants lie one after the other, in the order in which init makes them: what init needs until it
has made one may lie where the later ones will. All else is placed greedily by size: the largest
buffer first, each at the lowest address free during its lifetime (Pisarchyk and Lee, "Efficient
Memory Management for Deep Neural Net Inference", 2020).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType

from ..errors import LimitError
from ..record import record
from .program import Call, Program, Ref

__all__ = [
    "ALIGNMENT",
    "RESERVED",
    "MemoryPlan",
    "aligned",
    "buffer_lifetimes",
    "ideal_peak",
    "plan_memory",
]

ALIGNMENT = 64  # a cache line, so that no two threads write the same line of different buffers
RESERVED = 1024  # bytes at address 0 for synchronisation and status words
SLACK = 128  # readable bytes after the last buffer, since kernels load whole vectors


@record
class MemoryPlan:
    """Addresses of all buffers.

    offsets: by buffer index; -1 for a buffer that nothing uses.
    constant_bytes: weights and tables. arena_bytes: activations, at most alive together.
    end: first address after all buffers.
    """

    offsets: tuple[int, ...]
    constant_bytes: int
    arena_bytes: int
    end: int


def plan_memory(
    program: Program,
    limit: int,
    fixed: Mapping[int, int] = MappingProxyType({}),
    base: int = RESERVED,
    reuse: bool = True,
) -> MemoryPlan:
    """Addresses for the program's buffers; LimitError if they don't fit into `limit` bytes.

    fixed: those of constants which have one already, by buffer index. All else comes after `base`.
    reuse: whether buffers that are not alive together may share addresses.
    """
    calls = (*program.init, *program.main)
    lifetimes = buffer_lifetimes(program, calls)
    if not reuse:
        lifetimes = dict.fromkeys(lifetimes, (0, len(calls)))
    merged = _merge_in_place(program, calls, lifetimes)
    offsets = [fixed.get(i, -1) for i in range(len(program.buffers))]
    constants = [
        (lifetimes[b.index][0], b.index, aligned(b.nbytes))
        for b in program.buffers
        if b.kind == "constant" and b.index in lifetimes and b.index not in fixed
    ]
    top, made, tops = base, [-1], [base]
    for first, index, nbytes in sorted(constants):
        offsets[index] = top
        top += nbytes
        made.append(first)
        tops.append(top)
    arena = top
    placed = _place(
        [
            (aligned(b.nbytes), *lifetimes[b.index], b.index)
            for b in program.buffers
            if b.kind != "constant" and b.index in lifetimes and b.index not in merged
        ],
        # The end of the constants that are there when a call of init is over.
        [tops[bisect_right(made, i) - 1] - arena for i in range(len(program.init))],
    )
    end = arena
    for index, (offset, nbytes) in placed.items():
        offsets[index] = arena + offset
        end = max(end, arena + offset + nbytes)
    for index in merged:
        offsets[index] = offsets[_root(merged, index)]
    if end + SLACK > limit:
        raise LimitError(
            f"the model needs {end + SLACK:,} bytes of memory ({arena - RESERVED:,} of weights, "
            f"{end - arena:,} of activations); the limit is {limit:,}"
        )
    outputs = sum(b.slot.type.nbytes for b in program.outputs)  # each a copy
    if outputs > limit:
        raise LimitError(f"the outputs take {outputs:,} bytes of memory; the limit is {limit:,}")
    return MemoryPlan(tuple(offsets), arena - RESERVED, end - arena, end + SLACK)


def ideal_peak(program: Program) -> int:
    """The most bytes that a run has alive at once beside constants: no plan can do with less."""
    calls = (*program.init, *program.main)
    lifetimes = buffer_lifetimes(program, calls)
    merged = _merge_in_place(program, calls, lifetimes)
    change = [0] * (len(calls) + 2)
    for buffer in program.buffers:
        index = buffer.index
        if buffer.kind != "constant" and index in lifetimes and index not in merged:
            first, last = lifetimes[index]
            change[first] += aligned(buffer.nbytes)
            change[last + 1] -= aligned(buffer.nbytes)
    return max([*accumulate(change)][len(program.init) :])


def aligned(nbytes: int) -> int:
    """Bytes in whole units of alignment."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def buffer_lifetimes(program: Program, calls: tuple[Call, ...]) -> dict[int, tuple[int, int]]:
    """First and last call that touches each buffer, counted over init and then main."""
    spans: dict[int, tuple[int, int]] = {}
    for i, call in enumerate(calls):
        for word in call.args:
            if isinstance(word, Ref):
                index = word.buffer.index
                spans[index] = (spans[index][0] if index in spans else i, i)
    for buffer, const in program.weights.items():
        if const.is_inline and buffer.index in spans:  # written before init starts
            spans[buffer.index] = (0, spans[buffer.index][1])
    start, end = len(program.init), len(calls)
    for binding in program.inputs:
        index = binding.slot.buffer.index
        spans[index] = (start, spans.get(index, (start, start))[1])
    for binding in program.outputs:
        index = binding.slot.buffer.index
        spans[index] = (spans.get(index, (start, end))[0], end)
    return spans


def _merge_in_place(
    program: Program, calls: tuple[Call, ...], lifetimes: dict[int, tuple[int, int]]
) -> dict[int, int]:
    """Outputs that take over the memory of an input dying at the same call: output -> input."""
    merged: dict[int, int] = {}
    for i, call in enumerate(calls):
        for out, source in call.in_place:
            root = _root(merged, source.index)
            if (
                out.index in merged
                or source.kind == "constant"
                or out.kind == "constant"
                or lifetimes[source.index][1] != i
                or lifetimes[root][1] != i
                or lifetimes[out.index][0] != i
            ):
                continue
            merged[out.index] = root
            lifetimes[root] = (lifetimes[root][0], lifetimes[out.index][1])
            break
    return merged


def _root(merged: dict[int, int], index: int) -> int:
    while index in merged:
        index = merged[index]
    return index


Item = tuple[int, int, int, int]  # nbytes, first call, last call, buffer index


def _place(items: list[Item], floors: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Offset and size of each item, such that items alive together don't overlap.

    floors: the least offset of what is done with by each of the first calls; 0 for all others.
    """
    items.sort(key=lambda item: (-item[0], item[1], item[3]))
    done = _Placed()
    placed: dict[int, tuple[int, int]] = {}
    for nbytes, first, last, index in items:
        offset = floors[last] if last < len(floors) else 0
        for start, stop in done.during(first, last):
            if start - offset >= nbytes:
                break
            offset = max(offset, stop)
        done.add(offset, offset + nbytes, first, last)
        placed[index] = (offset, nbytes)
    return placed


class _Placed:
    """What has its place, found by time: nearly all items live short in a long program.

    A short item is listed in each block of calls that it lives in, the few long ones apart.
    """

    BLOCK = 64  # calls
    SHORT = 4  # blocks

    def __init__(self) -> None:
        self._blocks: dict[int, list[tuple[int, int, int, int]]] = {}
        self._long: list[tuple[int, int, int, int]] = []

    def add(self, offset: int, end: int, first: int, last: int) -> None:
        """Note the addresses of an item that lives from one call to another."""
        blocks = range(first // self.BLOCK, last // self.BLOCK + 1)
        item = offset, end, first, last
        if len(blocks) > self.SHORT:
            self._long.append(item)
        else:
            for block in blocks:
                self._blocks.setdefault(block, []).append(item)

    def during(self, first: int, last: int) -> list[tuple[int, int]]:
        """Offset and end of all items alive at some time, by offset; some come twice."""
        blocks = range(first // self.BLOCK, last // self.BLOCK + 1)
        if len(blocks) > len(self._blocks):
            lists = [self._long, *self._blocks.values()]
        else:
            lists = [self._long, *(self._blocks.get(b, []) for b in blocks)]
        return sorted([(s, e) for some in lists for s, e, a, b in some if a <= last and first <= b])
