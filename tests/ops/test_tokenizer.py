"""com.microsoft.Tokenizer against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, UnsupportedOperatorError
from wasmkiln.ir.const import Const
from wasmkiln.ops.base import create

from tests.ops.check import check_op

TEXTS = np.array(["Hello, big world!", "a", "", "über  uns: b-c", "x y zz  "], dtype=object)
MODES = [
    {"separators": [" "]},
    {"separators": [" ", ",", "!", ":", "-"]},
    {"separators": [" ", "."]},
    {"separators": ["[ ,]+", "o"]},
    {"separators": [""]},
    {"tokenexp": "[a-z]+"},
    {"tokenexp": "[a-zA-Z0-9_]*"},
]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("mark", [0, 1])
@pytest.mark.parametrize("least", [1, 2])
def test_tokens(mode: dict[str, Any], mark: int, least: int) -> None:
    more = {"mark": mark, "mincharnum": least, "pad_value": "#", **mode}
    if mode.get("separators") == [""]:
        more["mincharnum"] = 1
    for shape in ((5,), (1, 5), (5, 1)):
        check_op("Tokenizer", TEXTS.reshape(shape), domain="com.microsoft", **more)


def tokenizer(**attributes: Any) -> Any:
    given = {"mark": 0, "mincharnum": 1, "pad_value": "#"} | attributes
    return create("com.microsoft", "Tokenizer", 1, given)


def test_errors() -> None:
    with pytest.raises(InvalidModelError, match="either separators or tokenexp"):
        tokenizer()
    with pytest.raises(InvalidModelError, match="either separators or tokenexp"):
        tokenizer(separators=(" ",), tokenexp="a")
    with pytest.raises(InvalidModelError, match="mincharnum is 0"):
        tokenizer(separators=(" ",), mincharnum=0)
    with pytest.raises(UnsupportedOperatorError, match="with alternatives"):
        tokenizer(tokenexp="a|ab")
    assert tokenizer(separators=(" ",)).evaluate(Const.strings((0,), ()))[0].shape == (0, 0)
