"""Regular expressions as RE2 has them, compiled with Python's `re` for whole matches.

The two differ: RE2's classes are ASCII, its flags may change inside of a group, it knows `\\z`,
`\\Q..\\E`, `\\pN` and `[[:alpha:]]`, and refuses what Python has besides, such as references back
and looking around. Only whether the whole text matches is asked, so groups need not capture, and
how greedy a repetition is does not matter.
"""

from __future__ import annotations

import re

from ..errors import InvalidModelError, UnsupportedOperatorError
from .re2_class import ESCAPES, PERL, POSIX, Ranges, category, complement, in_brackets, span

__all__ = ["compile_re2"]

MAX_DEPTH = 100  # of groups; Python's parser is recursive
MAX_REPEAT = 1000  # RE2's


def compile_re2(pattern: str) -> re.Pattern[str]:
    """Compile a pattern; InvalidModelError where RE2 would refuse it."""
    try:
        return re.compile(_Translator(pattern).whole())
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidModelError(f"pattern '{pattern}': {error}") from None


class _Translator:
    """Reads a pattern from left to right and writes Python's form of it.

    flags: those of i, m, s that are on here. repeatable: what was written last may be repeated;
    None: there is nothing to repeat.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []
        self.flags: frozenset[str] = frozenset()
        self.outer: list[frozenset[str]] = []
        self.repeatable: bool | None = None

    def whole(self) -> str:
        """The translated pattern."""
        while self.at < len(self.pattern):
            self._item()
        if self.outer:
            raise self._error("a ) is missing")
        return "".join(self.out)

    def _error(self, what: str) -> InvalidModelError:
        return InvalidModelError(f"pattern '{self.pattern}', at {self.at}: {what}")

    def _found(self, text: str) -> bool:
        """Go past the text if it is next."""
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def _next(self) -> str:
        if self.at >= len(self.pattern):
            raise self._error("it ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def _write(self, text: str, repeatable: bool | None = True) -> None:
        self.out.append(text)
        self.repeatable = repeatable

    def _set(self, ranges: Ranges, negated: bool = False) -> None:
        text = in_brackets(ranges, negated)
        self._write(f"(?i:{text})" if "i" in self.flags else text)

    def _item(self) -> None:
        char = self._next()
        if char == "(":
            self._open()
        elif char == ")":
            if not self.outer:
                raise self._error("a ( is missing")
            self.flags = self.outer.pop()
            self._write(")")
        elif char == "|":
            self._write("|", None)
        elif char in "*+?":
            self._repeat(char)
        elif char == "{" and (found := _COUNT.match(self.pattern, self.at)):
            self.at = found.end()
            self._counted(found)
        elif char == "[":
            self._brackets()
        elif char == ".":
            self._write("(?s:.)" if "s" in self.flags else "[^\n]")
        elif char in "^$":
            edge = "\\A" if char == "^" else "\\Z"
            self._write(f"(?m:{char})" if "m" in self.flags else f"(?:{edge})")
        elif char == "\\":
            self._escape()
        else:
            self._set(span(char))

    def _open(self) -> None:
        if found := _FLAGS.match(self.pattern, self.at):
            self.at = found.end()
            on, off, end = found.groups()
            if off == "-":
                raise self._error("no flag follows the -")
            kept = self.flags
            if end == ":":
                self._push()
            self.flags = (kept | set(on)) - set((off or "")[1:])
            if end == ")":
                self.repeatable = None
            return
        name = _NAME.match(self.pattern, self.at)
        if name:
            self.at = name.end()
        elif self._found("?"):
            raise self._error("RE2 has no such group")
        self._push()

    def _push(self) -> None:
        if len(self.outer) == MAX_DEPTH:
            raise UnsupportedOperatorError(f"groups are more than {MAX_DEPTH} deep")
        self.outer.append(self.flags)
        self._write("(?:", None)

    def _repeat(self, text: str) -> None:
        if not self.repeatable:
            raise self._error(f"nothing can be repeated by {text}")
        self._found("?")
        self._write(text, False)

    def _counted(self, found: re.Match[str]) -> None:
        least, comma, most = found.groups()
        numbers = [int(n) for n in (least, most) if n]
        if max(numbers) > MAX_REPEAT or numbers != sorted(numbers):
            raise self._error(f"a repetition of {least}{comma or ''}{most or ''} is out of range")
        self._repeat(f"{{{least}{comma or ''}{most or ''}}}")

    def _escape(self) -> None:
        char = self._next()
        if char in PERL or char.lower() in PERL:
            self._set(PERL[char.lower()], char.isupper())
        elif char in "pP":
            ranges, negated = self._property(char)
            self._set(ranges, negated)
        elif char in "bB":
            edge = "(?a:\\b)"
            self._write(edge if char == "b" else f"(?!{edge})")
        elif char in "Az":
            self._write("(?:\\A)" if char == "A" else "(?:\\Z)")
        elif char == "Q":
            text, _, _ = self.pattern[self.at :].partition("\\E")
            self.at = min(len(self.pattern), self.at + len(text) + 2)
            for literal in text:
                self._set(span(literal))
        elif char == "C":
            raise UnsupportedOperatorError(f"pattern '{self.pattern}': \\C, a single byte")
        else:
            self._set(span(self._escaped(char)))

    def _escaped(self, char: str) -> str:
        """The character that a backslash in front of `char` means."""
        if char in ESCAPES:
            return ESCAPES[char]
        if found := _OCTAL.match(self.pattern, self.at - 1):
            self.at = found.end()
            return chr(int(found[0], 8))
        if char == "x" and (found := _HEX.match(self.pattern, self.at)):
            self.at = found.end()
            code = int(found[1] or found[2], 16)
            if code <= 0x10FFFF:
                return chr(code)
        elif char.isascii() and not char.isalnum():
            return char
        raise self._error(f"RE2 has no \\{char}")

    def _property(self, char: str) -> tuple[Ranges, bool]:
        negated = char == "P"
        name = self._next()
        if name == "{":
            end = self.pattern.find("}", self.at)
            if end < 0:
                raise self._error("a } is missing")
            name, self.at = self.pattern[self.at : end], end + 1
            if name.startswith("^"):
                name, negated = name[1:], not negated
        found = category(name)
        if found is None:
            raise UnsupportedOperatorError(f"pattern '{self.pattern}': class \\p{{{name}}}")
        return found, negated

    def _brackets(self) -> None:
        negated = self._found("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._found("]"):
            ranges += self._member()
            first = False
        self._set(tuple(ranges), negated)

    def _member(self) -> Ranges:
        """What one member of a class in brackets stands for."""
        if found := _POSIX.match(self.pattern, self.at):
            self.at = found.end()
            if found[2] not in POSIX:
                raise self._error(f"RE2 has no class {found[2]}")
            return self._group(POSIX[found[2]], found[1] == "^")
        low = self._next()
        if low == "\\":
            char = self._next()
            if char.lower() in PERL:
                return self._group(PERL[char.lower()], char.isupper())
            if char in "pP":
                return self._group(*self._property(char))
            low = self._escaped(char)
        after = self.pattern[self.at : self.at + 2]
        if len(after) < 2 or after[0] != "-" or after[1] == "]":
            return span(low)
        self.at += 1
        high = self._next()
        if high == "\\":
            high = self._escaped(self._next())
        if high < low:
            raise self._error(f"the range {low}-{high} is empty")
        return ((ord(low), ord(high)),)

    def _group(self, ranges: Ranges, negated: bool) -> Ranges:
        if negated and "i" in self.flags:  # Python would add the other case after the negation
            message = f"pattern '{self.pattern}': a negated class in brackets under (?i)"
            raise UnsupportedOperatorError(message)
        return complement(ranges) if negated else ranges


_COUNT = re.compile(r"(\d+)(?:(,)(\d*))?\}", re.ASCII)
_FLAGS = re.compile(r"\?([imsU]*)(-[imsU]*)?([:)])")
_NAME = re.compile(r"\?P?<\w+>")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX = re.compile(r"\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2})")
_POSIX = re.compile(r"\[:(\^?)(\w*):\]")
