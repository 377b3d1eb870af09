"""Strings: against onnxruntime where it agrees with ONNX and needs no locale, else as ONNX says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.ops.base import create

from .check import Array, check_op


def strings(*texts: str, shape: tuple[int, ...] = (-1,)) -> Array:
    return np.array(texts, object).reshape(shape)


def evaluated(op_type: str, *inputs: Const, **attributes: Any) -> list[Any]:
    outputs = create("", op_type, 21, attributes).evaluate(*inputs)
    assert outputs is not None
    return [o.texts() if isinstance(o.data, tuple) else o.values() for o in outputs]


def of(*texts: str) -> Const:
    return Const.strings((len(texts),), texts)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 1), (3,)), ((), (2, 2)), ((0,), (1,))])
def test_concat(shapes: tuple[tuple[int, ...], ...]) -> None:
    x, y = (strings(*("é€𝄞abcd"[i] for i in range(int(np.prod(s)))), shape=s) for s in shapes)
    check_op("StringConcat", x, y)
    check_op("StringConcat", x, y, const=[1])


def test_concat_of_numbers_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"^Y is f32\[1\], a tensor of strings is expected$"):
        evaluated("StringConcat", of("a"), Const.of(F32, (1,), (1.0,)))


@pytest.mark.parametrize("maxsplit", [None, 0, 1, 2, 9])
@pytest.mark.parametrize("delimiter", [None, "", ",", "ab"])
def test_split(delimiter: str | None, maxsplit: int | None) -> None:
    x = strings("a b  c ", "  d", " ", "", "a,b,,c", "abxabab", shape=(2, 3))
    if delimiter:
        x[0, 2:] = "x"  # see test_split_of_nothing
        x[1, 0] = "x"
    given = {"delimiter": delimiter, "maxsplit": maxsplit}
    named = {name: value for name, value in given.items() if value is not None}
    check_op("StringSplit", x, outputs=2, **named)


def test_split_of_nothing() -> None:
    """Between no delimiters lies an empty string, for onnxruntime nothing."""
    assert evaluated("StringSplit", of("", ","), delimiter=",") == [("", "", "", ""), (1, 2)]
    check_op("StringSplit", strings(shape=(2, 0)), outputs=2)
    check_op("StringSplit", strings("", ""), outputs=2)


def test_split_at_any_whitespace() -> None:
    """As in ONNX; onnxruntime splits at spaces only."""
    assert evaluated("StringSplit", of("a\tb\n c\u2003d"))[0] == ("a", "b", "c", "d")


@pytest.mark.parametrize("shape", [(5,), (1, 5)])
def test_normalizer_without_a_locale(shape: tuple[int, ...]) -> None:
    x = strings("monday", "Monday", "été", "", "monday", shape=shape)
    attributes: dict[str, Any] = {"is_case_sensitive": 1, "stopwords": ["monday", "x"]}
    check_op("StringNormalizer", x, **attributes)
    check_op("StringNormalizer", x[..., :1], **attributes)


@pytest.mark.parametrize(
    ("action", "sensitive", "expected"),
    [
        ("NONE", False, ("Été", "ß", "ΑΣ")),
        ("LOWER", False, ("été", "ß", "\u03b1\u03c3")),
        ("UPPER", False, ("ÉTÉ", "ß", "ΑΣ")),
        ("LOWER", True, ("monday", "été", "ß", "\u03b1\u03c3")),
        ("UPPER", True, ("MONDAY", "ÉTÉ", "ß", "ΑΣ")),
    ],
)
def test_case(action: str, sensitive: bool, expected: tuple[str, ...]) -> None:
    x = of("Monday", "MONDAY", "Été", "ß", "ΑΣ")
    stop = ("MONDAY",)
    given = {"case_change_action": action, "is_case_sensitive": sensitive, "stopwords": stop}
    assert evaluated("StringNormalizer", x, **given) == [expected]


def test_case_of_single_characters() -> None:
    assert evaluated("StringNormalizer", of("İ\u0131 ﬁ ᾳ"), case_change_action="UPPER") == [
        ("İI ﬁ ᾼ",)
    ]
    assert evaluated("StringNormalizer", of("İ\u0131"), case_change_action="LOWER") == [
        ("i\u0131",)
    ]


def test_normalizer_errors() -> None:
    with pytest.raises(ShapeError, match=r"^X is string\[2,1\], \[C\] or \[1,C\] is expected$"):
        evaluated("StringNormalizer", Const.strings((2, 1), ("a", "b")))
    with pytest.raises(InvalidModelError, match="case_change_action is 'lower', which is none of"):
        create("", "StringNormalizer", 21, {"case_change_action": "lower"})
    with pytest.raises(UnsupportedOperatorError, match="the case rules of locale 'tr_TR'"):
        create("", "StringNormalizer", 21, {"locale": "tr_TR"})


def test_regex() -> None:
    x = strings("a@example.com", "b@example.org", "", "é@x", shape=(2, 2))
    check_op("RegexFullMatch", x, pattern=r"\w+@[a-z]+\.(?:com|net)")
