"""Strings in compiled segments: each is a number there, the same for equal strings."""

from __future__ import annotations

import struct

from ..errors import InternalError
from ..ir.const import Buffer, Const
from ..ir.dtype import STRING

__all__ = ["Codes"]


class Codes:
    """The numbers of one run's strings. That of the empty one is 0, by which buffers begin."""

    def __init__(self) -> None:
        self._numbers = {"": 0}
        self._texts = [""]

    def encode(self, value: Const) -> Const:
        """Strings as i32 numbers; any other tensor as it is."""
        if value.dtype != STRING:
            return value
        numbers = [self._number(text) for text in value.texts()]
        return Const(STRING, value.shape, struct.pack(f"<{len(numbers)}i", *numbers))

    def decode(self, value: Const) -> Const:
        """Strings from their numbers; any other tensor as it is."""
        if value.dtype != STRING:
            return value
        if not isinstance(value.data, Buffer):
            raise InternalError("strings come out of a segment as they are")
        numbers = struct.unpack(f"<{len(value.data) // 4}i", value.data)
        return Const.strings(value.shape, [self._texts[n] for n in numbers])

    def _number(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number
