"""Character classes of RE2 as ranges of code points."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby

__all__ = [
    "ESCAPES", "PERL", "POSIX", "Ranges", "category", "complement", "in_brackets", "span",
]  # fmt: skip

Ranges = tuple[tuple[int, int], ...]
LAST = 0x10FFFF


def _ranges(pairs: str) -> Ranges:
    """Each two characters are the first and the last of a range."""
    return tuple((ord(a), ord(b)) for a, b in zip(pairs[::2], pairs[1::2], strict=True))


# What a backslash makes of a letter.
ESCAPES = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

PERL = {"d": _ranges("09"), "s": _ranges("\t\n\f\r  "), "w": _ranges("09AZ__az")}

POSIX = {
    "alnum": _ranges("09AZaz"),
    "alpha": _ranges("AZaz"),
    "ascii": _ranges("\0\x7f"),
    "blank": _ranges("\t\t  "),
    "cntrl": _ranges("\0\x1f\x7f\x7f"),
    "digit": _ranges("09"),
    "graph": _ranges("!~"),
    "lower": _ranges("az"),
    "print": _ranges(" ~"),
    "punct": _ranges("!/:@[`{~"),
    "space": _ranges("\t\r  "),
    "upper": _ranges("AZ"),
    "word": _ranges("09AZ__az"),
    "xdigit": _ranges("09AFaf"),
}

_CATEGORY = re.compile("C[cfo]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")


def span(char: str) -> Ranges:
    """The class of a single character."""
    return ((ord(char), ord(char)),)


def complement(ranges: Ranges) -> Ranges:
    """Every character that is in none of the ranges."""
    out, at = [], 0
    for low, high in sorted(ranges):
        if low > at:
            out.append((at, low - 1))
        at = max(at, high + 1)
    if at <= LAST:
        out.append((at, LAST))
    return tuple(out)


@cache
def category(name: str) -> Ranges | None:
    """The characters of a general category of Unicode, such as Lu or L; None: it is none."""
    if name == "Any":
        return ((0, LAST),)
    if not _CATEGORY.fullmatch(name):
        return None
    from unicodedata import category as of

    out = []
    # Characters without a meaning belong to no class.
    inside = (of(chr(c)).startswith(name) and of(chr(c)) != "Cn" for c in range(LAST + 1))
    at = 0
    for found, run in groupby(inside):
        n = sum(1 for _ in run)
        if found:
            out.append((at, at + n - 1))
        at += n
    return tuple(out)


def in_brackets(ranges: Ranges, negated: bool) -> str:
    """The class as Python's `re` takes it."""
    if not ranges:
        return "(?s:.)" if negated else "(?!)"
    text = "".join(
        _shown(low) if low == high else f"{_shown(low)}-{_shown(high)}" for low, high in ranges
    )
    return f"[{'^' if negated else ''}{text}]"


def _shown(code: int) -> str:
    return f"\\U{code:08x}"
