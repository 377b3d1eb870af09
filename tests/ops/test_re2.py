"""Patterns of RE2: what they match, and which are refused, against onnxruntime, which has RE2."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import InvalidModelError, UnsupportedOperatorError
from wasmkiln.ops.re2 import MAX_DEPTH, compile_re2

TEXTS = (
    *"_@éyabkK\u017fsS\nA1٣]BCc-[{ Ⅷ:xΣςÉ\0\1\t&",
    *("", "\u212a", "ab", "a{2", "a{x}", "a{,5}", "aa", "a#b c", "Ab", "aK", "ßx", "xx", "é1"),
    *("a\n", "\na", "xa.b", "a\\", "\a\f\t\v\r\n"),
)

PATTERNS = r"""
    \_ \@ \é \y
    \0 \01 \18 \12 \123 \x4 \x{} \xZZ \x41 \x{10FFFF} \x{110000} \Q \Qab \Qa.b\E x\Qa.b\E
    []a] [^]a] [a-\d] [z-a] [\d-z] [a\Qb\E] [[a] [a-] [-a] [a-b-c] [\b] [a [] [\Q]\E] [\pN] [^\pN]
    [\W] [\x41-C] [^a] [^\d\s] [[:word:]] [[:^digit:]] [[:foo:]] [[:punct:]] [[:space:]] [:alpha:]
    ^*a (?:)* (*) *a a|* a{1001} a{2,1} a{2 a{x} { a{0} a{2} a{1,} a{,5} a{2}? a{2}{2} x{0,1000}
    a** a*?* a??? a?? (?:a*)* (?U)a*? a++ a|b| () (a)\1 (a|b)*?
    (?i (?i-s:a) (?-) (?)a (?i-)a (?is)a. (?x)a (?^:a) (?#c)a (?=a)a (?!b)a (?<=a) (?>a) (?P=n)
    (?P<n>a)(?P<n>b) (?P<1>a) (?<n>a) (?m)^a$ (?m)(?-m)^a$ ^^a a$ $ ^ a\Z \z a\z \Aa \G
    (?m)a$\n \n^a (?m)\n^a
    \pN \PN \p{Lu} \p{^Lu} \P{^Lu} \pLu \p{Any} \p{L1} \b \B \Ba \bab\b .\b. \X \R \h a) (a a\\
    . (?s). \d \D \s \S \w \W (?i)[k] (?i)K (?i)[^k] a(?i)b|c (?i)[[:upper:]] (?i)\w (?i)\PL
    (?i)[^a-z] (?i)Σ (?i)(?-i:k) ((?i)k)k|a(?i)k (?i)[\w] (?i)é (?i)[A-c] \p{N}\p{L}* é1? [é-Σ]
    \a\f\t\v\r\n a#b[ ]c ~&|-- [a&&b] [a||b] [a--b] [a~~b]
"""


def by_onnxruntime(pattern: str) -> list[bool] | None:
    """Which texts match; None if the pattern is refused."""
    node = helper.make_node("RegexFullMatch", ["x"], ["y"], pattern=pattern)
    x = helper.make_tensor_value_info("x", TensorProto.STRING, [len(TEXTS)])
    y = helper.make_tensor_value_info("y", TensorProto.BOOL, [len(TEXTS)])
    graph = helper.make_graph([node], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    except Exception as error:
        assert "Invalid regex" in str(error)
        return None
    found: list[bool] = session.run(None, {"x": np.array(TEXTS, object)})[0].tolist()
    return found


@pytest.mark.parametrize("pattern", [*PATTERNS.split(), " +", "a b", "a\\", "(?i)\u017f"])
def test_matches(pattern: str) -> None:
    expected = by_onnxruntime(pattern)
    if expected is None:
        with pytest.raises((InvalidModelError, UnsupportedOperatorError)):
            compile_re2(pattern)
        return
    match = compile_re2(pattern).fullmatch
    assert [t for t in TEXTS if match(t)] == [
        t for t, found in zip(TEXTS, expected, strict=True) if found
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"\C", r"\\C, a single byte"),
        (r"\p{Greek}", r"class \\p\{Greek\}"),
        (r"(?i)[\W]", r"a negated class in brackets under \(\?i\)"),
        ("(" * (MAX_DEPTH + 1), f"groups are more than {MAX_DEPTH} deep"),
    ],
)
def test_what_only_re2_has_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=message):
        compile_re2(pattern)


def test_errors_name_the_place() -> None:
    with pytest.raises(InvalidModelError, match=r"^pattern 'ab\(\?=c\)', at 4: RE2 has no such"):
        compile_re2("ab(?=c)")
