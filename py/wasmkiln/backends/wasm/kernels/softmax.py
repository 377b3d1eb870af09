"""Softmax of rows: the maximum, the exponentials and their sum, then the division.

Arguments and range are described with `SoftmaxSpec`. The maximum ignores NaN; a NaN in a row then
makes its sum NaN, and so the whole row.
"""

from __future__ import annotations

from ....ir.dtype import F32
from ....ir.expr import arg, call
from ....program.kernels.softmax import SoftmaxSpec
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args
from ..math import exp_negative
from ..module import Module
from ..val import Val
from .element import store_bytes

__all__ = ["emit_softmax"]

_SHIFTED = arg(0, F32) - arg(1, F32)
_EXP = exp_negative(_SHIFTED)
_SCALED = arg(0, F32) * arg(1, F32)
_LOG = call("log", arg(0, F32))
_LOG_RESULT = _SHIFTED - arg(2, F32)


def emit_softmax(spec: SoftmaxSpec, m: Module, target: Target) -> Function:
    """One row at a time."""
    f = kernel(m, spec.name)
    row = _Row(f, spec, target)
    _, begin, end, _ = f.params
    u = f.local(i32)
    with f.for_range(u, begin, end):
        row.emit()
    return f


class _Row:
    """The row at `p`, which goes to `q`; both move to the next row."""

    def __init__(self, f: Function, spec: SoftmaxSpec, target: Target) -> None:
        self.f, self.spec = f, spec
        out, x, r = load_args(f, "out x r")
        begin = f.params[1]
        self.nbytes = f.let(r << 2)
        self.whole, self.rest = f.let(self.nbytes & -16), f.let(self.nbytes & 15)
        self.p, self.q = f.let(x + begin * self.nbytes), f.let(out + begin * self.nbytes)
        inside = w.i32x4_lt_s(w.i32x4_const([0, 4, 8, 12]), w.i32x4_splat(self.rest))
        self.mask = f.let(inside)
        self.exp = VectorExpr(f, target, _EXP)
        self.last = VectorExpr(f, target, _LOG_RESULT if spec.log else _SCALED)
        self.log = VectorExpr(f, target, _LOG, inline=False)
        self.most, self.total, self.at = f.local(v128), f.local(v128), f.local(i32)

    def emit(self) -> None:
        """Three walks along the row."""
        f = self.f
        self._maximum()
        f.set(self.total, w.f32x4_const(0))
        with f.for_range(self.at, 0, self.whole, 16):
            self._exponential(None)
        with f.if_(self.rest):
            self._exponential(self.mask)
        self._spread(self.total, w.f32x4_add)
        if self.spec.log:
            f.set(self.total, self.log(self.total))
        else:
            f.set(self.total, w.f32x4_div(w.f32x4_const(1), self.total))
        with f.for_range(self.at, 0, self.whole, 16):
            f.v128_store(self.q + self.at, self._result())
        with f.if_(self.rest):
            store_bytes(f, self.q + self.whole, self._result(), self.rest)
        f.add_to(self.p, self.nbytes)
        f.add_to(self.q, self.nbytes)

    def _load(self) -> Val:
        return w.v128_load(self.p + self.at, align=4)

    def _maximum(self) -> None:
        """The row's largest element in all lanes of `most`."""
        f = self.f
        low = w.f32x4_const(float("-inf"))
        f.set(self.most, low)
        with f.for_range(self.at, 0, self.whole, 16):
            f.set(self.most, w.f32x4_pmax(self.most, self._load()))
        with f.if_(self.rest):
            value = w.v128_bitselect(self._load(), low, self.mask)
            f.set(self.most, w.f32x4_pmax(self.most, value))
        self._spread(self.most, w.f32x4_pmax)

    def _exponential(self, mask: Local | None) -> None:
        """Add four exponentials to the total; keep them in the output unless it is logarithmic."""
        f = self.f
        value = f.let(self.exp(self._load(), self.most))
        if not self.spec.log:
            if mask is None:
                f.v128_store(self.q + self.at, value)
            else:
                store_bytes(f, self.q + self.at, value, self.rest)
        kept = value if mask is None else w.v128_and(value, mask)
        f.set(self.total, w.f32x4_add(self.total, kept))
        f.free(value)

    def _result(self) -> Val:
        if self.spec.log:
            return self.last(self._load(), self.most, self.total)
        return self.last(w.v128_load(self.q + self.at, align=4), self.total)

    def _spread(self, vector: Local, combine: object) -> None:
        """Combine the four lanes, and leave the result in all of them."""
        for lanes in ([2, 3, 0, 1], [1, 0, 3, 2]):
            picks = [4 * lane + byte for lane in lanes for byte in range(4)]
            other = w.i8x16_shuffle(vector, vector, picks)
            self.f.set(vector, combine(vector, other))  # type: ignore[operator]
