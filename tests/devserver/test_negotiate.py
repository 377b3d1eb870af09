"""Accept, Accept-Encoding, If-None-Match and Range, as RFC 9110 reads them."""

from __future__ import annotations

import pytest
from wasmkiln.devserver.negotiate import (
    RangeNotSatisfiableError,
    accepted_encodings,
    matches_etag,
    parse_range,
    preferred_type,
)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br", {"gzip", "deflate", "br"}),
        ("GZIP;q=0.5, br;q=0", {"gzip"}),
        ("gzip; q=0.000", set()),
        ("gzip;q=x", set()),
    ],
)
def test_accepted_encodings(header: str, accepted: set[str]) -> None:
    assert accepted_encodings(header) == accepted


@pytest.mark.parametrize(
    ("header", "preferred"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "application/json"),
        ("application/json;q=0.5, text/html;q=0.9", "text/html"),
        ("Application/JSON;v=1;Q=0.9, text/*;q=0.8", "application/json"),
        ("application/json;q=x, */*;q=0.1", "text/html"),
        ("image/png", "text/html"),
    ],
)
def test_preferred_type(header: str, preferred: str) -> None:
    assert preferred_type(header, ("text/html", "application/json")) == preferred


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        (None, False),
        ('"a"', True),
        ('"b"', False),
        ('"b", W/"a"', True),
        ("*", True),
        ("a", False),
    ],
)
def test_matches_etag(header: str | None, matches: bool) -> None:
    assert matches_etag(header, '"a"') is matches


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 0)),
        ("bytes=2-", (2, 9)),
        ("bytes=2-100", (2, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-100", (0, 9)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("bytes=²-", None),
        ("lines=0-1", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_parse_range_of_ten_bytes(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(RangeNotSatisfiableError):
        parse_range(header, 10)
