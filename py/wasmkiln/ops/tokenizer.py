"""com.microsoft.Tokenizer, which text pipelines of scikit-learn are exported with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import ClassVar

from ..errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.types import TensorType
from ..ir.value import Value
from .base import Attribute, register
from .hosted import HostOp, on_host, strings
from .re2 import compile_re2

__all__: list[str] = []

START, END = "\x02", "\x03"


@register("Tokenizer", domain="com.microsoft")
class Tokenizer(HostOp):
    """The tokens of each string, which a last dimension holds; `pad_value` fills up shorter rows.

    separators: regular expressions of what stands between tokens, applied one after the other;
    a single empty one makes a token of each character. tokenexp: one of the tokens themselves.
    mincharnum: shorter tokens are left out. mark: put STX before and ETX behind each row, unless
    there is no token at all.
    """

    mark: bool
    mincharnum: int
    pad_value: str
    separators: tuple[str, ...] = ()
    tokenexp: str = ""
    _tokens: ClassVar[Callable[..., list[str]]]

    def __init__(self, **attributes: Attribute) -> None:
        super().__init__(**attributes)
        if self.mincharnum < 1:
            raise InvalidModelError(f"mincharnum is {self.mincharnum}, and must be positive")
        if bool(self.separators) == bool(self.tokenexp):
            raise InvalidModelError("either separators or tokenexp is needed")
        tokens = self._found if self.tokenexp else self._between
        patterns = [_compiled(p) for p in (self.separators or (self.tokenexp,)) if p]
        object.__setattr__(self, "_tokens", lambda text: tokens(text, patterns))

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the strings decide the last dimension."""
        on_host()

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """Rows of as many tokens as the longest has."""
        given = strings(x, "X")
        if len(given.shape) not in (1, 2):
            raise ShapeError(f"input has rank {len(given.shape)}; 1 or 2 is expected")
        rows = [self._tokens(text) for text in given.texts()]
        most = max(map(len, rows), default=0)
        if self.mark and most:
            rows = [[START, *row, END] for row in rows]
            most += 2
        padded = [token for row in rows for token in (*row, *[self.pad_value] * (most - len(row)))]
        return (Const.strings((*given.shape, most), padded),)

    def _found(self, text: str, patterns: list[re.Pattern[str]]) -> list[str]:
        matches = (m.group() for m in patterns[0].finditer(text))
        return [token for token in matches if token and len(token) >= self.mincharnum]

    def _between(self, text: str, patterns: list[re.Pattern[str]]) -> list[str]:
        pieces = [text] if patterns else list(text)
        for pattern in patterns:
            pieces = [
                piece
                for whole in pieces
                for piece in _pieces(whole, pattern)
                if len(piece) >= self.mincharnum
            ]
        return pieces


def _pieces(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """What stands between matches. An empty match takes the character behind it along."""
    at = 0
    while (match := pattern.search(text, at)) is not None and match.start() < len(text):
        yield text[at : match.start()]
        at = match.end() if match.end() > match.start() else match.start() + 1
    yield text[at:]


def _compiled(pattern: str) -> re.Pattern[str]:
    """Python takes the first of alternatives that fits, onnxruntime the longest."""
    if "|" in pattern:
        raise UnsupportedOperatorError(f"pattern '{pattern}' with alternatives is not supported")
    return compile_re2(pattern)
