"""Recurrent: the internal operator behind RNN, GRU and LSTM, which runs over all time steps."""

from __future__ import annotations

from ..ir.dtype import F32
from ..ir.types import TensorType
from ..program.kernels.rnn import STATE_VECTORS, RnnSpec, RnnStepSpec, Stage
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .indexing import row_strides
from .packed import MAC_GRAIN

__all__ = ["Recurrent"]

# Multiply-accumulates of a step that are worth a barrier (a step of two stages has two, and half
# the work between them), and the most calls that one layer makes.
STEP_MACS, MAX_CALLS = 1 << 16, 1024


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
        """One call over all sequences in all directions, or a call for each step and stage."""
        x = inputs[0]
        assert x is not None
        steps, batch = self._sizes(x.type)
        work = self._macs(x.type) // max(1, steps) * batch * self.directions
        few = self.directions * batch < lw.threads and steps * len(self.stages) <= MAX_CALLS
        if few and work >= STEP_MACS * len(self.stages) ** 2:
            _Steps(self, lw, inputs, outputs).lower()
        else:
            self._lower_whole(lw, inputs, outputs)

    def _lower_whole(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        x, fixed, lengths, h, c, *weights = inputs
        assert x is not None
        steps, batch = self._sizes(x.type)
        panels = -(-self.hidden // self.columns)
        vector = 4 * panels * self.columns
        scratch, share = lw.scratch(STATE_VECTORS * vector)
        args: list[Word] = [lw.write(outputs[0]), lw.write(outputs[1])]
        args += [lw.write(outputs[2]) if self.cell else 0, lw.read(x), _at(lw, h), _at(lw, c)]
        args += [_at(lw, fixed), _at(lw, lengths), self.hidden, panels, steps, batch]
        args += [self.reversed, *self._x_steps(x.type)]
        args += self._out_steps(outputs[0].type, outputs[1].type)
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


def _at(lw: Lowering, slot: Slot | None) -> Word:
    return lw.read(slot) if slot else 0


class _Steps:
    """Few long sequences on several threads, which share the panels of each step."""

    def __init__(
        self,
        op: Recurrent,
        lw: Lowering,
        inputs: tuple[Slot | None, ...],
        outputs: tuple[Slot, ...],
    ) -> None:
        self.op, self.lw, self.inputs, self.outputs = op, lw, inputs, outputs
        x = inputs[0]
        assert x is not None
        self.x = x
        self.steps, self.batch = op._sizes(x.type)
        self.panels = -(-op.hidden // op.columns)
        self.vector = 4 * self.panels * op.columns
        share = STATE_VECTORS * self.vector
        self.state_steps = (share, share * self.batch)
        floats = STATE_VECTORS * self.vector // 4 * self.batch * op.directions
        self.state = lw.temporary(TensorType(F32, (floats,)))

    def lower(self) -> None:
        """A call for each step and stage."""
        op, lw = self.op, self.lw
        x_steps = op._x_steps(self.x.type)
        out_steps = op._out_steps(self.outputs[0].type, self.outputs[1].type)
        for step in range(self.steps):
            for stage, slot in zip(op.stages, self.inputs[5:], strict=True):
                assert slot is not None
                last = stage is op.stages[-1]
                c_word, c_steps = self._first_c(step)
                h_word, h_steps = self._h(step)
                new = self.vector * (1 - step % 2)
                args: list[Word] = [
                    *self._ends(step, last),
                    lw.read(self.x),
                    *self._constant(),
                    h_word,
                    c_word,
                ]
                args += [lw.update(self.state), new, op.hidden, self.panels, self.batch]
                args += [op.reversed, self.steps, step, *x_steps, *out_steps, *h_steps, *c_steps]
                fixed = self.inputs[1]
                args += [self.vector * fixed.type.shape[1] if fixed else 0, self.state_steps[0]]
                args += [lw.read(slot), slot.type.nbytes // op.directions]
                spec = RnnStepSpec(op.columns, op.gates, op.cell, stage, last)
                lw.call(spec, args, op.directions * self.batch * self.panels)

    def _ends(self, step: int, last: bool) -> list[Word]:
        """Where the outputs go, as far as this call writes them."""
        words: list[Word] = [self.lw.write(slot) for slot in self.outputs]
        count = (1 if step < self.steps - 1 else 3) if last else 0
        return [*words[:count], 0, 0, 0][:3]

    def _constant(self) -> list[Word]:
        return [_at(self.lw, slot) for slot in self.inputs[1:3]]

    def _h(self, step: int) -> tuple[Word, tuple[int, int]]:
        """The last step's result, which changes its place; the first step's is given, or zero."""
        if step == 0:
            return self._given(self.inputs[3])
        return self.lw.read(self.state, self.vector * (step % 2)), self.state_steps

    def _first_c(self, step: int) -> tuple[Word, tuple[int, int]]:
        if step or not self.op.cell:
            return 0, (0, 0)
        return self._given(self.inputs[4])

    def _given(self, slot: Slot | None) -> tuple[Word, tuple[int, int]]:
        if slot is None:
            return self.lw.read(self.lw.table(bytes(self.vector))), (0, 0)
        row, direction = self.op._out_steps(self.outputs[0].type, self.outputs[1].type)[3:]
        return self.lw.read(slot), (row, direction)
