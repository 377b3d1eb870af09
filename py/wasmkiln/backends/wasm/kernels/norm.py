"""Normalization of rows: the mean, the mean square of the deviations, then the result.

Arguments and range are described with `NormSpec`. A row is walked three times; it stays in the
nearest cache meanwhile. Squares of deviations don't cancel, as squares minus a squared mean would.
"""

from __future__ import annotations

from collections.abc import Callable

from ....ir.dtype import F32
from ....ir.expr import Expr, arg
from ....program.kernels.norm import NormSpec
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val
from .element import store_bytes

__all__ = ["emit_norm"]

SUMS = 4  # independent sums hide the latency of the additions


def emit_norm(spec: NormSpec, m: Module, target: Target) -> Function:
    """One row at a time."""
    f = kernel(m, spec.name)
    row = _Row(f, spec, target)
    _, begin, end, _ = f.params
    u = f.local(i32)
    with f.for_range(u, begin, end):
        row.emit()
    return f


def _result(spec: NormSpec) -> Expr:
    """arg 0 the element, then the mean, the factor, scale and bias."""
    x, mean, factor, scale, bias = (arg(i, F32) for i in range(5))
    y = (x - mean if spec.centred else x) * factor
    y = y * scale if spec.scale else y
    return y + bias if spec.bias else y


class _Row:
    """The row at `p`, which goes to `q`; both move to the next row."""

    def __init__(self, f: Function, spec: NormSpec, target: Target) -> None:
        self.f, self.spec, self.target = f, spec, target
        out, x, self.scale, self.bias, r, inverse, epsilon = load_args(
            f, "out x scale bias r inverse:f32 epsilon:f32"
        )
        begin = f.params[1]
        self.nbytes = f.let(r << 2)
        self.whole, self.rest = f.let(self.nbytes & -16), f.let(self.nbytes & 15)
        self.blocks = f.let(self.nbytes & -16 * SUMS)
        self.p, self.q = f.let(x + begin * self.nbytes), f.let(out + begin * self.nbytes)
        inside = w.i32x4_lt_s(w.i32x4_const([0, 4, 8, 12]), w.i32x4_splat(self.rest))
        self.mask = f.let(inside)
        self.inverse = f.let(w.f32x4_splat(inverse))
        self.epsilon = f.let(w.f32x4_splat(epsilon))
        self.sums = [f.local(v128) for _ in range(SUMS)]
        self.mean, self.factor, self.value = f.local(v128), f.local(v128), f.local(v128)
        self.at = f.local(i32)
        self.last = VectorExpr(f, target, _result(spec))

    def emit(self) -> None:
        """Three walks along the row, two where nothing is subtracted."""
        f = self.f
        if self.spec.centred:
            self._total(lambda total, x: w.f32x4_add(total, x))
            f.set(self.mean, w.f32x4_mul(self.sums[0], self.inverse))
        self._total(self._squared)
        variance = madd(self.target, self.sums[0], self.inverse, self.epsilon)
        f.set(self.factor, w.f32x4_div(w.f32x4_const(1), w.f32x4_sqrt(variance)))
        with f.for_range(self.at, 0, self.whole, 16):
            f.v128_store(self.q + self.at, self._normal())
        with f.if_(self.rest):
            store_bytes(f, self.q + self.whole, self._normal(), self.rest)
        f.add_to(self.p, self.nbytes)
        f.add_to(self.q, self.nbytes)

    def _squared(self, total: Val, x: Val) -> Val:
        if not self.spec.centred:
            value = self.f.tee(self.value, x)
            return madd(self.target, value, self.value, total)
        value = self.f.tee(self.value, w.f32x4_sub(x, self.mean))
        return madd(self.target, value, self.value, total)

    def _total(self, step: Callable[[Val, Val], Val]) -> None:
        """Fold the row by `step`; the sum is left in all lanes of the first of `sums`."""
        f, first = self.f, self.sums[0]
        for total in self.sums:
            f.set(total, w.f32x4_const(0))
        with f.for_range(self.at, 0, self.blocks, 16 * SUMS):
            for i, total in enumerate(self.sums):
                f.set(total, step(total, self._load(self.p, i)))
        with f.for_range(self.at, self.blocks, self.whole, 16):
            f.set(first, step(first, self._load(self.p)))
        with f.if_(self.rest):
            # Behind the row lies anything: the step is undone in those lanes.
            after = step(first, self._load(self.p))
            f.set(first, w.v128_bitselect(after, first, self.mask))
        for total in self.sums[1:]:
            f.set(first, w.f32x4_add(first, total))
        for lanes in ([2, 3, 0, 1], [1, 0, 3, 2]):
            picks = [4 * lane + byte for lane in lanes for byte in range(4)]
            f.set(first, w.f32x4_add(first, w.i8x16_shuffle(first, first, picks)))

    def _load(self, base: Val, vector: int = 0) -> Val:
        return w.v128_load(base + self.at, offset=16 * vector, align=4)

    def _normal(self) -> Val:
        """Four results; a vector that is not there is not read either."""
        scale = self._load(self.scale) if self.spec.scale else self.mean
        bias = self._load(self.bias) if self.spec.bias else self.mean
        return self.last(self._load(self.p), self.mean, self.factor, scale, bias)
