"""NonZero: a kernel fills a buffer as large as the result can get, and the host trims it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BF16, I64
from ..ir.types import TensorType
from ..program.kernels.nonzero import NonZeroSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .host import Trim
from .indexing import offsets
from .movement import Transpose

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["NonZeroBounded"]


@register("NonZeroBounded", domain=INTERNAL)
class NonZeroBounded(Op):
    """Coordinates of elements that are not zero: a row for each, then rows of zeros; the number.

    A scalar counts as a vector of one element.
    """

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """As many rows as there are elements."""
        if not x.dtype.code and x.dtype != BF16:
            raise UnsupportedOperatorError(f"whether {x.dtype} is zero")
        return TensorType(I64, (x.size, max(1, x.rank))), TensorType(I64, (1,))

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The rows in plain Python."""
        (x,) = inputs
        if x is None:
            return None
        rows, count = self.infer(TensorType.of(x))
        found = _places(x)
        numbers = [i for row in found for i in row]
        numbers += [0] * (rows.size - len(numbers))
        return Const.of(I64, rows.shape, numbers), Const.of(I64, count.shape, (len(found),))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call on one thread, as each place depends on how many are in front of it."""
        (x,), (rows, count) = inputs, outputs
        assert x is not None
        shape = x.type.shape or (1,)
        args: list[Word] = [lw.write(rows), lw.write(count), lw.read(x), *shape]
        lw.call(NonZeroSpec(x.type.dtype, len(shape)), args, 1)


def _places(x: Const) -> list[tuple[int, ...]]:
    shape = x.shape or (1,)
    walks = (offsets(shape, [int(e == d) for e in range(len(shape))]) for d in range(len(shape)))
    rows = zip(*walks, strict=True)
    return [row for row, value in zip(rows, x.values(), strict=True) if value]


@register("NonZero", since=9)
class NonZero(Op):
    """Coordinates of the elements that are not zero, in row-major order: a row for each dim."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Refuses what does not fold: it runs in parts."""
        raise UnsupportedOperatorError("how many elements are not zero depends on the data")

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The coordinates in plain Python."""
        (x,) = inputs
        if x is None:
            return None
        found = _places(x)
        rank = max(1, len(x.shape))
        return (Const.of(I64, (rank, len(found)), [row[d] for d in range(rank) for row in found]),)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Rows of coordinates, trimmed and transposed."""
        rows, count = g.add_all(NonZeroBounded(), inputs, n_outputs=2)
        return (g.add(Transpose(), g.add(Trim(), rows, count)),)
