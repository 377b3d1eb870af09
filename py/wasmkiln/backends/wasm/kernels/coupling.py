"""Pairwise coupling (see program/kernels/coupling.py), in the order of operations of libsvm.

for each row: r[i, j] and Q[i, j] in scratch; then rounds over p, Qp and the number p' Q p
"""

from __future__ import annotations

from ....program.kernels.coupling import CouplingSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import f32, i32
from ..loops import kernel, load_args
from ..module import Module
from ..val import Operand, Val

__all__ = ["emit_coupling"]

ROUNDS, TOLERANCE = 100, 0.005


def emit_coupling(spec: CouplingSpec, m: Module, target: Target) -> Function:
    """Row by row."""
    f = kernel(m, spec.name)
    _, begin, end, thread = f.params
    out, pairs, classes, per_row, scratch, share = load_args(
        f, "out pairs classes per_row scratch share"
    )
    row = f.let(begin)
    coupling = _Coupling(f, classes, f.let(scratch + thread * share))
    with f.for_range(row, begin, end):
        f.set(coupling.p, out + row * classes * 4)
        coupling.matrices(f.let(pairs + row * per_row * 4))
        coupling.rounds()
    return f


class _Coupling:
    """One row: its matrices r and Q, and the vectors p and Qp, all of f32."""

    def __init__(self, f: Function, classes: Local, scratch: Local) -> None:
        self.f, self.classes = f, classes
        size = f.let(classes * classes * 4)
        self.r, self.q, self.qp = scratch, f.let(scratch + size), f.let(scratch + size * 2)
        self.p = f.local(i32)
        self.i, self.j = f.local(i32), f.local(i32)
        self.pqp, self.diff, self.error = f.local(f32), f.local(f32), f.local(f32)

    def at(self, matrix: Local, i: Operand, j: Local) -> Val:
        """The address of an element."""
        return matrix + (self.classes * i + j) * 4

    def matrices(self, pair: Local) -> None:
        """r from the pairs of a row, which `pair` runs through; Q, and p = 1 / C."""
        f, i, j, classes = self.f, self.i, self.j, self.classes
        with f.for_range(i, 0, classes), f.for_range(j, i + 1, classes):
            f.f32_store(self.at(self.r, i, j), w.f32_load(pair))
            f.f32_store(self.at(self.r, j, i), w.f32_const(1) - w.f32_load(pair))
            f.add_to(pair, 4)
        diagonal, against = f.local(f32), f.local(f32)
        with f.for_range(i, 0, classes):
            f.f32_store(self.p + i * 4, w.f32_const(1) / w.f32_convert_i32_u(classes))
            f.set(diagonal, 0.0)
            with f.for_range(j, 0, classes), f.if_(i.ne(j)):
                f.set(against, w.f32_load(self.at(self.r, j, i)))
                f.add_to(diagonal, against * against)
                product = against * w.f32_load(self.at(self.r, i, j))
                f.f32_store(self.at(self.q, i, j), w.f32_neg(product))
            f.f32_store(self.at(self.q, i, i), diagonal)
        f.free(diagonal, against)

    def rounds(self) -> None:
        """Iterate p."""
        f, i = self.f, self.i
        round_ = f.local(i32)
        eps = f.let(w.f32_const(TOLERANCE) / w.f32_convert_i32_u(self.classes))
        with f.for_range(round_, 0, ROUNDS) as done:
            self._products()
            f.br_if(done, self.error < eps)
            with f.for_range(i, 0, self.classes):
                self._move()
        f.free(round_, eps)

    def _products(self) -> None:
        """Qp and p' Q p from p, and the largest error."""
        f, i, j = self.f, self.i, self.j
        total = f.local(f32)
        f.set(self.pqp, 0.0)
        with f.for_range(i, 0, self.classes):
            f.set(total, 0.0)
            with f.for_range(j, 0, self.classes):
                term = w.f32_load(self.at(self.q, i, j)) * w.f32_load(self.p + j * 4)
                f.add_to(total, term)
            f.f32_store(self.qp + i * 4, total)
            f.add_to(self.pqp, w.f32_load(self.p + i * 4) * total)
        f.set(self.error, 0.0)
        with f.for_range(i, 0, self.classes):
            error = w.f32_abs(w.f32_load(self.qp + i * 4) - self.pqp)
            f.set(self.error, w.f32_max(self.error, error))
        f.free(total)

    def _move(self) -> None:
        """Let p[i] take the step that suits it, and normalize."""
        f, i, j, diff = self.f, self.i, self.j, self.diff
        own = w.f32_load(self.qp + i * 4)
        square = f.let(w.f32_load(self.at(self.q, i, i)))
        f.set(diff, (self.pqp - own) / square)
        f.f32_store(self.p + i * 4, w.f32_load(self.p + i * 4) + diff)
        whole = f.let(diff + 1.0)
        step = diff * (diff * square + own * 2.0)
        f.set(self.pqp, (self.pqp + step) / whole / whole)
        with f.for_range(j, 0, self.classes):
            moved = w.f32_load(self.qp + j * 4) + diff * w.f32_load(self.at(self.q, i, j))
            f.f32_store(self.qp + j * 4, moved / whole)
            f.f32_store(self.p + j * 4, w.f32_load(self.p + j * 4) / whole)
        f.free(square, whole)
