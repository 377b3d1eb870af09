"""Copies of the page's scripts and style sheets without comments, which nobody reads on the wire.

Comments are a third of what the page would send. Line breaks stay, so that a line in an error is
the line in the source. Only what certainly is a comment goes: one that begins a line outside a
template literal, and JSDoc's casts; whatever looks doubtful stays.
"""

from __future__ import annotations

import re
from pathlib import Path

from wasmkiln.devserver.download import write_atomically

__all__ = ["LEAN", "lean", "lean_copy"]

LEAN = frozenset({".css", ".js"})
_CAST = re.compile(r"/\*\* @type [^*]*\*/ ?")
_BACKTICK = re.compile(r"\\.|`", re.DOTALL)


def lean(text: str) -> str:
    """The text without the comments that begin a line, and without casts."""
    lines = []
    in_comment = in_template = False
    for line in text.split("\n"):
        rest = line
        if in_template:
            in_template = not _toggles(line)
            lines.append(line)
            continue
        if in_comment:
            in_comment, rest = _after_comment(line)
        while not in_comment and rest.lstrip().startswith("/*"):
            in_comment, rest = _after_comment(rest.lstrip()[2:])
        if in_comment or rest.lstrip().startswith("//"):
            lines.append("")
            continue
        rest = _CAST.sub("", rest)
        in_template = _toggles(rest)
        lines.append(rest if rest.strip() else "")
    return "\n".join(lines)


def _after_comment(line: str) -> tuple[bool, str]:
    """Whether a comment goes on after the line, and what follows it."""
    _, end, rest = line.partition("*/")
    return not end, rest


def _toggles(line: str) -> bool:
    """Whether a template literal begins in the line and goes on after it, or ends in it."""
    return sum(match.group() == "`" for match in _BACKTICK.finditer(line)) % 2 == 1


def lean_copy(source: Path, target: Path) -> Path:
    """The lean copy of a file, made anew if the file has changed."""
    stamp = source.stat().st_mtime_ns
    if target.is_file() and target.stat().st_mtime_ns == stamp:
        return target
    write_atomically(target, lean(source.read_text("utf-8")).encode(), stamp)
    return target
