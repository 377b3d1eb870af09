"""The packed constants as they are stored: as they lie in memory, or large floats as halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..program.memory import RESERVED

__all__ = ["MIN_HALF_BYTES", "Range", "encode_constants", "shards"]

Range = list[int]  # address, bytes in memory, 1 where halves are stored

MIN_HALF_BYTES = 4096  # of the constants that may be halved: biases are small, and matter more


def encode_constants(
    data: memoryview, floats: Sequence[tuple[int, int]]
) -> tuple[list[Range], list[bytes]]:
    """Ranges of memory, in order, and the bytes that are stored for each.

    data: the memory from RESERVED on. floats: (address, bytes) of what may be stored as halves, if
    none of its values is too large for them.
    """
    ranges: list[Range] = []
    stored: list[bytes] = []
    at = 0
    for address, nbytes in sorted(floats):
        start = address - RESERVED
        halves = _halves(data[start : start + nbytes]) if start >= at else None
        if halves is None:
            continue
        if start > at:
            ranges.append([RESERVED + at, start - at])
            stored.append(bytes(data[at:start]))
        ranges.append([address, nbytes, 1])
        stored.append(halves)
        at = start + nbytes
    if at < len(data):
        ranges.append([RESERVED + at, len(data) - at])
        stored.append(bytes(data[at:]))
    return ranges, stored


def _halves(data: memoryview) -> bytes | None:
    """The f32 values as f16, or None where one would become infinite."""
    import numpy as np

    values = np.frombuffer(data, np.float32)
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    return halves.tobytes() if (np.isfinite(halves) == np.isfinite(values)).all() else None


def shards(stored: Sequence[bytes], nbytes: int) -> Iterator[bytes]:
    """All that is stored, in files of so many bytes at most."""
    room = bytearray()
    for data in stored:
        view = memoryview(data)
        while view:
            part = view[: nbytes - len(room)]
            room += part
            view = view[len(part) :]
            if len(room) == nbytes:
                yield bytes(room)
                room.clear()
    if room:
        yield bytes(room)
