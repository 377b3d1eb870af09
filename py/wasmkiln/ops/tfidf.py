"""TfIdfVectorizer: how often the n-grams of a pool occur in rows of words or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..errors import InvalidModelError, LimitError, ShapeError
from ..ir.const import Const
from ..ir.dtype import F32, I32, I64, STRING
from ..ir.types import TensorType
from ..ir.value import Value
from .base import Attribute, register
from .hosted import HostOp, tensor

__all__: list[str] = []

MAX_OUTPUT = 1 << 28  # elements of the result

Trie = dict[int | str, tuple[list[int], Any]]
"""By an item: the number of the n-gram that ends here, if one does, and how n-grams go on."""


@register("TfIdfVectorizer", since=9)
class TfIdfVectorizer(HostOp):
    """For each row: counts of n-grams (TF), weights of those there are (IDF), or products (TFIDF).

    pool_strings or pool_int64s: all n-grams, those of one length after those of shorter ones.
    ngram_counts: where each length begins. ngram_indexes: the output column of each n-gram.
    Between the items of an n-gram may lie up to max_skip_count others, always equally many.
    weights: of the n-grams. Of those that share a column, the last one found tells its IDF.
    """

    mode: str
    min_gram_length: int
    max_gram_length: int
    max_skip_count: int
    ngram_counts: tuple[int, ...]
    ngram_indexes: tuple[int, ...]
    pool_int64s: tuple[int, ...] = ()
    pool_strings: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    _trie: ClassVar[Trie]  # each operator's own, but no attribute

    def __init__(self, **attributes: Attribute) -> None:
        super().__init__(**attributes)
        self._check()
        object.__setattr__(self, "_trie", self._read_pool())

    def _check(self) -> None:
        lengths = self.min_gram_length, self.max_gram_length
        if self.mode not in ("TF", "IDF", "TFIDF"):
            raise InvalidModelError(f"mode is '{self.mode}', which is none of TF, IDF, TFIDF")
        if not 1 <= lengths[0] <= lengths[1] <= len(self.ngram_counts):
            raise InvalidModelError(
                f"lengths {lengths[0]} to {lengths[1]} with {len(self.ngram_counts)} ngram_counts"
            )
        if self.max_skip_count < 0:
            raise InvalidModelError(f"max_skip_count is {self.max_skip_count}")
        if bool(self.pool_int64s) == bool(self.pool_strings):
            raise InvalidModelError("one of pool_int64s and pool_strings must be given")
        if min(self.ngram_indexes, default=-1) < 0:
            raise InvalidModelError("ngram_indexes are empty or negative")
        if self.weights and len(self.weights) != len(self.ngram_indexes):
            raise InvalidModelError(
                f"{len(self.weights)} weights for {len(self.ngram_indexes)} ngram_indexes"
            )

    def _read_pool(self) -> Trie:
        pool: Sequence[int | str] = self.pool_strings or self.pool_int64s
        trie: Trie = {}
        number = 0  # of the next n-gram
        ends = (*self.ngram_counts[1:], len(pool))
        for length, (start, end) in enumerate(zip(self.ngram_counts, ends, strict=True), 1):
            if not 0 <= start <= end <= len(pool) or (end - start) % length:
                raise InvalidModelError(
                    f"{length}-grams from {start} to {end} in a pool of {len(pool)} items"
                )
            for at in range(start, end, length):
                if number >= len(self.ngram_indexes):
                    raise InvalidModelError(
                        f"{len(self.ngram_indexes)} ngram_indexes do not suit all n-grams"
                    )
                if self.min_gram_length <= length <= self.max_gram_length:
                    _add(trie, pool[at : at + length], number)
                number += 1
        return trie

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """A column for each number up to the greatest of ngram_indexes."""
        if x.rank not in (1, 2) or x.shape[:-1] == (0,):
            raise ShapeError(f"X is {x}, [C] or [N,C] is expected")
        if x.dtype not in ((STRING,) if self.pool_strings else (I32, I64)):
            kind = "strings" if self.pool_strings else "integers"
            raise ShapeError(f"X is {x}, the pool holds {kind}")
        out = TensorType(F32, (*x.shape[:-1], max(self.ngram_indexes) + 1))
        if out.size > MAX_OUTPUT:
            raise LimitError(f"the result would be {out}")
        return (out,)

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """Row by row."""
        given = tensor(x, "X")
        (t,) = self.infer(TensorType(given.dtype, given.shape))
        items = given.texts() if given.dtype == STRING else given.ints()
        columns, length = t.shape[-1], given.shape[-1]
        out: list[float] = [0.0] * t.size
        for row in range(t.size // columns):
            counts = self._counts(items[row * length : (row + 1) * length])
            for number, count in counts.items():
                place = row * columns + self.ngram_indexes[number]
                weight = self.weights[number] if self.weights and self.mode != "TF" else 1.0
                out[place] = weight if self.mode == "IDF" else out[place] + weight * count
        return (Const.of(F32, t.shape, out),)

    def _counts(self, row: Sequence[int | str]) -> dict[int, int]:
        """How often n-grams occur; those found last stand last."""
        counts: dict[int, int] = {}
        least, reach = self.min_gram_length, self.max_gram_length
        for step in range(1, min(self.max_skip_count + 1, max(1, len(row))) + 1):
            for start in range(len(row) - step * (least - 1)):
                trie = self._trie
                for n, item in enumerate(row[start : start + reach * step : step], 1):
                    if item not in trie:
                        break
                    numbers, trie = trie[item]
                    if n >= least:
                        for number in numbers:
                            counts[number] = counts.pop(number, 0) + 1
            if least == 1:  # single items have nothing to skip
                least = 2
                if reach < 2:
                    break
        return counts


def _add(trie: Trie, gram: Sequence[int | str], number: int) -> None:
    numbers: list[int] = []
    for item in gram:
        numbers, trie = trie.setdefault(item, ([], {}))
    if numbers:
        raise InvalidModelError(f"the pool holds {tuple(gram)} twice")
    numbers.append(number)
