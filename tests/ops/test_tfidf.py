"""TfIdfVectorizer against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, LimitError, ShapeError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ops.base import create

from .check import check_op

WORDS: dict[str, Any] = {
    "mode": "TF",
    "min_gram_length": 1,
    "max_gram_length": 3,
    "max_skip_count": 0,
    "ngram_counts": (0, 3, 7),
    "ngram_indexes": (5, 0, 3, 1, 4, 2),
    "pool_strings": ("a", "b", "c", "a", "b", "b", "b", "a", "b", "c"),
    "weights": (2.0, 3.0, 5.0, 7.0, 11.0, 13.0),
}
NUMBERS = {k: v for k, v in WORDS.items() if k != "pool_strings"} | {
    "pool_int64s": (1, 2, 3, 1, 2, 2, 2, 1, 2, 3)
}


def rows(*shape: int, dtype: str = "O") -> Any:
    x = np.random.default_rng(len(shape)).integers(1, 5, shape)
    return np.array(["-abcd"[i] for i in x.flat], object).reshape(shape) if dtype == "O" else (
        x.astype(dtype)
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("skips", [0, 1, 5, 99])
@pytest.mark.parametrize("lengths", [(1, 1), (1, 2), (2, 2), (1, 3), (3, 3)])
def test_modes(lengths: tuple[int, int], skips: int, mode: str) -> None:
    least, most = lengths
    given = {"mode": mode, "max_skip_count": skips, "min_gram_length": least}
    given["max_gram_length"] = most
    check_op("TfIdfVectorizer", rows(3, 11), **(WORDS | given))
    check_op("TfIdfVectorizer", rows(11, dtype="i8"), **(NUMBERS | given))
    check_op("TfIdfVectorizer", rows(2, 9, dtype="i4"), **(NUMBERS | given))


def test_without_weights_and_items() -> None:
    named = {k: v for k, v in WORDS.items() if k != "weights"}
    for mode in ("IDF", "TFIDF"):
        check_op("TfIdfVectorizer", rows(2, 9), **(named | {"mode": mode}))
    check_op("TfIdfVectorizer", rows(0), **WORDS)
    check_op("TfIdfVectorizer", rows(2, 0), **WORDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "tf"}, "mode is 'tf', which is none of"),
        ({"min_gram_length": 0}, "lengths 0 to 3 with 3 ngram_counts"),
        ({"max_gram_length": 4}, "lengths 1 to 4 with 3 ngram_counts"),
        ({"max_skip_count": -1}, "max_skip_count is -1"),
        ({"pool_int64s": (1,)}, "one of pool_int64s and pool_strings must be given"),
        ({"pool_strings": ()}, "one of pool_int64s and pool_strings must be given"),
        ({"ngram_indexes": (0, 1, -1, 2, 3, 4)}, "ngram_indexes are empty or negative"),
        ({"weights": (1.0,)}, "1 weights for 6 ngram_indexes"),
        ({"ngram_counts": (0, 3, 8)}, "2-grams from 3 to 8 in a pool of 10 items"),
        ({"ngram_counts": (0, 11, 7)}, "1-grams from 0 to 11 in a pool"),
        ({"ngram_counts": (0, -1, 7)}, "1-grams from 0 to -1 in a pool"),
        ({"ngram_indexes": (0, 1), "weights": ()}, "2 ngram_indexes do not suit all n-grams"),
        ({"pool_strings": tuple("abaabbbabc")}, r"the pool holds \('a',\) twice"),
    ],
)
def test_pools_that_contradict_themselves(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        create("", "TfIdfVectorizer", 9, WORDS | changes)


def test_wrong_inputs() -> None:
    op = create("", "TfIdfVectorizer", 9, NUMBERS)
    for shape in ((1, 1, 1), (), (0, 2)):
        x = Const.of(I64, shape, (1,) * int(np.prod(shape)))
        with pytest.raises(ShapeError, match=r"^X is i64\[.*\], \[C\] or \[N,C\] is expected$"):
            op.evaluate(x)
    with pytest.raises(ShapeError, match=r"^X is f32\[1\], the pool holds integers$"):
        op.evaluate(Const.of(F32, (1,), (1,)))
    with pytest.raises(ShapeError, match=r"^X is i64\[1\], the pool holds strings$"):
        create("", "TfIdfVectorizer", 9, WORDS).evaluate(Const.of(I64, (1,), (1,)))


def test_a_column_far_away_is_refused() -> None:
    named = NUMBERS | {"ngram_indexes": (1 << 40, 1, 2, 3, 4, 5)}
    with pytest.raises(LimitError, match=r"^the result would be f32\[1099511627777\]$"):
        create("", "TfIdfVectorizer", 9, named).evaluate(Const.of(I64, (1,), (1,)))


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
def test_ngrams_that_share_a_column(mode: str) -> None:
    named = NUMBERS | {"mode": mode, "ngram_indexes": (0, 2, 2, 0, 2, 0)}
    check_op("TfIdfVectorizer", rows(5, 9, dtype="i8"), **named)
