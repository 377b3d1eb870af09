"""One step of recurrent layers, panel by panel (see `RnnStepSpec` in program/kernels/rnn.py)."""

from __future__ import annotations

from ....program.kernels.rnn import HIDDEN, RnnStepSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from .gemm import minimum
from .rnn import copy_function, panel_function, take_length

__all__ = ["emit_rnn_step"]

_WORDS = (
    "out out_h out_c x fixed lengths h c state new hidden panels batch reversed steps step "
    "x_time x_row x_direction out_time out_row out_direction last_row last_direction "
    "h_row h_direction c_row c_direction fixed_direction share weights weights_direction"
)


def emit_rnn_step(spec: RnnStepSpec, m: Module, target: Target) -> Function:
    """One panel after the other."""
    panel = panel_function(m, spec.columns, spec.stage, target)
    f = kernel(m, spec.name)
    step = _Step(f, spec, panel)
    _, begin, end, _ = f.params
    with f.for_range(begin, begin, end):
        step.emit(begin)
    return f


class _Step:
    def __init__(self, f: Function, spec: RnnStepSpec, panel: Function) -> None:
        self.f, self.spec, self.panel = f, spec, panel
        self.args = dict(zip(_WORDS.split(), load_args(f, _WORDS), strict=True))
        self.copy = copy_function(f.module)
        self.width = 4 * spec.columns
        self.d, self.n, self.at, self.t = (f.local(i32) for _ in range(4))
        self.own, self.old, self.new = (f.local(i32) for _ in range(3))

    def emit(self, unit: Local) -> None:
        """The panel of index `unit`, unless its sequence is over."""
        f, a = self.f, self.args
        sequence = f.let(unit // a["panels"])
        p = f.let(unit - sequence * a["panels"])
        f.set(self.d, sequence // a["batch"])
        f.set(self.n, sequence - self.d * a["batch"])
        f.set(self.at, p * self.width)
        f.set(self.own, a["state"] + sequence * a["share"])
        f.set(self.new, self.own + a["new"] + self.at)
        f.set(self.old, a["h"] + self.d * a["h_direction"] + self.n * a["h_row"])
        f.set(self.t, a["step"])
        self._first_c()
        length = f.let(a["steps"])
        with f.if_(a["lengths"]):
            take_length(f, length, a["lengths"] + self.n * 4)
        with f.if_(a["step"].lt_s(length)):
            self._time(length)
            self._compute(p)
        if self.spec.last:
            with f.else_():
                f.call(self.copy, self.new, self.old + self.at, self.width)
            self._outputs(length)
        f.free(sequence, p, length)

    def _first_c(self) -> None:
        """Fetch the panel's part of c before the first step."""
        f, a = self.f, self.args
        if not self.spec.cell:
            return
        with f.if_(a["c"]):
            first = a["c"] + self.d * a["c_direction"] + self.n * a["c_row"] + self.at
            f.call(self.copy, self._cell(), first, self.width)

    def _cell(self) -> w.Val:
        return self.own + self._stride() * 2 + self.at

    def _stride(self) -> w.Val:
        return self.args["panels"] * self.width

    def _time(self, length: Local) -> None:
        """Where in the sequence this step is, if time runs backwards."""
        f, a = self.f, self.args
        with f.if_(self.d >= a["reversed"]):
            f.set(self.t, length - 1 - a["step"])

    def _compute(self, p: Local) -> None:
        f, a, stage = self.f, self.args, self.spec.stage
        x = a["x"] + self.t * a["x_time"] + self.n * a["x_row"] + self.d * a["x_direction"]
        x = x + p * (self.width * self.spec.gates)
        weights = a["weights"] + self.d * a["weights_direction"]
        weights = weights + p * a["hidden"] * (self.width * len(stage.starts))
        inner = stage.source != HIDDEN
        source = self.own + self._stride() * stage.source if inner else self.old
        fixed = a["fixed"] + self.d * a["fixed_direction"] + self.at
        vectors = self.old + self.at, self.new, self.own + self.at, fixed
        f.call(self.panel, x, weights, source, a["hidden"], *vectors, self._stride())

    def _outputs(self, length: Local) -> None:
        """The panel's part of out, and of the last h and c; zeros behind a sequence's end."""
        f, a = self.f, self.args
        nbytes = f.let(minimum(a["hidden"] * 4 - self.at, w.i32_const(self.width)))
        out = a["out"] + self.t * a["out_time"] + self.n * a["out_row"]
        to = f.let(out + self.d * a["out_direction"] + self.at)
        with f.if_(a["step"].lt_s(length)):
            f.call(self.copy, to, self.new, nbytes)
        with f.else_():
            i = f.local(i32)
            with f.for_range(i, 0, nbytes, 4):
                f.i32_store(to + i, 0)
            f.free(i)
        end = f.let(self.d * a["last_direction"] + self.n * a["last_row"] + self.at)
        with f.if_(a["out_h"]):
            f.call(self.copy, a["out_h"] + end, self.new, nbytes)
            if self.spec.cell:
                f.call(self.copy, a["out_c"] + end, self._cell(), nbytes)
        f.free(nbytes, to, end)
