"""rnn: recurrent layers, f32: all time steps of a sequence in one call."""

from __future__ import annotations

from typing import Literal
from zlib import crc32

from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec

__all__ = ["HIDDEN", "NEW", "STATE_VECTORS", "RnnSpec", "RnnStepSpec", "Source", "Stage"]

# Vectors of a sequence's state: h, the next h, and two of the cell's own (LSTM's c, GRU's gates).
HIDDEN, NEW, STATE_VECTORS = 0, 1, 4

Source = tuple[Literal["x", "state", "fixed", "zero"], int]
"""Where a value of a hidden unit comes from: a gate of the projected input, a vector of the state,
or a vector that stays the same in all steps."""


@record
class Stage:
    """One product of a state vector with recurrent weights, and what becomes of it.

    source: the state vector that is multiplied. starts: what the sum of each gate starts from.
    operands: arguments of the results behind the sums.
    results: in their order, state vectors and the values they take; each becomes an argument of
    those after it.
    """

    source: int
    starts: tuple[Source, ...]
    operands: tuple[Source, ...]
    results: tuple[tuple[int, Expr], ...]


@record
class RnnSpec(KernelSpec):
    """Recurrences over sequences, each of which is one row of the batch in one direction.

    Hidden units are cut into panels of `columns`, the last one filled up with zeros. The projected
    input has [panel, gate, column] for each step, a stage's weights [direction, panel, k, gate,
    column], the fixed vectors [direction, vector, panel, column].
    gates: of the projected input.

    args, in words; steps are in bytes:
    out out_h out_c x h c fixed lengths        addresses; h, c and lengths are 0 where absent
    hidden panels steps batch reversed         from direction `reversed` on, time runs backwards
    x_time x_row x_direction                   steps of the projected input
    out_time out_row out_direction             steps of out [time, row, direction] of hidden units
    h_row h_direction                          steps of h, c, out_h and out_c
    fixed_direction                            step of the fixed vectors
    scratch share                              a thread's room for STATE_VECTORS vectors
    weights, weights_direction                 of each stage

    range: sequences, direction by direction.
    """

    columns: int
    gates: int
    cell: bool
    stages: tuple[Stage, ...]

    @property
    def name(self) -> str:
        """E.g. `rnn_f32_4x8_c_1a2b3c`: gates, columns, whether there is a cell, and the rest."""
        mark = crc32(repr(self.stages).encode()) & 0xFFFFFF
        return f"rnn_f32_{self.gates}x{self.columns}{'_c' if self.cell else ''}_{mark:06x}"


@record
class RnnStepSpec(KernelSpec):
    """One stage of one step of `RnnSpec`, for several threads: they share the panels.

    last: it is a step's last stage, which also writes the outputs. The state lies in memory that
    all threads share, [sequence, vector, panel, column]; h and the next h change places with each
    step.

    args, in words; those of the same name mean the same:
    out out_h out_c x fixed lengths            out_h and out_c are 0 but in the last step
    h c state new                              h: where to read it; c: its first value, 0 later on;
                                               state; new: the next h, as bytes into a state
    hidden panels batch reversed steps step
    x_time x_row x_direction
    out_time out_row out_direction
    last_row last_direction                    steps of out_h and out_c
    h_row h_direction c_row c_direction        steps of h and c
    fixed_direction share                      share: bytes of a sequence's state
    weights, weights_direction

    range: panels of all sequences, direction by direction.
    """

    columns: int
    gates: int
    cell: bool
    stage: Stage
    last: bool

    @property
    def name(self) -> str:
        """E.g. `rnn_step_f32_4x8_c_last_1a2b3c`."""
        mark = crc32(repr(self.stage).encode()) & 0xFFFFFF
        kind = f"{'_c' if self.cell else ''}{'_last' if self.last else ''}"
        return f"rnn_step_f32_{self.gates}x{self.columns}{kind}_{mark:06x}"
