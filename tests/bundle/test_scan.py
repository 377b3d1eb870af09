"""What of JavaScript is code: comments, strings, templates and regular expressions are not."""

from __future__ import annotations

import pytest
from wasmkiln.bundle.scan import ScanError, masked, uncommented


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a('b', \"c\");", "a(' ', \" \");"),
        ("a('\\'b');", "a('   ');"),
        ("a(); // b'\nc();", "a();      \nc();"),
        ("a /* ' */ / b / c;", "a         / b / c;"),
        ("`a ${b} c`;", "`   {b}  `;"),
        ("`a ${b ? `c ${d}` : ''} e`;", "`   {b ? `   {d}` : ''}  `;"),
        ("`a ${{ b: {} }.b}`;", "`   {{ b: {} }.b}`;"),
        ("`\\`${'}'}$`;", "`   {' '} `;"),
        ("x = /['\"`/]/.exec(y) / 2;", "x = /      /.exec(y) / 2;"),
        ("return /'/;", "return / /;"),
        ("(a + b) / c['d'] / e;", "(a + b) / c[' '] / e;"),
    ],
)
def test_texts_are_blank(source: str, expected: str) -> None:
    assert masked(source) == expected
    assert len(expected) == len(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("// a\nb();\n", "b();\n"),
        ("/**\n * a\n */\nb();\n", "b();\n"),
        ("const a = /** @type {B} */ (c);\n", "const a =  (c);\n"),
        ("a(); // b\nc();\n", "a();\nc();\n"),
        ("return/* a */b;\n", "return b;\n"),
        ("return /* a\n */ b;\n", "return\n b;\n"),
        ("a = '// b';\n\n\nc();\n", "a = '// b';\nc();\n"),
        ("a = `\n\n// b\n`;\n", "a = `\n\n// b\n`;\n"),
    ],
)
def test_comments_and_empty_lines_go(source: str, expected: str) -> None:
    assert uncommented(source) == expected


@pytest.mark.parametrize("source", ["a = 'b", "`a ${b", "`a", "/* a", "a = /b\n"])
def test_what_has_no_end_is_an_error(source: str) -> None:
    with pytest.raises(ScanError, match="line 1"):
        masked(source)
