"""out[o, i] = post(fold over r of pre(x[o, r, i])).

Arguments and range are described with `ReduceSpec`. f32 runs on vectors, along R where elements of
one output follow each other, else across `inner`; all other dtypes run on scalars.

Sums of f32 are formed in blocks, whose totals are then added: the error grows with the length of a
block and the number of blocks, not with their product.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.dtype import F32, DType
from ....ir.expr import Expr, arg, call, substitute
from ....program.kernels.reduce import TILE, ReduceSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr, VectorExpr, is_vectorizable, scalar_type
from ..function import Function, Local
from ..isa import f32, f64, i32, i64, v128
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar, store_bytes, store_scalar

__all__ = ["emit_reduce"]

BLOCK = 64  # steps of one accumulator before it is added to the total
LANES = TILE // 4


def emit_reduce(spec: ReduceSpec, m: Module, target: Target) -> Function:
    """The vector form where all dtypes are f32, else the scalar form."""
    f = kernel(m, spec.name)
    names = ["out", "x", *(f"e{k}" for k in range(len(spec.inputs) - 1)), "r", "inner", "count"]
    words = load_args(f, " ".join(names))
    vector = all(d == F32 for d in (*spec.inputs, spec.pre.dtype, spec.post.dtype))
    if vector and is_vectorizable(spec.pre) and is_vectorizable(spec.post):
        reduction = _Vector(f, spec, target, words)
        reduction.middle() if spec.middle else reduction.inner()
    else:
        _scalar(f, spec, words)
    return f


def _step(spec: ReduceSpec) -> Expr:
    """The accumulator (argument 0) combined with an element (1); extra operands from 2 on."""
    operands = [arg(1 + k, d) for k, d in enumerate(spec.inputs)]
    acc = arg(0, spec.pre.dtype)
    op = {"sum": "add", "prod": "mul"}.get(spec.fold, spec.fold)
    return call(op, acc, substitute(spec.pre, operands))


def _neutral(fold: str, dtype: DType) -> float | int:
    """The accumulator's first value."""
    if fold in ("sum", "prod"):
        return 0 if fold == "sum" else 1
    if dtype.is_float:
        return float("-inf") if fold == "max" else float("inf")
    low = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
    return low if fold == "max" else low + (1 << dtype.bits) - 1


