"""The protobuf wire format, read through a window that moves over a source.

A message is a run of fields, each a tag (number and wire type) and a payload. Reading one yields
`Field` tuples; a length-delimited payload is only located, so skipping it reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import iter_unpack, unpack

from ..errors import InvalidModelError, LimitError
from .source import ByteSource

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "VARINT", "Field", "Wire", "varints"]

# (number, wire type, value of a varint or start of the payload, end of the field)
Field = tuple[int, int, int, int]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_KINDS = ("varint", "64-bit", "length-delimited", "group start", "group end", "32-bit", "6", "7")

WINDOW = 1 << 16  # a read across Pyodide's bridge costs about as much for 64 KB as for 64 bytes
FLOAT_BYTES = 4
HEADER = 20  # the longest tag and length, ten bytes each

MAX_DEPTH = 64  # messages inside messages; real models stay under 20
MAX_ITEMS = 1 << 21  # messages and strings in one file: a few hundred megabytes of objects


class Wire:
    """A cursor over one source. Messages are read front to back, an inner one before the rest."""

    __slots__ = ("_base", "_data", "_ends", "_items", "_nest", "_next", "source")

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self._base = 0  # offset of the window in the source
        self._data = b""
        self._nest: list[str] = []  # names of the messages being read, outermost first
        self._ends: list[int] = []  # and where they end
        self._next = 0  # where the innermost one goes on, if not behind its last field
        self._items = 0

    def root(self, name: str) -> Iterator[Field]:
        """The fields of the outermost message, which fills the source."""
        return self._fields(name, 0, self.source.size)

    def message(self, name: str, field: Field) -> Iterator[Field]:
        """The fields of the message in this field."""
        self._expect(field, BYTES)
        return self._fields(name, field[2], field[3])

    def integer(self, field: Field) -> int:
        """An int32, int64 or enum."""
        self._expect(field, VARINT)
        value = field[2]
        return value - (1 << 64) if value >> 63 else value

    def float32(self, field: Field) -> float:
        """A float."""
        self._expect(field, FIXED32)
        value: float = unpack("<f", self.read(field[2], 4))[0]
        return value

    def blob(self, field: Field) -> bytes:
        """The payload of a bytes field."""
        self._expect(field, BYTES)
        self._count()
        return self.read(field[2], field[3] - field[2])

    def text(self, field: Field) -> str:
        """A string."""
        data = self.blob(field)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise self.error(field, "holds text that is not UTF-8") from None

    def span(self, field: Field) -> tuple[int, int]:
        """Offset and size of a payload, which is left unread."""
        self._expect(field, BYTES)
        return field[2], field[3] - field[2]

    def integers(self, field: Field) -> tuple[int, ...]:
        """One or, if packed, several elements of a repeated int64 field."""
        if field[1] == VARINT:
            return (self.integer(field),)
        data = self.blob(field)
        try:
            return tuple(v - (1 << 64) if v >> 63 else v for v in varints(data))
        except ValueError as error:
            raise self.error(field, str(error)) from None

    def floats(self, field: Field) -> tuple[float, ...]:
        """One or, if packed, several elements of a repeated float field."""
        if field[1] == FIXED32:
            return (self.float32(field),)
        data = self.blob(field)
        if len(data) % 4:
            raise self.error(field, f"packs floats into {len(data)} bytes, no multiple of 4")
        return unpack(f"<{len(data) // 4}f", data)

    def floats_on(self, field: Field) -> list[float]:
        """The floats of a field, and of all like it that follow, each with a tag of its own."""
        if field[1] != FIXED32:
            return list(self.floats(field))
        out = [self.float32(field)]
        tag = bytes([field[0] << 3 | FIXED32])
        for data in self._windows_on(field, tag[0]):
            tags = data[:: FLOAT_BYTES + 1]
            whole = min(len(tags) - len(tags.lstrip(tag)), len(data) // (FLOAT_BYTES + 1))
            taken = whole * (FLOAT_BYTES + 1)
            out += [value for (value,) in iter_unpack("<xf", data[:taken])]
            self._next += taken
        return out

    def integers_on(self, field: Field) -> list[int]:
        """The integers of a field, and of all like it that follow."""
        if field[1] != VARINT:
            return list(self.integers(field))
        out = [self.integer(field)]
        tag = field[0] << 3 | VARINT
        for data in self._windows_on(field, tag):
            self._next += _tagged_varints(data, tag, out)
        return out

    def blobs_on(self, field: Field) -> list[bytes]:
        """The payload of a bytes field, and of all like it that follow."""
        out = [self.blob(field)]
        tag = field[0] << 3 | BYTES
        for data in self._windows_on(field, tag):
            at, end = 0, len(data)
            while at + 1 < end and data[at] == tag:
                after = at + 2 + data[at + 1]
                if after > end or data[at + 1] > 127:
                    break
                self._count()
                out.append(data[at + 2 : after])
                at = after
            self._next += at
        return out

    def _windows_on(self, field: Field, tag: int) -> Iterator[bytes]:
        """What follows a field in its message, window by window, while it begins with a tag.

        Whoever takes fields from it adds their size to `_next`; the message goes on from there.
        """
        end = self._ends[-1]
        at = field[3]
        while at < end:
            ahead = self._base + len(self._data)
            if at < self._base or (at + HEADER > ahead and ahead < self.source.size):
                self._move(at)
            first = at - self._base
            if self._data[first] != tag:
                break
            self._next = at
            yield self._data[first : first + end - at]
            if self._next == at:  # an element that is left to the message's own reading
                break
            at = self._next

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of a range inside a field that was yielded, from the window where it lies there."""
        at = offset - self._base
        if at < 0 or at + length > len(self._data):
            if length > WINDOW:
                return self.source.read(offset, length)
            self._move(offset)
            at = 0
        return self._data[at : at + length]

    def error(self, field: Field, problem: str) -> InvalidModelError:
        """The error that this field has a problem, saying where it is."""
        where = " > ".join(self._nest[-4:])
        return InvalidModelError(
            f"{where}: field {field[0]}, which ends at byte {field[3]}, {problem}"
        )

    def _fields(self, name: str, start: int, end: int) -> Iterator[Field]:
        self._nest.append(name)
        self._ends.append(end)
        if len(self._nest) > MAX_DEPTH:
            raise LimitError(f"{name} at byte {start}: messages are nested over {MAX_DEPTH} deep")
        self._count()
        size = self.source.size
        pos = start
        while pos < end:
            data = self._data
            at = pos - self._base
            if at < 0 or (at + HEADER > len(data) and self._base + len(data) < size):
                data = self._move(pos)
                at = 0
            try:
                tag = data[at]
                at += 1
                if tag > 127:
                    tag, at = _varint(data, at - 1)
                value = data[at]
                kind = tag & 7
                if kind <= BYTES and kind != FIXED64:
                    at += 1
                    if value > 127:
                        value, at = _varint(data, at - 1)
                after = self._base + at
            except IndexError:
                # A lone tag at the very end, or a varint cut off there.
                raise self._overrun(name, pos, end, 1) from None
            except ValueError as error:
                raise InvalidModelError(f"{name} at byte {pos}: {error}") from None
            if kind == BYTES:
                value, after = after, after + value
            elif kind == FIXED32:
                value, after = after, after + 4
            elif kind == FIXED64:
                value, after = after, after + 8
            elif kind != VARINT:
                raise InvalidModelError(f"{name} at byte {pos}: wire type {_KINDS[kind]}")
            if after > end:
                raise self._overrun(name, pos, end, after - end)
            if not 8 <= tag < 1 << 32:
                raise InvalidModelError(f"{name} at byte {pos}: field number {tag >> 3}")
            pos = after
            yield tag >> 3, kind, value, pos
            if self._next:
                pos, self._next = self._next, 0
        self._nest.pop()
        self._ends.pop()

    def _move(self, offset: int) -> bytes:
        self._base = offset
        self._data = self.source.read(offset, min(WINDOW, self.source.size - offset))
        return self._data

    def _count(self) -> None:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise LimitError(f"the model has over {MAX_ITEMS} messages and strings")

    def _expect(self, field: Field, kind: int) -> None:
        if field[1] != kind:
            raise self.error(field, f"has wire type {_KINDS[field[1]]}, expected {_KINDS[kind]}")

    def _overrun(self, name: str, pos: int, end: int, missing: int) -> InvalidModelError:
        if end == self.source.size:
            return InvalidModelError(
                f"the model is truncated: it ends at byte {end}, and a field of {name} at byte"
                f" {pos} needs at least {missing} more"
            )
        return InvalidModelError(
            f"{name} at byte {pos}: a field runs {missing} bytes past its message's end at {end}"
        )


