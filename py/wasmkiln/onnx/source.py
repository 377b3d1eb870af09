"""Where a model's bytes come from: memory, a file, or whatever else can hand out a range."""

from __future__ import annotations

import os
import stat
import sys
from typing import Protocol

from ..errors import InvalidModelError, NoSuchFile
from ..record import record

__all__ = ["ByteSource", "FileSource", "MemorySource", "Source", "as_source"]


class ByteSource(Protocol):
    """Bytes that are read by range, so that weights never have to pass through Python.

    A host may add its own (a JavaScript buffer, say). Reads are few and of many bytes each,
    because a crossing into a host costs more than the copy.
    """

    @property
    def size(self) -> int:
        """The number of bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; the caller has checked them against `size`."""
        ...


@record
class MemorySource:
    """Bytes at hand."""

    data: bytes | memoryview

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """A copy of the range."""
        return bytes(self.data[offset : offset + length])


class FileSource:
    """A file, opened anew for each read so that no handle has to be closed."""

    def __init__(self, path: str) -> None:
        """NoSuchFile if there is none, InvalidModelError if it can't be read."""
        try:
            found = os.stat(path)
        except FileNotFoundError as error:
            raise NoSuchFile(f"cannot read {path}: {_reason(error)}") from error
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise InvalidModelError(f"cannot read {path}: {_reason(error)}") from error
        if stat.S_ISDIR(found.st_mode):
            raise InvalidModelError(f"cannot read {path}: it is a folder")
        self.path = path
        self.size = found.st_size

    def read(self, offset: int, length: int) -> bytes:
        """The range, read from the file; InvalidModelError if the file has become shorter."""
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(offset)
                data = _read_all(file.read, length)
        except OSError as error:
            raise InvalidModelError(f"cannot read {self.path}: {_reason(error)}") from error
        if len(data) != length:
            raise InvalidModelError(f"{self.path} has become shorter while it was read")
        return data


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class _Read(Protocol):
    def __call__(self, length: int, /) -> bytes | None: ...


def _read_all(read: _Read, length: int) -> bytes:
    """Read until `length` bytes or the end: one raw read may give less (2 GiB on Linux)."""
    data = read(length) or b""
    while len(data) < length and (more := read(length - len(data))):
        data += more
    return data


Source = bytes | bytearray | memoryview | str | os.PathLike[str] | ByteSource


def as_source(source: Source) -> ByteSource:
    """The source for bytes, a path, or something that already is a source.

    In the browser it may also be JavaScript's: an ArrayBuffer or a typed array.
    """
    if isinstance(source, bytes):
        return MemorySource(source)
    if isinstance(source, (bytearray, memoryview)):
        return MemorySource(memoryview(source).cast("B").toreadonly())
    if isinstance(source, (str, os.PathLike)):
        return FileSource(os.fspath(source))
    if sys.platform == "emscripten":
        from .js_source import js_source

        return js_source(source) or source
    return source