class _Vector:
    """The vector forms; extra operands are loaded where an output's address is known."""

    def __init__(
        self, f: Function, spec: ReduceSpec, target: Target, words: Sequence[Local]
    ) -> None:
        self.f, self.spec = f, spec
        self.out, self.x, *self.extras = words[:-3]
        self.r, self.columns, count = words[-3:]
        self.step = VectorExpr(f, target, _step(spec))
        self.post = VectorExpr(f, target, spec.post)
        self.join = VectorExpr(f, target, _join(spec))
        self.count = f.let(w.f32x4_splat(w.f32_convert_i32_s(count)))
        self.blocked = spec.fold == "sum"

    def fresh(self, count: int) -> list[Local]:
        """Accumulators, whose values are set by `clear`."""
        return [self.f.local(v128, "acc") for _ in range(count)]

    def clear(self, accs: Sequence[Local]) -> None:
        """Set accumulators to the fold's neutral element."""
        neutral = w.f32x4_const(_neutral(self.spec.fold, F32))
        for acc in accs:
            self.f.set(acc, neutral)

    def add(self, acc: Local, element: Val, extras: Sequence[Val]) -> None:
        """Combine an accumulator with an element."""
        self.f.set(acc, self.step(acc, element, *extras))

    # [outer, R]: four accumulators along R, joined at the end

    def inner(self) -> None:
        """One output at a time."""
        f = self.f
        _, begin, end, _ = f.params
        u, p = f.local(i32), f.let(self.x + begin * (self.r << 2))
        accs, total = self.fresh(LANES), f.local(v128, "total")
        lanes = w.i32x4_lt_s(w.i32x4_const([0, 1, 2, 3]), w.i32x4_splat(self.r & 3))
        mask = f.let(lanes)
        with f.for_range(u, begin, end):
            extras = [f.let(w.v128_load32_splat(e + (u << 2))) for e in self.extras]
            self.clear([*accs, total])
            self._along(p, accs, total, mask, extras)
            for shuffle in ([2, 3, 0, 1], [1, 0, 3, 2]):
                picks = [4 * lane + byte for lane in shuffle for byte in range(4)]
                f.set(total, self.join(total, w.i8x16_shuffle(total, total, picks)))
            result = self.post(total, self.count, *extras)
            f.emit(w.v128_store32_lane(self.out + (u << 2), result, 0))
            f.free(*extras)

    def _along(
        self, p: Local, accs: list[Local], total: Local, mask: Local, extras: list[Local]
    ) -> None:
        """Fold R elements from `p` on into `total`, and move `p` behind them."""
        f = self.f
        whole, stop = f.let(p + ((self.r << 2) & -4 * TILE)), f.local(i32)
        with f.while_(p < whole):
            f.set(stop, whole)
            if self.blocked:
                limit = p + BLOCK * 4 * TILE
                f.set(stop, w.select(limit, whole, (whole - p) > BLOCK * 4 * TILE))
            with f.loop() as again:
                for v, acc in enumerate(accs):
                    self.add(acc, w.v128_load(p, offset=16 * v, align=4), extras)
                f.add_to(p, 4 * TILE)
                f.br_if(again, p < stop)
            a, b, c, d = accs
            f.set(a, self.join(a, b))
            f.set(c, self.join(c, d))
            f.set(total, self.join(total, a))
            f.set(total, self.join(total, c))
            self.clear(accs)
        f.set(stop, p + ((self.r << 2) & (4 * TILE - 16)))
        with f.while_(p < stop):
            self.add(total, w.v128_load(p, align=4), extras)
            f.add_to(p, 16)
        with f.if_(self.r & 3):
            rest = self.step(total, w.v128_load(p, align=4), *extras)
            f.set(total, w.v128_bitselect(rest, total, mask))
            f.add_to(p, (self.r & 3) << 2)
        f.free(whole, stop)

    # [outer, R, inner]: an accumulator for each of a tile's columns

    def middle(self) -> None:
        """One tile of columns at a time."""
        f = self.f
        _, begin, end, _ = f.params
        stride = f.let(self.columns << 2)
        tiles = f.let((self.columns + (TILE - 1)) // TILE)
        t = f.let(begin % tiles)
        outer = f.let(begin // tiles)
        p = f.let(self.x + outer * self.r * stride + t * (4 * TILE))
        q = f.let(outer * stride + t * (4 * TILE))
        f.free(outer)
        u, left = f.local(i32), f.local(i32)
        skip = f.let((self.r - 1) * stride)
        with f.for_range(u, begin, end):
            f.set(left, self.columns - t * TILE)
            with f.if_(left.ge_s(TILE)):
                self._down(p, q, stride, LANES, None)
                f.add_to(p, 4 * TILE)
                f.add_to(q, 4 * TILE)
            with f.else_(), f.while_(left.gt_s(0)):
                self._down(p, q, stride, 1, left)
                step = f.let(w.select(w.i32_const(16), left << 2, left.ge_s(4)))
                f.add_to(p, step)
                f.add_to(q, step)
                f.add_to(left, -4)
                f.free(step)
            f.add_to(t, 1)
            with f.if_(t.eq(tiles)):
                f.set(t, 0)
                f.add_to(p, skip)

    def _down(self, p: Local, q: Local, stride: Local, width: int, left: Local | None) -> None:
        """Fold the rows of `width` vectors of columns at `p`, and store them at `out + q`."""
        f = self.f
        accs = self.fresh(width)
        totals = self.fresh(width) if self.blocked else accs
        extras = [
            [f.let(w.v128_load(e + q, offset=16 * v, align=4)) for e in self.extras]
            for v in range(width)
        ]
        row, rows, block = f.let(p), f.let(self.r), f.local(i32)
        self.clear(totals)
        with f.while_(rows.gt_s(0)):
            if self.blocked:
                self.clear(accs)
                f.set(block, w.select(w.i32_const(BLOCK), rows, rows.ge_s(BLOCK)))
            else:
                f.set(block, rows)
            f.set(rows, rows - block)
            with f.loop() as again:
                for v, acc in enumerate(accs):
                    self.add(acc, w.v128_load(row, offset=16 * v, align=4), extras[v])
                f.add_to(row, stride)
                f.br_if(again, f.tee(block, block - 1))
            if self.blocked:
                for acc, total in zip(accs, totals, strict=True):
                    f.set(total, self.join(total, acc))
        for v, total in enumerate(totals):
            f.set(total, self.post(total, self.count, *extras[v]))
            if left is None:
                f.v128_store(self.out + q, total, offset=16 * v)
            else:
                store_bytes(f, self.out + q, total, left << 2)
        f.free(*accs, *(totals if self.blocked else ()), row, rows, block)
        f.free(*(e for vector in extras for e in vector))


def _join(spec: ReduceSpec) -> Expr:
    """Two accumulators combined."""
    op = {"sum": "add", "prod": "mul"}.get(spec.fold, spec.fold)
    return call(op, arg(0, F32), arg(1, F32))


def _scalar(f: Function, spec: ReduceSpec, words: Sequence[Local]) -> None:
    """One output at a time; a middle reduction takes the columns of a tile one by one."""
    out, x, *extras = words[:-3]
    r, columns, count = words[-3:]
    _, begin, end, _ = f.params
    size = spec.inputs[0].itemsize
    form = _Scalar(f, spec, [out, *extras], count)
    u, o, i, stop = (f.local(i32) for _ in range(4))
    if not spec.middle:
        with f.for_range(u, begin, end):
            form.fold(x + u * (r * size), r, w.i32_const(size), u)
        return
    tiles, stride = f.let((columns + (TILE - 1)) // TILE), f.let(columns * size)
    with f.for_range(u, begin, end):
        f.set(o, u // tiles)
        f.set(i, (u % tiles) * TILE)
        rest = columns - i
        f.set(stop, i + w.select(w.i32_const(TILE), rest, rest.ge_s(TILE)))
        with f.while_(i < stop):
            form.fold(x + o * r * stride + i * size, r, stride, o * columns + i)
            f.add_to(i, 1)


class _Scalar:
    """The scalar form of one output."""

    def __init__(
        self, f: Function, spec: ReduceSpec, pointers: Sequence[Local], count: Local
    ) -> None:
        self.f, self.spec = f, spec
        self.out, *self.extras = pointers
        self.type = scalar_type(spec.pre.dtype)
        self.step, self.post = ScalarExpr(f, _step(spec)), ScalarExpr(f, spec.post)
        convert = {i32: count, f32: None, f64: None, i64: None}[self.type]
        if convert is None:
            name = "extend_i32_u" if self.type is i64 else "convert_i32_s"
            convert = getattr(w, f"{self.type}_{name}")(count)
        self.count = f.let(convert)
        self.acc, self.p = f.local(self.type, "acc"), f.local(i32)
        self.left = f.local(i32)

    def fold(self, first: Val, r: Local, stride: Val, at: Val) -> None:
        """Fold `r` elements from `first` on and store the output at index `at`."""
        f, spec = self.f, self.spec
        index = f.let(at)
        pairs = zip(self.extras, spec.inputs[1:], strict=True)
        extras = [f.let(load_scalar(d, e + index * d.itemsize)) for e, d in pairs]
        neutral = _neutral(spec.fold, spec.pre.dtype)
        zero = {i32: w.i32_const, i64: w.i64_const, f32: w.f32_const, f64: w.f64_const}[self.type]
        f.set(self.acc, zero(neutral))  # type: ignore[arg-type]
        f.set(self.p, first)
        f.set(self.left, r)
        with f.while_(self.left.ne(0)):
            value = load_scalar(spec.inputs[0], self.p)
            f.set(self.acc, self.step(self.acc, value, *extras))
            f.add_to(self.p, stride)
            f.add_to(self.left, -1)
        dtype = spec.post.dtype
        address = f.let(self.out + index * dtype.itemsize)
        store_scalar(f, dtype, address, self.post(self.acc, self.count, *extras))
        f.free(index, address, *extras)
