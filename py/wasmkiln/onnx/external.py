"""Finds the files beside a model that hold its external data, and nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from ..errors import ExternalDataError
from .proto import StringStringEntry
from .source import ByteSource, FileSource, as_source

__all__ = ["External", "Files", "parse_location"]

# What a caller gives: sources or bytes by location, or the folder that the model lies in.
External = Mapping[str, ByteSource | bytes] | str | os.PathLike[str]


class Files:
    """The model's file and the external files that it names; a Span's `file` indexes them."""

    def __init__(self, model: ByteSource, external: External | None = None) -> None:
        self.sources: list[ByteSource] = [model]
        self._external = external
        self._index: dict[str, int] = {}

    def index(self, location: str) -> int:
        """The number of the external file at a location, which is opened at its first use."""
        path = _relative(location)
        if path not in self._index:
            self._index[path] = len(self.sources)
            self.sources.append(self._open(path))
        return self._index[path]

    def _open(self, path: str) -> ByteSource:
        external = self._external
        if external is None:
            raise ExternalDataError(f"the model needs the file '{path}', which was not given")
        if isinstance(external, Mapping):
            if path not in external:
                given = ", ".join(sorted(f"'{name}'" for name in external)) or "none"
                raise ExternalDataError(f"the model needs the file '{path}'; given: {given}")
            return as_source(external[path])
        return _open_in(os.fspath(external), path)


def _relative(location: str) -> str:
    """The location with plain steps only; ExternalDataError where it could leave the folder."""
    parts = [part for part in location.split("/") if part not in ("", ".")]
    if (
        not parts
        or location.startswith("/")
        or ".." in parts
        or any(c in location for c in "\\\0")
        or location[1:2] == ":"
    ):
        raise ExternalDataError(
            f"external data location {location[:200]!r} is not a relative path inside the"
            " model's folder"
        )
    return "/".join(parts)


def _open_in(folder: str, path: str) -> FileSource:
    """A regular file in a folder. Symbolic links may not lead out of it."""
    root = os.path.realpath(folder)
    full = os.path.realpath(os.path.join(root, path))
    if os.path.commonpath((root, full)) != root:
        raise ExternalDataError(f"external data file '{path}' links to outside {folder}")
    try:
        mode = os.stat(full).st_mode
    except OSError as error:
        raise ExternalDataError(
            f"the model needs the file '{path}' in {folder}: {error.strerror}"
        ) from None
    if not stat.S_ISREG(mode):
        raise ExternalDataError(f"external data '{path}' in {folder} is not a regular file")
    return FileSource(full)


def parse_location(pairs: tuple[StringStringEntry, ...]) -> tuple[str, int, int | None]:
    """Location, offset and length (None: to the end) of a tensor's external data.

    A checksum is not verified, because that would read every weight.
    """
    entries = {pair.key: pair.value for pair in pairs}
    if "location" not in entries:
        raise ExternalDataError("external data has no location")
    offset = _number(entries.get("offset") or "0", "offset")
    length = entries.get("length")
    return entries["location"], offset, _number(length, "length") if length else None


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ExternalDataError(f"external data {what} {text[:40]!r} is not a number")
    return int(text)
