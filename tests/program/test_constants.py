"""Constants that programs share: their identities, what is left to compute, and their places."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from wasmkiln.ir.const import Const, Span
from wasmkiln.ir.dtype import U8
from wasmkiln.program.constants import (
    Identities,
    Place,
    constant_indices,
    end_of,
    missing_calls,
    place_constants,
)
from wasmkiln.program.kernels.copy import CopySpec
from wasmkiln.program.memory import RESERVED
from wasmkiln.program.program import Buffer, BufferKind, Call, F32Word, Program, Ref, Word

COPY = CopySpec(1, 1, "c")


class Writer:
    """A program, written call by call."""

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.weights: dict[Buffer, Const] = {}
        self.init: list[Call] = []
        self.main: list[Call] = []

    def buffer(self, kind: BufferKind = "constant", nbytes: int = 64) -> Buffer:
        self.buffers.append(Buffer(len(self.buffers), nbytes, kind))
        return self.buffers[-1]

    def weight(self, offset: int, kind: BufferKind = "constant") -> Buffer:
        buffer = self.buffer(kind)
        self.weights[buffer] = Const(U8, (64,), Span(0, offset, 64))
        return buffer

    def make(self, *sources: Buffer, out: Buffer | None = None, word: Word = 1) -> Buffer:
        out = out or self.buffer()
        self.init.append(call(out, *sources, word=word))
        return out

    def program(self, *used: Buffer) -> Program:
        main = (*self.main, *(call(self.buffer("temporary"), b) for b in used))
        return Program(tuple(self.init), main, tuple(self.buffers), self.weights, (), ())


def call(out: Buffer, *sources: Buffer, word: Word = 1) -> Call:
    reads = [Ref(b, 0, writes=False, reads=True) for b in sources]
    return Call(COPY, (Ref(out, 0, writes=True, reads=False), *reads, word), 1)


def test_equal_computations_have_equal_numbers_across_programs() -> None:
    identities = Identities()
    first, second = Writer(), Writer()
    a = first.make(first.weight(0, "temporary"))
    other = second.make(second.weight(64, "temporary"))
    again = second.make(second.weight(0, "temporary"))
    (one, _), (two, _) = identities.of(first.program(a)), identities.of(second.program(other))
    assert one[a.index] == two[again.index]
    assert one[a.index] != two[other.index]


@pytest.mark.parametrize(
    ("one", "two"), [(1, 2), (F32Word(0.0), F32Word(-0.0)), (1, F32Word(1.0))], ids=repr
)
def test_numbers_tell_apart_what_differs_in_a_word(one: Word, two: Word) -> None:
    w = Writer()
    source = w.weight(0)
    a, b, c = (w.make(source, word=word) for word in (one, two, one))
    content, _ = Identities().of(w.program(a, b, c))
    assert content[a.index] != content[b.index]
    assert content[a.index] == content[c.index]


def test_numbers_follow_what_is_written_in_turns() -> None:
    w = Writer()
    p, q = w.weight(0), w.weight(64)
    a, b = w.make(p), w.make(q)
    w.make(q, out=a)
    w.make(p, out=b)
    c = w.make(p)
    w.make(q, out=c)
    same, swapped = w.make(p, p), w.make(p, q)
    content, _ = Identities().of(w.program(a, b, c, same, swapped))
    assert content[a.index] == content[c.index]  # both were written by the same calls
    assert content[b.index] != content[a.index]
    assert content[same.index] != content[swapped.index]


def test_forgotten_numbers_do_not_come_back() -> None:
    identities = Identities()
    w = Writer()
    a = w.make(w.weight(0))
    before, _ = identities.of(w.program(a))
    identities.keep(())
    after, _ = identities.of(w.program(a))
    assert not set(before.values()) & set(after.values())


def test_only_what_is_missing_is_computed() -> None:
    w = Writer()
    weight = w.weight(0, "temporary")
    packed = w.make(weight)
    between = w.make(packed, out=w.buffer("temporary"))
    folded = w.make(between)
    unused = w.make(weight)
    program = w.program(packed, folded)
    assert constant_indices(program, program.main) == {packed.index, folded.index}
    assert missing_calls(program, ()) == tuple(w.init[:3])
    assert missing_calls(program, {packed.index}) == tuple(w.init[1:3])
    assert missing_calls(program, {folded.index}) == (w.init[0],)
    assert missing_calls(program, {packed.index, folded.index, unused.index}) == ()


def test_places_never_overlap_and_gaps_are_used_again() -> None:
    rng = random.Random(3)
    places: dict[int, Place] = {}
    for number in range(300):
        wanted = [(number * 4 + i, rng.randrange(1, 500)) for i in range(4)]
        places = place_constants(places, wanted)
        for key in rng.sample(sorted(places), k=min(len(places), 4)) if number > 20 else ():
            del places[key]
        spans = sorted((p.offset, p.offset + p.nbytes) for p in places.values())
        assert spans[0][0] >= RESERVED
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert all(p.offset % 64 == 0 for p in places.values())
    held = sum(p.nbytes for p in places.values())
    assert end_of(places) < RESERVED + 2 * held
    assert place_constants(places, [(next(iter(places)), 1 << 20)]) == places
