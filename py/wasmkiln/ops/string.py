"""Operators on tensors of strings: StringConcat, StringSplit, StringNormalizer, RegexFullMatch."""

from __future__ import annotations

import re
from typing import ClassVar

from ..errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, I64, STRING
from ..ir.shape import broadcast
from ..ir.types import TensorType
from ..ir.value import Value
from .base import Attribute, register
from .hosted import HostOp, on_host, show_value, strings
from .indexing import broadcast_strides, offsets
from .re2 import compile_re2

__all__: list[str] = []


@register("StringConcat", since=20)
class StringConcat(HostOp):
    """x + y, with broadcasting."""

    def infer(self, x: TensorType, y: TensorType) -> tuple[TensorType, ...]:
        """Strings of the common shape."""
        return (TensorType(STRING, broadcast(x.shape, y.shape)),)

    def evaluate(self, x: Value, y: Value) -> tuple[Value, ...]:
        """The joined strings."""
        a, b = strings(x, "X"), strings(y, "Y")
        shape = broadcast(a.shape, b.shape)
        first, second = (
            map(c.texts().__getitem__, offsets(shape, broadcast_strides(c.shape, shape)))
            for c in (a, b)
        )
        return (Const.strings(shape, tuple(map(str.__add__, first, second))),)


@register("StringSplit", since=20)
class StringSplit(HostOp):
    """The pieces of each string, which a last dimension holds, and how many there are.

    Strings with fewer pieces than others get empty ones. Without a delimiter, runs of whitespace
    separate, and whitespace at the ends is dropped.
    """

    delimiter: str = ""
    maxsplit: int | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the strings decide the last dimension."""
        on_host()

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """The pieces, and their numbers."""
        given = strings(x, "X")
        rows = [self._pieces(text) for text in given.texts()]
        counts = [len(row) for row in rows]
        most = max(counts, default=0)
        padded = [p for row in rows for p in (*row, *[""] * (most - len(row)))]
        pieces = Const.strings((*given.shape, most), padded)
        return pieces, Const.of(I64, given.shape, counts)

    def _pieces(self, text: str) -> list[str]:
        most = -1 if self.maxsplit is None else self.maxsplit
        if self.delimiter:
            return text.split(self.delimiter, most)
        return text.strip().split(None, most)  # what is left over would keep its end otherwise


@register("StringNormalizer", since=10)
class StringNormalizer(HostOp):
    """The strings without stop words, in upper or lower case.

    A tensor left without strings becomes one empty string. Case is that of single characters, as
    in C: no character becomes several.
    """

    stopwords: tuple[str, ...] = ()
    case_change_action: str = "NONE"
    is_case_sensitive: bool = False
    locale: str = "en_US"

    def __init__(self, **attributes: Attribute) -> None:
        super().__init__(**attributes)
        if self.case_change_action not in _CASES:
            known = ", ".join(_CASES)
            raise InvalidModelError(
                f"case_change_action is '{self.case_change_action}', which is none of {known}"
            )
        if self.locale[:2] in ("az", "lt", "tr"):
            raise UnsupportedOperatorError(f"the case rules of locale '{self.locale}'")

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the strings decide how many remain."""
        on_host()

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """What remains."""
        given = strings(x, "X")
        if len(given.shape) not in (1, 2) or given.shape[:-1] not in ((), (1,)):
            raise ShapeError(f"X is {show_value(x)}, [C] or [1,C] is expected")
        action = self.case_change_action
        compared = "NONE" if self.is_case_sensitive else "LOWER" if action == "NONE" else action
        stop = {_change(word, compared) for word in self.stopwords}
        kept = [t for t in given.texts() if _change(t, compared) not in stop]
        changed = [_change(t, action) for t in kept] or [""]
        return (Const.strings((*given.shape[:-1], len(changed)), changed),)


_CASES = ("NONE", "LOWER", "UPPER")


def _change(text: str, action: str) -> str:
    if action == "NONE":
        return text
    if text.isascii():
        return text.lower() if action == "LOWER" else text.upper()
    return "".join(map(_lower if action == "LOWER" else _upper, text))


def _lower(char: str) -> str:
    return char.lower()[0]  # the only one that becomes two, a dotted I, has its dot second


def _upper(char: str) -> str:
    # Title case is the single character that Greek letters with a small iota become.
    return next((c for c in (char.upper(), char.title()) if len(c) == 1), char)


@register("RegexFullMatch", since=20)
class RegexFullMatch(HostOp):
    """Whether the whole of each string matches a pattern, which is written as for RE2."""

    pattern: str = ""

    _pattern: ClassVar[re.Pattern[str]]  # each operator's own, but no attribute

    def __init__(self, **attributes: Attribute) -> None:
        super().__init__(**attributes)
        object.__setattr__(self, "_pattern", compile_re2(self.pattern))

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """One bool a string."""
        return (TensorType(BOOL, x.shape),)

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """The answers."""
        given = strings(x, "X")
        found = map(self._pattern.fullmatch, given.texts())
        return (Const.of(BOOL, given.shape, [m is not None for m in found]),)
