"""Reads and writes xfail.txt: the tests whose models we refuse, one `name — reason` a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["read_xfail", "reason", "write_xfail"]

FILE = Path(__file__).with_name("xfail.txt")
_SEPARATOR = " — "


def read_xfail() -> dict[str, str]:
    """The reasons by name. ValueError for a line that is not `name — reason`, or comes twice."""
    out: dict[str, str] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        name, separator, why = line.partition(_SEPARATOR)
        if not separator or not why or name in out:
            raise ValueError(f"{FILE.name}: {line!r} is not a new 'name{_SEPARATOR}reason'")
        out[name] = why
    return out


def write_xfail(reasons: Mapping[str, str]) -> None:
    """Replace the file, sorted by name."""
    lines = [f"{name}{_SEPARATOR}{reasons[name]}\n" for name in sorted(reasons)]
    FILE.write_text("".join(lines), encoding="utf-8")


def reason(message: str) -> str:
    """An error's message without what differs between tests of one kind: names and types."""
    line = message.splitlines()[0]
    line = re.sub(r"'[^']*' \(since opset \d+; inputs [^)]*\)", "", line)
    line = re.sub(r": (?:graph|\S+) '[^']*'(?: and \d+ more)?$", "", line)
    line = re.sub(r": \S+ giving '[^']*'(?: and \d+ more)?$", "", line)
    line = re.sub(r" \((?:in|out)put '[^']*'\)", "", line)
    line = re.sub(r"(in|out)put '[^']*' is", r"an \1put is", line)
    return " ".join(line.split()).replace(" :", ":")
