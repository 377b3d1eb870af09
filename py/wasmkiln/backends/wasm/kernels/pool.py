"""Sliding windows over [N, H, W, C], on vectors of channels.

Arguments and range are described with `PoolSpec`. The tables say which taps of a window lie inside
the input, so that padding, dilation and ceil_mode need no code.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....program.kernels.pool import PoolSpec
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import Store, sweep

__all__ = ["emit_pool"]

_WORDS = "out x rows columns oh ow c row pixel image down across"
_RECORD = 16  # bytes of a table's record: offset, valid taps, counted taps, 0
# dtype: vector shape, instruction of max, its neutral element
_SHAPES = {
    "f32": ("f32x4", "pmax", float("-inf")),
    "f64": ("f64x2", "pmax", float("-inf")),
    "i8": ("i8x16", "max_s", -128),
    "u8": ("i8x16", "max_u", 0),
}


def emit_pool(spec: PoolSpec, m: Module, target: Target) -> Function:
    """One output row at a time."""
    f = kernel(m, spec.name)
    pool = _Pool(f, spec, target)
    _, begin, end, _ = f.params
    u = f.local(i32)
    with f.for_range(u, begin, end):
        pool.row(u)
    return f


class _Pool:
    """The walk over an output row, its pixels and their channels."""

    def __init__(self, f: Function, spec: PoolSpec, target: Target) -> None:
        self.f, self.spec = f, spec
        names = _WORDS.split() + [f"e{k}" for k in range(len(spec.modes))]
        words = load_args(f, " ".join(names))
        (self.out, self.x, self.rows, self.columns, self.oh, self.ow, self.c) = words[:7]
        (_, _, self.image, self.down, self.across) = words[7:12]
        self.extras = words[12:]
        self.shape, self.maximum, self.lowest = _SHAPES[spec.dtype.name]
        size = spec.dtype.itemsize
        self.nbytes = f.let(self.c * size)
        self.p, self.q = f.local(i32), f.local(i32)
        self.down_taps, self.across_taps = f.local(i32), f.local(i32)
        self.scale = f.local(v128)
        self.epilogue = VectorExpr(f, target, spec.epilogue) if spec.epilogue else None

    def row(self, u: Local) -> None:
        """One output row."""
        f = self.f
        record = f.let(self.rows + (u % self.oh) * _RECORD)
        base = f.let(self.x + (u // self.oh) * self.image + w.i32_load(record))
        f.set(self.down_taps, w.i32_load(record, offset=4))
        down_count = f.let(w.i32_load(record, offset=8))
        f.set(self.q, self.out + u * self.ow * self.nbytes)
        stop = f.let(self.columns + self.ow * _RECORD)
        f.set(record, self.columns)
        with f.while_(record < stop):
            f.set(self.p, base + w.i32_load(record))
            f.set(self.across_taps, w.i32_load(record, offset=4))
            if self.spec.kind == "avg":
                self._set_scale(down_count * w.i32_load(record, offset=8))
            self._pixel()
            f.add_to(self.q, self.nbytes)
            f.add_to(record, _RECORD)
        f.free(record, base, down_count, stop)

    def _set_scale(self, count: Val) -> None:
        t = "f32" if self.shape == "f32x4" else "f64"
        scalar = self._vector_op("splat", getattr(w, f"{t}_convert_i32_s")(count))
        one = (w.f32x4_const if t == "f32" else w.f64x2_const)(1)
        self.f.set(self.scale, self._vector_op("div", one, scalar))

    def _pixel(self) -> None:
        f = self.f
        if self.spec.window is None:
            sweep(f, self.nbytes, self._any_window)
            return
        height, width = self.spec.window
        with f.if_(self.down_taps.eq(height) & self.across_taps.eq(width)):
            taps = [f.let(self.p)]
            for i in range(1, height * width):
                start = taps[i - width] if i >= width else taps[0]
                step = self.down if i % width == 0 else self.across
                taps.append(f.let((start if i % width == 0 else taps[-1]) + step))
            sweep(f, self.nbytes, lambda at, n, store: self._unrolled(taps, at, n, store))
            f.free(*taps)
        with f.else_():
            sweep(f, self.nbytes, self._any_window, (1,))

    def _unrolled(self, taps: Sequence[Local], at: Local, width: int, store: Store) -> None:
        """All taps of a window that lies inside the input."""
        f = self.f
        accs = [f.let(w.v128_load(taps[0] + at, offset=16 * v, align=1)) for v in range(width)]
        for tap in taps[1:]:
            for v, acc in enumerate(accs):
                f.set(acc, self._fold(acc, w.v128_load(tap + at, offset=16 * v, align=1)))
        self._finish(accs, at, store)

    def _any_window(self, at: Local, width: int, store: Store) -> None:
        """The valid taps in two loops."""
        f = self.f
        first = self._constant(self.lowest if self.spec.kind == "max" else 0)
        accs = [f.let(first) for _ in range(width)]
        i, j, row, tap = f.local(i32), f.local(i32), f.let(self.p + at), f.local(i32)
        with f.for_range(i, 0, self.down_taps):
            f.set(tap, row)
            with f.for_range(j, 0, self.across_taps):
                for v, acc in enumerate(accs):
                    f.set(acc, self._fold(acc, w.v128_load(tap, offset=16 * v, align=1)))
                f.add_to(tap, self.across)
            f.add_to(row, self.down)
        f.free(i, j, row, tap)
        self._finish(accs, at, store)

    def _finish(self, accs: Sequence[Local], at: Local, store: Store) -> None:
        f = self.f
        for v, acc in enumerate(accs):
            if self.spec.kind == "avg":
                f.set(acc, self._vector_op("mul", acc, self.scale))
            if self.epilogue is not None:
                f.set(
                    acc,
                    self.epilogue(acc, *(self._operand(k, at, v) for k in range(len(self.extras)))),
                )
            store(self.q + at, acc, v)
        f.free(*accs)

    def _operand(self, k: int, at: Local, v: int) -> Val:
        """Four elements of an operand of the epilogue."""
        pointer, mode = self.extras[k], self.spec.modes[k]
        if mode == "scalar":
            return w.v128_load32_splat(pointer)
        if mode == "column":
            return w.v128_load(pointer + at, offset=16 * v, align=4)
        return w.v128_load(pointer + (self.q - self.out) + at, offset=16 * v, align=4)

    def _fold(self, acc: Val, element: Val) -> Val:
        return self._vector_op(self.maximum if self.spec.kind == "max" else "add", acc, element)

    def _vector_op(self, name: str, *operands: Val) -> Val:
        value: Val = getattr(w, f"{self.shape}_{name}")(*operands)
        return value

    def _constant(self, value: float) -> Val:
        constant: Val = getattr(w, f"{self.shape}_const")(value)
        return constant
