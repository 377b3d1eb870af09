"""The request headers that choose among answers: Accept and its kin, If-None-Match and Range."""

from __future__ import annotations

from collections.abc import Sequence


def accepted_encodings(header: str) -> frozenset[str]:
    """The content codings that the client takes (RFC 9110, 12.5.3); those with q=0 are left out."""
    accepted = set()
    for item in header.split(","):
        name, _, parameter = item.partition(";")
        key, _, quality = parameter.strip().partition("=")
        if key.strip().lower() == "q" and not _quality(quality) > 0:
            continue
        accepted.add(name.strip().lower())
    return frozenset(accepted)


def preferred_type(header: str, offers: Sequence[str]) -> str:
    """Of the media types on offer the one that Accept likes best (RFC 9110, 12.5.1).

    Of those liked alike it is the first, and so it is where none is accepted.
    """
    wishes: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        qualities = [p.partition("=")[2] for p in parameters if p.partition("=")[0].strip() == "q"]
        wishes[name] = _quality(qualities[0]) if qualities else 1.0

    def wish(offer: str) -> float:
        group = offer.partition("/")[0] + "/*"
        return next((wishes[name] for name in (offer, group, "*/*") if name in wishes), 0.0)

    return max(offers, key=wish)


def matches_etag(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names this ETag; weak comparison, as RFC 9110 (13.1.2) wants it."""
    if header is None:
        return False
    candidates = [item.strip() for item in header.split(",")]
    return "*" in candidates or any(item.removeprefix("W/") == etag for item in candidates)


class RangeNotSatisfiableError(ValueError):
    """The range lies behind the end of the file."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, last) of a single byte range, or None where the header is to be ignored.

    RFC 9110 (14.2) lets a server ignore what it doesn't know: several ranges, and malformed ones.
    """
    if header is None:
        return None
    unit, _, value = header.partition("=")
    start, dash, end = value.strip().partition("-")
    digits = all(part == "" or (part.isascii() and part.isdigit()) for part in (start, end))
    if unit.strip().lower() != "bytes" or not dash or not digits or len(value) > 40:
        return None
    if start == "":
        if end == "":
            return None
        length = min(int(end), size)
        if not length:
            raise RangeNotSatisfiableError(header)
        return size - length, size - 1
    first, last = int(start), min(int(end), size - 1) if end else size - 1
    if end and int(end) < first:
        return None
    if first >= size:
        raise RangeNotSatisfiableError(header)
    return first, last


def _quality(value: str) -> float:
    """A quality value; 0 where it can't be read."""
    try:
        return float(value)
    except ValueError:
        return 0.0
