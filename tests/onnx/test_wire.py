"""The protobuf wire format: every kind of field, and every way to be damaged."""

from __future__ import annotations

import struct

import pytest
from wasmkiln.errors import InvalidModelError, LimitError
from wasmkiln.onnx import wire as wire_module
from wasmkiln.onnx.source import MemorySource
from wasmkiln.onnx.wire import MAX_DEPTH, WINDOW, Field, Wire, varints

from tests.onnx.make import blob, integer, varint


class Counting:
    """A source that counts reads and bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0 and offset + length <= len(self.data)
        self.reads.append((offset, length))
        return self.data[offset : offset + length]


def fields(data: bytes) -> tuple[Wire, list[Field]]:
    wire = Wire(MemorySource(data))
    return wire, list(wire.root("Test"))


def only(data: bytes) -> tuple[Wire, Field]:
    wire = Wire(MemorySource(data))
    root = wire.root("Test")
    return wire, next(root)


def test_all_wire_types_are_told_apart() -> None:
    data = integer(1, 300) + blob(2, b"abc") + b"\x1d" + bytes(4) + b"\x21" + bytes(8)
    _, found = fields(data)
    assert [(number, kind) for number, kind, _, _ in found] == [(1, 0), (2, 2), (3, 5), (4, 1)]
    assert found[0][2] == 300
    assert found[1][2:] == (5, 8)
    assert found[-1][3] == len(data)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 2**31, 2**63 - 1, -1, -(2**63)])
def test_integers_are_signed_64_bit(number: int) -> None:
    wire, field = only(integer(5, number % 2**64))
    assert wire.integer(field) == number


@pytest.mark.parametrize("number", [0, 127, 128, 2**32, 2**64 - 1])
def test_packed_varints(number: int) -> None:
    data = varint(number) + varint(3)
    assert varints(data) == [number, 3]


def test_packed_and_loose_numbers() -> None:
    wire, field = only(blob(8, varint(7) + varint(2**64 - 2)))
    assert wire.integers(field) == (7, -2)
    wire, field = only(blob(7, struct.pack("<2f", 1.5, -2.0)))
    assert wire.floats(field) == (1.5, -2.0)
    wire, field = only(b"\x3d" + struct.pack("<f", 0.5))
    assert wire.floats(field) == (0.5,)


def test_a_payload_that_is_not_wanted_is_not_read() -> None:
    source = Counting(blob(1, bytes(10 * WINDOW)) + blob(2, b"end"))
    wire = Wire(source)
    assert [number for number, *_ in wire.root("Test")] == [1, 2]
    assert sum(length for _, length in source.reads) < 2 * WINDOW
    assert len(source.reads) == 2


def test_reads_are_whole_windows() -> None:
    source = Counting(b"".join(blob(1, bytes(100)) for _ in range(10_000)))
    wire = Wire(source)
    texts = [wire.blob(field) for field in wire.root("Test")]
    assert len(texts) == 10_000
    assert len(source.reads) <= source.size // WINDOW + 2


def test_a_text_longer_than_the_window() -> None:
    text = "x" * (3 * WINDOW)
    wire = Wire(MemorySource(integer(9, 1) + blob(2, text.encode()) + integer(3, 4)))
    root = wire.root("Test")
    next(root)
    assert wire.text(next(root)) == text
    assert next(root)[2] == 4


def test_an_inner_message_may_be_skipped_half_read() -> None:
    wire = Wire(MemorySource(blob(1, integer(1, 1) + integer(2, 2)) + integer(3, 3)))
    outer = wire.root("Outer")
    inner = wire.message("Inner", next(outer))
    assert [field[2] for field in inner] == [1, 2]
    assert next(outer)[0] == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\x05ab", "truncated: it ends at byte 4, .* at byte 0 needs at least 3 more"),
        (b"\x08", "truncated: it ends at byte 1"),
        (b"\x08\xff", "truncated"),
        (b"\x0d\x00\x00", "truncated: it ends at byte 3"),
        (b"\x09\x00", "truncated"),
        (b"\x80", "truncated"),
        (b"\x0b", "wire type group start|truncated"),
        (b"\x0b\x00", "Test at byte 0: wire type group start"),
        (b"\x0c\x00", "Test at byte 0: wire type group end"),
        (b"\x0e\x00", "wire type 6"),
        (b"\x0f\x00", "wire type 7"),
        (b"\x00\x00", "field number 0"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "a varint exceeds 64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x02", "a varint exceeds 64 bits"),
        (b"\xff" * 9 + b"\x01\x00", "wire type 7|field number"),
        (b"\xf8" + b"\xff" * 8 + b"\x01\x00", "field number"),
        (b"\x0a" + b"\xff" * 9 + b"\x01", "truncated"),
    ],
)
def test_damaged_fields(data: bytes, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        fields(data)


def test_a_field_may_not_leave_its_message() -> None:
    wire = Wire(MemorySource(blob(1, b"\x0a\x05ab") + bytes(20)))
    inner = wire.message("Inner", next(wire.root("Outer")))
    with pytest.raises(InvalidModelError, match="Inner at byte 2: a field runs 3 bytes past"):
        next(inner)


@pytest.mark.parametrize("read", ["text", "blob", "span", "float32"])
def test_a_field_of_the_wrong_type(read: str) -> None:
    wire, field = only(integer(4, 1))
    with pytest.raises(InvalidModelError, match=r"Test: field 4, .*has wire type varint, expected"):
        getattr(wire, read)(field)


def test_an_integer_given_as_a_string() -> None:
    wire, field = only(blob(3, b"x"))
    with pytest.raises(InvalidModelError, match="length-delimited, expected varint"):
        wire.integer(field)


def test_text_must_be_utf8() -> None:
    wire, field = only(blob(1, b"\xff\xfe"))
    with pytest.raises(InvalidModelError, match="text that is not UTF-8"):
        wire.text(field)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"\x80", "the last is cut off"),
        (b"\x80" * 10 + b"\x01", "exceeds 64 bits"),
        (b"\xff" * 9 + b"\x02", "exceeds 64 bits"),
    ],
)
def test_damaged_packed_integers(payload: bytes, message: str) -> None:
    wire, field = only(blob(8, payload))
    with pytest.raises(InvalidModelError, match=message):
        wire.integers(field)


def test_packed_floats_must_be_whole() -> None:
    wire, field = only(blob(7, bytes(5)))
    with pytest.raises(InvalidModelError, match="5 bytes, no multiple of 4"):
        wire.floats(field)


def nest(wire: Wire, field: Field | None) -> None:
    for inner in wire.message("Nested", field) if field else wire.root("Nested"):
        nest(wire, inner)


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(MAX_DEPTH):
        data = blob(1, data)
    with pytest.raises(LimitError, match=f"nested over {MAX_DEPTH} deep"):
        nest(Wire(MemorySource(data)), None)


def test_the_number_of_messages_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "MAX_ITEMS", 100)
    wire = Wire(MemorySource(blob(1, b"") * 101))
    with pytest.raises(LimitError, match="over 100 messages and strings"):
        for field in wire.root("Test"):
            wire.text(field)
