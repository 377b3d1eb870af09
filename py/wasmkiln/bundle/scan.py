"""JavaScript in pieces: what is code, and what is a comment or a text, in which nothing is code.

Texts are strings, regular expressions, and templates but for the code in their `${}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

__all__ = ["ScanError", "masked", "uncommented"]

_PIECE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
    |(?P<template>`)
    |(?P<open>\{)
    |(?P<close>\})
    |(?P<slash>/)
    |(?P<code>[^'"`/{}]+)""",
    re.VERBOSE | re.DOTALL,
)
_TEMPLATE = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?P<end>`|\$\{)", re.DOTALL)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
# After these a slash divides; after anything else it begins a regular expression.
_VALUE = re.compile(r"""[\w$)\]}'"`]\s*$""")
_OPERATOR = re.compile(r"\b(?:await|case|delete|in|of|return|throw|typeof|void|yield)\s*$")


class ScanError(ValueError):
    """A text that has no end, or another form that is no JavaScript."""


def uncommented(source: str) -> str:
    """The source without comments, and without lines that are empty then."""
    text = ""
    for kind, part in pieces(source):
        text += _gap(part, text[-1:]) if kind == "comment" else part
    lines, begin = [], 0
    for end in (match.start() for match in re.finditer("\n", masked(text))):
        lines.append(text[begin:end].rstrip(" \t"))
        begin = end + 1
    lines.append(text[begin:])
    return "\n".join(line for line in lines if line) + "\n"


def masked(source: str) -> str:
    """The source, of the same length, with spaces for what comments and texts consist of.

    The first and the last character of a text stay, and so do line breaks of code.
    """
    return "".join(_BLANK[kind](part) for kind, part in pieces(source))


def pieces(source: str) -> Iterator[tuple[str, str]]:
    """The kind ('code', 'comment' or 'text') and the characters of each piece, in order."""
    at, before = 0, ""  # `before`: the last code or text, by which a slash is understood
    depths: list[int] = []  # of braces, in each template that is not at its end
    while at < len(source):
        match = _PIECE.match(source, at)
        if match is None:
            raise ScanError(f"line {_line(source, at)}: a text has no end")
        kind, part = match.lastgroup or "", match.group()
        if kind == "close" and depths and depths[-1] == 0:
            depths.pop()
            kind = "template"
        elif depths:
            depths[-1] += (kind == "open") - (kind == "close")
        if kind == "template":
            part += _template(source, match.end())
            if part.endswith("${"):
                depths.append(0)
        elif kind == "slash" and (_OPERATOR.search(before) or not _VALUE.search(before)):
            part, kind = _regex(source, at), "text"
        yield _KINDS.get(kind, "code"), part
        if kind != "comment":
            before = part if part.strip() else before
        at += len(part)
    if depths:
        raise ScanError(f"line {_line(source, at)}: a template has no end")


_KINDS = {"comment": "comment", "text": "text", "template": "text"}
_BLANK: Mapping[str, Callable[[str], str]] = {
    "code": lambda part: part,
    "comment": lambda part: " " * len(part),
    "text": lambda part: part[0] + " " * (len(part) - 2) + part[-1:] * (len(part) > 1),
}


def _template(source: str, at: int) -> str:
    match = _TEMPLATE.match(source, at)
    if match is None:
        raise ScanError(f"line {_line(source, at)}: a template has no end")
    return match.group()


def _regex(source: str, at: int) -> str:
    match = _REGEX.match(source, at)
    if match is None:
        raise ScanError(f"line {_line(source, at)}: a slash that begins nothing")
    return match.group()


def _gap(comment: str, before: str) -> str:
    """What a comment is to the code around it."""
    return "\n" if "\n" in comment else " " if before.isalnum() else ""


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1
