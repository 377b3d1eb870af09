"""Recurrent: the internal operator behind RNN, GRU and LSTM, which runs over all time steps."""

from __future__ import annotations

from ..ir.dtype import F32
from ..ir.types import TensorType
from ..program.kernels.rnn import STATE_VECTORS, RnnSpec, Stage
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .indexing import row_strides
from .packed import MAC_GRAIN

__all__ = ["Recurrent"]


@register("Recurrent", domain=INTERNAL)
class Recurrent(Op):
    """The outputs Y, Y_h and, where the cell has a state, Y_c.

    inputs: the projected input [T, N, D * panels * gates * columns], or [N, T, ..] where
    batch_first; fixed vectors [D, F, panels * columns]; lengths [N]; initial h; initial c; then
    each stage's weights [D, panels, K, gates * columns]. From direction `reversed` on, time runs
    backwards.
    """

    stages: tuple[Stage, ...]
    columns: int
    gates: int
    cell: bool
    hidden: int
    directions: int
    reversed: int
    batch_first: bool = False

    def infer(self, x: TensorType, *rest: TensorType | None) -> tuple[TensorType, ...]:
        """[T, D, N, H] and [D, N, H], or [N, T, D, H] and [N, D, H]."""
        first, second = x.shape[:2]
        tail = (self.directions, self.hidden)
        if self.batch_first:
            whole, last = (first, second, *tail), (first, *tail)
        else:
            whole, last = (first, tail[0], second, tail[1]), (tail[0], second, tail[1])
        final = TensorType(F32, last)
        return (TensorType(F32, whole), final, *((final,) if self.cell else ()))

    def _sizes(self, x: TensorType) -> tuple[int, int]:
        """Time steps and rows of the batch."""
        steps, batch = x.shape[:2]
        return (batch, steps) if self.batch_first else (steps, batch)

    def _macs(self, x: TensorType) -> int:
        """Multiply-accumulates of one sequence."""
        return self._sizes(x)[0] * self.gates * self.hidden * self.hidden

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """The products of all stages."""
        x = inputs[0]
        assert x is not None
        return self._macs(x) * self._sizes(x)[1] * self.directions

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all sequences in all directions."""
        x, fixed, lengths, h, c, *weights = inputs
        assert x is not None
        steps, batch = self._sizes(x.type)
        panels = -(-self.hidden // self.columns)
        vector = 4 * panels * self.columns

        def place(slot: Slot | None) -> Word:
            return lw.read(slot) if slot else 0

        scratch, share = lw.scratch(STATE_VECTORS * vector)
        args: list[Word] = [lw.write(outputs[0]), lw.write(outputs[1])]
        args += [lw.write(outputs[2]) if self.cell else 0, lw.read(x), place(h), place(c)]
        args += [place(fixed), place(lengths), self.hidden, panels, steps, batch, self.reversed]
        args += [*self._x_steps(x.type), *self._out_steps(outputs[0].type, outputs[1].type)]
        args += [vector * fixed.type.shape[1] if fixed else 0, scratch, share]
        for slot in weights:
            assert slot is not None
            args += [lw.read(slot), slot.type.nbytes // self.directions]
        spec = RnnSpec(self.columns, self.gates, self.cell, self.stages)
        extent = self.directions * batch
        lw.call(spec, args, extent, max(1, MAC_GRAIN // max(1, self._macs(x.type))))

    def _x_steps(self, x: TensorType) -> tuple[int, int, int]:
        """Bytes from step to step, row to row and direction to direction."""
        row = 4 * x.shape[2]
        second = row * x.shape[1]
        direction = row // self.directions
        return (row, second, direction) if self.batch_first else (second, row, direction)

    def _out_steps(self, out: TensorType, final: TensorType) -> tuple[int, ...]:
        """The same of the outputs: time, row, direction; then row, direction of the last ones."""
        a, b, c, _ = (4 * s for s in row_strides(out.shape))
        outer, inner, _ = (4 * s for s in row_strides(final.shape))
        return (b, a, c, outer, inner) if self.batch_first else (a, c, b, inner, outer)
