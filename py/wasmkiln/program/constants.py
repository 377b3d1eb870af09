"""Constants that programs share: which of them are the same, how to make one, where it lies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import count

from ..record import record
from .memory import RESERVED, aligned
from .program import Call, Program, Ref

__all__ = ["Identities", "Place", "constant_indices", "end_of", "missing_calls", "place_constants"]

_UNWRITTEN = -1


class Identities:
    """Numbers for what buffers hold once init has run; the same content has the same number.

    A weight is known by its place in the model's files or by its bytes, and what init computes by
    the calls that write it and the identities of what they read.
    """

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._fresh = count()

    def of(self, program: Program) -> tuple[dict[int, int], frozenset[int]]:
        """Numbers of weights, constants and what else init writes, and all numbers behind them."""
        content: dict[int, int] = {}
        seen: set[int] = set()
        for buffer, const in program.weights.items():
            content[buffer.index] = self._number((const.data, buffer.nbytes), seen)
        for call in program.init:
            local: dict[int, int] = {}  # tells apart buffers of the call that hold the same
            words: list[object] = []
            for word in call.args:
                if isinstance(word, Ref):
                    index = word.buffer.index
                    place = local.setdefault(index, len(local))
                    held = content.get(index, _UNWRITTEN)
                    words.append((place, held, word.offset, word.reads, word.writes))
                else:  # as it is printed, which tells 0.0 from -0.0
                    words.append(word if isinstance(word, int) else repr(word))
            made = self._number((call.kernel, call.extent, tuple(words)), seen)
            for word in call.args:
                if isinstance(word, Ref) and word.writes:
                    index = word.buffer.index
                    content[index] = self._number((made, local[index]), seen)
        for buffer in program.buffers:  # those without elements are not written at all
            if buffer.kind == "constant" and buffer.index not in content:
                content[buffer.index] = self._number((_UNWRITTEN, buffer.nbytes), seen)
        return content, frozenset(seen)

    def keep(self, numbers: Collection[int]) -> None:
        """Forget all others, whose content gets new numbers if it comes up again."""
        self._numbers = {key: n for key, n in self._numbers.items() if n in numbers}

    def _number(self, key: object, seen: set[int]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = next(self._fresh)
        seen.add(number)
        return number


def missing_calls(program: Program, present: Collection[int]) -> tuple[Call, ...]:
    """The init calls that are left to do where some constants, by index, lie in memory."""
    needed = constant_indices(program, program.main) - set(present)
    calls: list[Call] = []
    for call in reversed(program.init):
        refs = [word for word in call.args if isinstance(word, Ref)]
        if any(r.writes and r.buffer.index in needed for r in refs):
            calls.append(call)
            needed.update(r.buffer.index for r in refs if r.buffer.index not in present)
    return tuple(reversed(calls))


def constant_indices(program: Program, calls: Iterable[Call]) -> set[int]:
    """The constants that calls use or that are outputs themselves."""
    buffers = [word.buffer for call in calls for word in call.args if isinstance(word, Ref)]
    buffers += [binding.slot.buffer for binding in program.outputs]
    return {b.index for b in buffers if b.kind == "constant"}


@record
class Place:
    """Where a constant lies."""

    offset: int
    nbytes: int


def place_constants(
    places: Mapping[int, Place], wanted: Iterable[tuple[int, int]]
) -> dict[int, Place]:
    """The places of constants, by number, with those of (number, bytes) in gaps or at the end."""
    found = dict(places)
    gaps = _gaps(places)
    top = end_of(places)
    for number, nbytes in wanted:
        if number in found:
            continue
        size = aligned(nbytes)
        gap = next((g for g in gaps if g[1] - g[0] >= size), None)
        if gap is None:
            offset, top = top, top + size
        else:
            offset = gap[0]
            gap[0] += size
        found[number] = Place(offset, size)
    return found


def end_of(places: Mapping[int, Place]) -> int:
    """The first address after all constants."""
    return max((p.offset + p.nbytes for p in places.values()), default=RESERVED)


def _gaps(places: Mapping[int, Place]) -> list[list[int]]:
    """[start, end] of the room between constants."""
    gaps: list[list[int]] = []
    top = RESERVED
    for place in sorted(places.values(), key=lambda p: p.offset):
        if place.offset > top:
            gaps.append([top, place.offset])
        top = max(top, place.offset + place.nbytes)  # some may lie within others
    return gaps
