"""Repeated fields of which each element has its own tag: they are read many at a time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from wasmkiln.errors import InvalidModelError, LimitError
from wasmkiln.onnx import wire as wire_module
from wasmkiln.onnx.source import MemorySource
from wasmkiln.onnx.wire import Field, Wire

from tests.onnx.make import blob, integer

FLOATS, INTS, STRINGS, OTHER = 7, 8, 9, 3
NUMBERS = [0, 1, 127, 128, 300, 16383, 16384, 2**31, 2**63 - 1, -1, -(2**63)]
Read = Callable[[Wire, Field], list[Any]]
READERS: dict[int, Read] = {
    FLOATS: Wire.floats_on,
    INTS: Wire.integers_on,
    STRINGS: Wire.blobs_on,
}


def single(number: int, value: float) -> bytes:
    """A float field."""
    return bytes([number << 3 | 5]) + struct.pack("<f", value)


def element(number: int, value: Any) -> bytes:
    """A field of one element."""
    if number == FLOATS:
        return single(number, value)
    return integer(number, value % 2**64) if number == INTS else blob(number, value)


def values_of(data: bytes) -> list[tuple[int, list[Any]]]:
    """What a message holds: the fields' numbers, and the elements that were read at once."""
    wire = Wire(MemorySource(data))
    out = []
    for field in wire.root("Test"):
        read = READERS.get(field[0], lambda w, f: [w.integer(f)])
        out.append((field[0], read(wire, field)))
    return out


def joined(parts: list[tuple[int, list[Any]]]) -> list[tuple[int, Any]]:
    """All elements with their fields' numbers, in order."""
    return [(number, value) for number, values in parts for value in values]


CASES = {
    FLOATS: [0.5 * i for i in range(40_000)],
    INTS: [NUMBERS[i % len(NUMBERS)] + i % 3 - 1 for i in range(40_000)][1:],
    STRINGS: [b"x" * (i * 37 % 200) for i in range(5_000)],
}
CASES[INTS] = [v for v in CASES[INTS] if -(2**63) <= v < 2**63]


@pytest.mark.parametrize("number", [FLOATS, INTS, STRINGS])
def test_long_lists_are_read_over_many_windows(number: int) -> None:
    values = CASES[number]
    data = b"".join(element(number, value) for value in values)
    assert len(data) > 2 * wire_module.WINDOW
    assert joined(values_of(data)) == [(number, value) for value in values]


@pytest.mark.parametrize("number", [FLOATS, INTS])
def test_many_numbers_are_taken_at_once(number: int) -> None:
    data = b"".join(element(number, value) for value in CASES[number])
    assert len(values_of(data)) == 1


@pytest.mark.parametrize("window", [24, 25, 31, 64])
def test_fields_of_all_kinds_alternate(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "WINDOW", window)
    expected: list[tuple[int, Any]] = []
    data = b""
    for i in range(60):
        for number in (FLOATS, INTS, STRINGS):
            for value in CASES[number][i : i + i % 5]:
                data += element(number, value)
                expected.append((number, value))
        data += integer(OTHER, i)
        expected.append((OTHER, i))
    assert joined(values_of(data)) == expected


def test_a_list_ends_with_its_message() -> None:
    inner = b"".join(integer(INTS, n) for n in (1, 300))
    data = blob(1, inner) + integer(INTS, 5)
    wire = Wire(MemorySource(data))
    found = []
    for field in wire.root("Outer"):
        if field[0] == 1:
            found += [wire.integers_on(f) for f in wire.message("Inner", field)]
        else:
            found.append(wire.integers_on(field))
    assert found == [[1, 300], [5]]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (element(FLOATS, 1.0) + element(FLOATS, 2.0)[:-1], "truncated"),
        (element(INTS, 1) + b"\x40", "truncated"),
        (element(INTS, 1) + b"\x40\x80", "truncated"),
        (element(INTS, 1) + b"\x40" + b"\xff" * 9 + b"\x7f", "exceeds 64 bits"),
        (element(STRINGS, b"ab") + b"\x4a\x05ab", "truncated"),
    ],
)
def test_damage_behind_a_lists_start_is_told(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidModelError, match=problem):
        values_of(data)


def test_strings_of_a_list_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "MAX_ITEMS", 100)
    with pytest.raises(LimitError, match="over 100 messages and strings"):
        values_of(blob(STRINGS, b"") * 101)
