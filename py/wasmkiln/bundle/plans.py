"""Plans as bytes: what a model needs to run on inputs of certain shapes. `web/plans.js` reads them.

A plan is a list of 32-bit words: where its tables lie and its inputs and outputs, then the tables.
The plans of a range of sizes differ in few ways: an address grows with a size, and so do all others
that are behind it. So plans of equal length form a family: the first one's words, and for each of
the ways in which a word may change, how it does. Changes of changes are stored, mostly zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ..artifact import Image, IOBinding
from ..backends.wasm.isa import uleb

__all__ = ["encode_plans", "plan_words"]

Words = tuple[int, ...]


def plan_words(image: Image, arena_bytes: int, macs: int, threads: int) -> Words:
    """The words of a plan whose image has tables only, of main."""
    places = [word for b in (*image.inputs, *image.outputs) for word in _place(b)]
    (address, _), *others = image.segments or ((image.main.table, 0),)
    assert not others and not image.init.steps
    head = (address, image.main.table, image.main.steps, image.end, arena_bytes)
    tables = memoryview(image.data).cast("i")  # WebAssembly's byte order is the machine's here
    return (*map(_signed, (*head, macs, macs >> 32, threads, *places)), *tables)


def _place(binding: IOBinding) -> tuple[int, ...]:
    return (binding.offset, len(binding.type.shape), *binding.type.shape)


def encode_plans(plans: Sequence[Words]) -> bytes:
    """A file of plans. The first one stays the first."""
    return b"".join(_family(list(some)) for _, some in groupby(plans, len))


def _family(plans: Sequence[Words]) -> bytes:
    first, others = plans[0], plans[1:]
    out = bytearray(uleb(len(plans)) + uleb(len(first)))
    for word in first:
        out += uleb(_zigzag(word))
    if not others:
        return bytes(out)
    ways: dict[tuple[int, ...], int] = {(0,) * len(others): 0}
    kinds = [
        ways.setdefault(tuple(_signed(w - column[0]) for w in column[1:]), len(ways))
        for column in zip(*plans, strict=True)
    ]
    out += uleb(len(ways) - 1)
    if len(ways) > 1:
        for kind, run in groupby(kinds):
            out += uleb(kind) + uleb(len(list(run)))
    changes = [change for way in list(ways)[1:] for change in _changes(way)]
    for change, run in groupby(changes):
        length = len(list(run))
        # A zero is followed by how many more come; others stand for themselves.
        out += uleb(_zigzag(change)) * length if change else b"\0" + uleb(length - 1)
    return bytes(out)


def _changes(values: Iterable[int]) -> Iterator[int]:
    """How much the steps between values differ from the step before, from 0 on."""
    last = step = 0
    for value in values:
        yield _signed(value - last - step)
        last, step = value, value - last


def _zigzag(word: int) -> int:
    """Small numbers of either sign as small numbers without."""
    return word << 1 if word >= 0 else ~(word << 1)


def _signed(word: int) -> int:
    """The word as a signed number of 32 bits."""
    return (word + 0x80000000 & 0xFFFFFFFF) - 0x80000000