def varints(data: bytes) -> list[int]:
    """The unsigned varints that fill `data`; ValueError if the last is cut off or one is too long.

    The bytes must be complete: an element never ends outside.
    """
    if data.isascii():  # all below 128: each byte is an element
        return list(data)
    if data[-1] > 127:
        raise ValueError("packs integers of which the last is cut off")
    out: list[int] = []
    value = shift = 0
    for byte in data:
        if byte > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:  # a tenth byte may follow, an eleventh may not
                raise ValueError("packs an integer that exceeds 64 bits")
        else:
            out.append(value | byte << shift)
            value = shift = 0
    if max(out) >> 64:
        raise ValueError("packs an integer that exceeds 64 bits")
    return out


def _tagged_varints(data: bytes, tag: int, out: list[int]) -> int:
    """Take signed varints that each follow a tag, and as many as are whole; gives their bytes."""
    at, last = 0, len(data) - 1
    try:
        while at < last and data[at] == tag:
            value = data[at + 1]
            after = at + 2
            if value > 127:
                value, after = _varint(data, at + 1)
            out.append(value - (1 << 64) if value >> 63 else value)
            at = after
    except (IndexError, ValueError):
        pass  # cut off by the window, or damaged, which the message's own reading tells
    return at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at a position and the position behind it; IndexError if the data ends before."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                break
            return value, at
        shift += 7
    raise ValueError("a varint exceeds 64 bits")
