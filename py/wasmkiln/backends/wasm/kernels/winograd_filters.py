"""The filters of Winograd's convolution (see program/kernels/winograd.py).

for each panel: for each channel, for four of its filters: G w Gt, a filter in each lane
"""

from __future__ import annotations

from collections.abc import Sequence

from ....program.kernels.gemm import NR
from ....program.kernels.winograd import WinogradFiltersSpec, filter_rows
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val
from .copy import transpose_tile

__all__ = ["emit_winograd_filters"]

TAPS_BYTES = 36  # of a filter and a channel
LANES = 4


def emit_winograd_filters(spec: WinogradFiltersSpec, m: Module, target: Target) -> Function:
    """One panel after the other, in calls that do a channel of four filters."""
    four = _four_filters(spec, m, target)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    u, source, channels, panels = load_args(f, "u w channels panels")
    filter_bytes = f.let(channels * TAPS_BYTES)
    step = f.let(panels * channels * (4 * NR))
    c, at, to = f.local(i32, "c"), f.local(i32, "at"), f.local(i32, "to")
    with f.for_range(begin, begin, end):
        f.set(to, u + begin * channels * (4 * NR))
        f.set(at, source + begin * filter_bytes * NR)
        with f.for_range(c, 0, channels):
            for first in range(0, NR, LANES):
                f.call(four, at + filter_bytes * first, filter_bytes, to + 4 * first, step)
            f.add_to(at, TAPS_BYTES)
            f.add_to(to, 4 * NR)
    return f


def _four_filters(spec: WinogradFiltersSpec, m: Module, target: Target) -> Function:
    """(source, filter_bytes, to, step): a channel of four filters, to all matrices."""
    rows = filter_rows(spec.size)
    f = m.function(f"{spec.name}_four", (i32,) * 4)
    source, filter_bytes, to, step = f.params
    sources = [source, *(f.let(source + filter_bytes * i) for i in range(1, LANES))]
    taps = [f.local(v128, f"tap{i}") for i in range(12)]
    for first in range(0, len(taps), LANES):
        loads = [w.v128_load(s, offset=4 * first, align=4) for s in sources]
        for tap, value in zip(taps[first:], transpose_tile(f, loads), strict=False):
            f.set(tap, value)
    down = [[_weighted(f, target, row, taps[across:9:3]) for row in rows] for across in range(3)]
    for i in range(len(rows)):
        for row in rows:
            f.v128_store(to, _weighted(f, target, row, [column[i] for column in down]))
            f.add_to(to, step)
    return f


def _weighted(f: Function, target: Target, weights: Sequence[float], taps: Sequence[Val]) -> Local:
    """The sum of three taps with their weights."""
    total = f.local(v128)
    terms = [(x, tap) for x, tap in zip(weights, taps, strict=True) if x]
    for i, (weight, tap) in enumerate(terms):
        factor = w.f32x4_const(weight)
        f.set(total, madd(target, factor, tap, total) if i else w.f32x4_mul(factor, tap))
    return total
