"""Distance and Coupling, the internal operators of support vector machines."""

from __future__ import annotations

from ..ir.types import TensorType
from ..program.kernels.coupling import CouplingSpec
from ..program.kernels.distance import DistanceSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register

__all__ = ["Coupling", "Distance"]

# Differences worth giving to a thread.
GRAIN = 1 << 15


@register("Distance", domain=INTERNAL)
class Distance(Op):
    """Squared Euclidean distances [N, S] between the rows of [N, F] and [S, F], of f32."""

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """[N, S]."""
        return (TensorType(a.dtype, (a.shape[0], b.shape[0])),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over the rows of a."""
        (a, b), (out,) = inputs, outputs
        assert a is not None and b is not None
        rows, count = out.type.shape
        features = a.type.shape[1]
        args: list[Word] = [lw.write(out), lw.read(a), lw.read(b), count, features]
        lw.call(DistanceSpec(), args, rows if count else 0, max(1, GRAIN // (count * features + 1)))


@register("Coupling", domain=INTERNAL)
class Coupling(Op):
    """Probabilities of classes [N, C] from those of the pairs i < j, [N, C * (C - 1) / 2]."""

    classes: int

    def infer(self, pairs: TensorType) -> tuple[TensorType, ...]:
        """[N, C]."""
        return (TensorType(pairs.dtype, (pairs.shape[0], self.classes)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all rows."""
        (pairs,), (out,) = inputs, outputs
        assert pairs is not None
        rows, per_row = pairs.type.shape
        scratch, share = lw.scratch(4 * self.classes * (2 * self.classes + 1))
        args: list[Word] = [lw.write(out), lw.read(pairs), self.classes, per_row, scratch, share]
        lw.call(CouplingSpec(), args, rows, 8)
