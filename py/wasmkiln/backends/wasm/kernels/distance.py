"""Squared distances (see program/kernels/distance.py).

for each row of a: for each 4 rows of b: 4 accumulators over the features, 4 of them at once
"""

from __future__ import annotations

from ....program.kernels.distance import DistanceSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val

__all__ = ["emit_distance"]

ROWS = 4  # of b at once: they share the loads of a, and hide the latency of the additions


def emit_distance(spec: DistanceSpec, m: Module, target: Target) -> Function:
    """Row by row."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, a, b, count, features = load_args(f, "out a b count features")
    width = f.let(features * 4)
    last = w.i32x4_lt_s(w.i32x4_const((0, 1, 2, 3)), w.i32x4_splat(features & 3))
    line = _Line(f, target, width, f.let(last))
    n, s = f.local(i32), f.local(i32)
    p, q, x = f.local(i32), f.local(i32), f.local(i32)
    f.set(p, out + begin * count * 4)
    with f.for_range(n, begin, end):
        f.set(x, a + n * width)
        f.set(q, b)
        f.set(s, count)
        for rows in (ROWS, 1):
            with f.while_(s.ge_s(rows)):
                line.emit(p, x, q, rows)
                f.add_to(p, 4 * rows)
                f.add_to(q, width * rows)
                f.add_to(s, -rows)
    return f


class _Line:
    """Distances of one row to a few that follow each other."""

    def __init__(self, f: Function, target: Target, width: Local, last: Local) -> None:
        self.f, self.target, self.width, self.last = f, target, width, last

    def emit(self, out: Local, x: Local, y: Local, rows: int) -> None:
        """Store the distances of x to `rows` rows from y on."""
        f = self.f
        sums = [f.let(w.f32x4_const(0)) for _ in range(rows)]
        at, whole = f.local(i32), f.let(self.width & -16)
        places = [f.let(y + self.width * r) for r in range(rows)]
        with f.for_range(at, 0, whole, 16):
            self._add(sums, x, places, at, None)
        with f.if_(at < self.width):
            self._add(sums, x, places, at, self.last)
        for r, total in enumerate(sums):
            f.f32_store(out, _across(f, total), offset=4 * r)
        f.free(*sums, at, whole, *places)

    def _add(
        self, sums: list[Local], x: Local, places: list[Local], at: Local, mask: Local | None
    ) -> None:
        f = self.f
        features, d = f.let(w.v128_load(x + at)), f.local(v128)
        for total, place in zip(sums, places, strict=True):
            difference = w.f32x4_sub(features, w.v128_load(place + at))
            f.set(d, difference if mask is None else w.v128_and(difference, mask))
            f.set(total, madd(self.target, d, d, total))
        f.free(features, d)


def _across(f: Function, v: Local) -> Val:
    """The sum of four lanes."""
    lanes = [w.f32x4_extract_lane(v, lane) for lane in range(4)]
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
