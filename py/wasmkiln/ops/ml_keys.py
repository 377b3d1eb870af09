"""KeyIndex and TextIndex: the place of each element in a list of numbers, or of strings."""

from __future__ import annotations

from math import isnan
from typing import ClassVar

from ..errors import InvalidInputError, ShapeError, UnsupportedOperatorError
from ..ir.const import Const, pack_values
from ..ir.dtype import I32, I64, STRING
from ..ir.types import TensorType
from ..program.kernels.keys import KeysSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register

__all__ = ["KeyIndex", "TextIndex"]

# Elements worth giving to a thread.
GRAIN = 1024


@register("KeyIndex", domain=INTERNAL)
class KeyIndex(Op):
    """The i64 index of the first key that equals an element; their number if none does.

    NaN equals NaN.
    """

    keys: Const

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape."""
        if x.dtype != self.keys.dtype:
            raise ShapeError(f"the input is {x}, and the keys are {self.keys.dtype}")
        if x.dtype.kind not in "fiu" or x.dtype.itemsize < 2:
            raise UnsupportedOperatorError(f"keys of {x.dtype} are not supported")
        return (TensorType(I64, x.shape),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all elements."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        keys = self.keys.values()
        absent = len(keys)
        first = {key: i for i, key in reversed([*enumerate(keys)]) if not isnan(key)}
        nan = next((i for i, key in enumerate(keys) if isnan(key)), absent)
        ordered = sorted(first)
        tables = [
            lw.table(pack_values(self.keys.dtype, ordered) or bytes(8)),
            lw.table(pack_values(I32, [first[key] for key in ordered]) or bytes(8)),
        ]
        args: list[Word] = [lw.write(out), lw.read(x), *map(lw.read, tables)]
        args += [len(ordered), absent, nan]
        lw.call(KeysSpec(x.type.dtype), args, x.type.size, GRAIN)


@register("TextIndex", domain=INTERNAL)
class TextIndex(Op):
    """The i64 index of the first of some strings that equals an element; their number if none."""

    on_host: ClassVar[bool] = True
    texts: tuple[str, ...]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape."""
        return (TensorType(I64, x.shape),)

    def evaluate(self, x: Const) -> tuple[Const, ...]:
        """A lookup for each element."""
        if x.dtype != STRING:
            raise InvalidInputError(f"the input is {x.dtype}, and the keys are strings")
        places = {text: i for i, text in reversed([*enumerate(self.texts)])}
        absent = len(self.texts)
        return (Const.of(I64, x.shape, [places.get(text, absent) for text in x.texts()]),)
