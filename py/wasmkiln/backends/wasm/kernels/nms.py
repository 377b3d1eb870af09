"""Non-maximum suppression (see program/kernels/nms.py).

for each class: a heap of the boxes, whose root is the best one; roots leave it one by one, and are
chosen unless they overlap one that is chosen already, until enough are.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....program.kernels.nms import NmsCollectSpec, NmsSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import f32, i32, i64
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .heap import emit_sift

__all__ = ["emit_nms", "emit_nms_collect"]

KEPT = 20  # bytes kept of a chosen box: left, right, top, bottom, area


def emit_nms(spec: NmsSpec, m: Module, target: Target) -> Function:
    """One class after the other."""
    better = _better(m, spec)
    sift = emit_sift(m, spec.name, better)
    f = kernel(m, spec.name)
    _, begin, end, thread = f.params
    chosen, counts, boxes, scores, most, iou, threshold, classes, size, room, scratch, share = (
        load_args(
            f,
            "chosen counts boxes scores most iou threshold classes size room scratch share",
        )
    )
    heap = f.let(scratch + thread * share)
    kept = f.let(heap + size * 4)
    limit = _limit(f, most, room)
    overlaps = _overlaps(m, spec)
    line, n, k, i, best = (f.local(i32) for _ in range(5))
    box = [f.local(f32) for _ in range(5)]
    with f.for_range(begin, begin, end):
        f.set(line, scores + begin * size * 4)
        f.set(n, 0)
        with f.for_range(i, 0, size):
            good = w.f32_load(line + i * 4) > w.f32_load(threshold)
            with f.if_(good if spec.thresholded else w.i32_const(1)):
                f.i32_store(heap + n * 4, i)
                f.add_to(n, 1)
        with f.for_range(i, n // 2 - 1, -1, -1):
            f.call(sift, heap, n, i, line)
        f.set(k, 0)
        with f.while_((n > 0) & (k < limit)):
            f.set(best, w.i32_load(heap))
            f.add_to(n, -1)
            f.i32_store(heap, w.i32_load(heap + n * 4))
            f.call(sift, heap, n, 0, line)
            _load_box(f, spec, boxes + (begin // classes * size + best) * 16, box)
            with f.if_(f.call(overlaps, kept, k, *box, w.f32_load(iou)).eqz()):
                f.i32_store(chosen + (begin * room + k) * 4, best)
                for at, value in enumerate(box):
                    f.f32_store(kept + k * KEPT, value, offset=4 * at)
                f.add_to(k, 1)
        f.i32_store(counts + begin * 4, k)
    return f


def _limit(f: Function, most: Local, room: Local) -> Local:
    """How many boxes may be chosen of a class: the i64 at `most`, from 0 to `room`."""
    wide = f.local(i64)
    f.set(wide, w.i64_load(most))
    limit = f.let(room)
    with f.if_(wide.lt_s(w.i64_extend_i32_u(room))):
        f.set(limit, w.select(w.i32_wrap_i64(wide), w.i32_const(0), wide.gt_s(0)))
    return limit


def _better(m: Module, spec: NmsSpec) -> Function:
    """(scores, a, b): whether box a comes before box b."""
    f = m.function(f"{spec.name}_better", (i32,) * 3, (i32,))
    line, a, b = f.params
    x, y = (f.let(w.f32_load(line + i * 4)) for i in (a, b))
    f.return_((x > y) | (x.eq(y) & (a < b)))
    return f


def _load_box(f: Function, spec: NmsSpec, address: Val, box: Sequence[Local]) -> None:
    """Fill left, right, top, bottom and area."""
    left, right, top, bottom, area = box
    p = f.let(address)
    first, second, third, fourth = (w.f32_load(p, offset=4 * i) for i in range(4))
    if spec.center:
        f.set(left, first - third * 0.5)
        f.set(right, first + third * 0.5)
        f.set(top, second - fourth * 0.5)
        f.set(bottom, second + fourth * 0.5)
    else:
        f.set(left, w.f32_min(second, fourth))
        f.set(right, w.f32_max(second, fourth))
        f.set(top, w.f32_min(first, third))
        f.set(bottom, w.f32_max(first, third))
    f.set(area, (right - left) * (bottom - top))
    f.free(p)


def _overlaps(m: Module, spec: NmsSpec) -> Function:
    """(kept, k, box, iou): whether the box overlaps one of the kept ones by more than iou."""
    f = m.function(f"{spec.name}_overlaps", (i32, i32, *(f32,) * 6), (i32,))
    p, n, left, right, top, bottom, area, iou = f.params
    end = f.let(p + n * KEPT)
    wide, high, shared, union = (f.local(f32) for _ in range(4))
    other = [w.f32_load(p, offset=4 * i) for i in range(5)]
    with f.for_range(p, p, end, KEPT, signed=False):
        f.set(wide, w.f32_min(right, other[1]) - w.f32_max(left, other[0]))
        f.set(high, w.f32_min(bottom, other[3]) - w.f32_max(top, other[2]))
        with f.if_((wide > 0) & (high > 0)):
            f.set(shared, wide * high)
            f.set(union, area + other[4] - shared)
            solid = (shared > 0) & (area > 0) & (other[4] > 0) & (union > 0)
            with f.if_(solid & (shared / union > iou)):
                f.return_(1)
    f.return_(0)
    return f


def emit_nms_collect(spec: NmsCollectSpec, m: Module, target: Target) -> Function:
    """The chosen boxes of one class after the other."""
    f = kernel(m, spec.name)
    rows, count, chosen, counts, units, classes, room = load_args(
        f, "rows count chosen counts units classes room"
    )
    q, u, k, n = f.let(rows), f.local(i32), f.local(i32), f.local(i32)
    with f.for_range(u, 0, units):
        f.set(n, w.i32_load(counts + u * 4))
        with f.for_range(k, 0, n):
            box = w.i32_load(chosen + (u * room + k) * 4)
            for at, value in enumerate((u // classes, u % classes, box)):
                f.i64_store(q, w.i64_extend_i32_u(value), offset=8 * at)
            f.add_to(q, 24)
    f.i64_store(count, w.i64_extend_i32_u((q - rows) // 24))
    return f
