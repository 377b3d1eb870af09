"""map: out[i] = expr(in0[i], in1[i], ...) over a broadcast index space.

args: see `MapSpec`.
for each index of the outer dims: pointers advance by strides; a run over the last dim goes four
lanes at a time where all dtypes allow it, and element by element at its end.
"""

from __future__ import annotations

from ....ir.dtype import BOOL, DType
from ....program.kernels.map import MapSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr, VectorExpr, is_vectorizable, scalar_type
from ..function import Function, Local
from ..isa import v128
from ..legalize import lane
from ..loops import kernel, load_args
from ..module import Module
from ..val import Val
from .element import load_scalar, store_scalar

__all__ = ["emit_map"]

UNROLL = 2  # vectors a turn: halves the loop's own instructions; more only makes the code larger
SMALL = 12  # nodes of an expression up to which that is worth it


def emit_map(spec: MapSpec, m: Module, target: Target) -> Function:
    """The kernel of one expression and one pattern of broadcasting."""
    f = kernel(m, spec.name)
    _Map(f, spec, target).emit()
    return f


class _Map:
    def __init__(self, f: Function, spec: MapSpec, target: Target) -> None:
        self.f, self.spec, self.target = f, spec, target
        rank, count = spec.rank, len(spec.inputs)
        names = ["out", *(f"in{i}" for i in range(count)), *(f"d{d}" for d in range(rank))]
        for i, inner in enumerate(spec.inner):
            names += [f"s{i}_{d}" for d in range(rank - 1)]
            if inner == "s":
                names.append(f"s{i}_{rank - 1}")
        loaded = dict(zip(names, load_args(f, " ".join(names)), strict=True))
        self.out = loaded["out"]
        self.pointers = [loaded[f"in{i}"] for i in range(count)]
        self.sizes = [loaded[f"d{d}"] for d in range(rank)]
        self.strides = [[loaded.get(f"s{i}_{d}") for d in range(rank)] for i in range(count)]
        self.scalar = ScalarExpr(f, spec.expr)
        # Inputs whose last dim is repeated: their element, loaded once a run.
        self.repeated = {
            i: f.local(scalar_type(lane(t)))
            for i, t in enumerate(spec.inputs)
            if spec.inner[i] == "b"
        }
        self.vector: VectorExpr | None = None
        self.splats: dict[int, Local] = {}
        if self._has_vectors():
            self.vector = VectorExpr(f, target, spec.expr)
            self.splats = {i: f.local(v128) for i in self.repeated}

    def _has_vectors(self) -> bool:
        spec = self.spec
        dtypes = (*spec.inputs, spec.output)
        return (
            "s" not in spec.inner
            and all(t.itemsize <= 4 for t in dtypes)
            and is_vectorizable(spec.expr)
        )

    def emit(self) -> None:
        f, spec = self.f, self.spec
        _, begin, end, _ = f.params
        if spec.rank == 1:
            f.add_to(self.out, begin * spec.output.itemsize)
            for i, (p, t) in enumerate(zip(self.pointers, spec.inputs, strict=True)):
                if spec.inner[i] == "c":
                    f.add_to(p, begin * t.itemsize)
                elif spec.inner[i] == "s":
                    f.add_to(p, begin * self._stride(i, 0))
            self._run(f.let(end - begin))
            return
        row = f.let(spec.output.itemsize)
        for size in self.sizes[1:]:
            f.set(row, row * size)
        f.add_to(self.out, begin * row)
        for i, p in enumerate(self.pointers):
            f.add_to(p, begin * self._stride(i, 0))
        f.set(self.sizes[0], end - begin)
        self._nest(0, self.pointers)

    def _nest(self, dim: int, pointers: list[Local]) -> None:
        """Loop over the dims from `dim` on; pointers of this level are advanced by it."""
        f = self.f
        if dim == self.spec.rank - 1:
            for p, q in zip(self.pointers, pointers, strict=True):
                if p is not q:
                    f.set(p, q)
            self._run(f.let(self.sizes[dim]))
            return
        here = [f.let(p) for p in pointers]
        count = f.let(self.sizes[dim])
        with f.while_(count.ne(0)):
            self._nest(dim + 1, here)
            for i, p in enumerate(here):
                f.add_to(p, self._stride(i, dim))
            f.set(count, count - 1)
        f.free(count, *here)

    def _stride(self, i: int, dim: int) -> Local:
        stride = self.strides[i][dim]
        assert stride is not None
        return stride

    def _run(self, left: Local) -> None:
        """`left` elements of the last dim; moves the output's pointer behind them."""
        f, spec = self.f, self.spec
        for i, local in self.repeated.items():
            f.set(local, load_scalar(spec.inputs[i], self.pointers[i]))
        if self.vector is not None:
            for i, local in self.splats.items():
                f.set(local, _splat(spec.inputs[i], self.repeated[i]))
            if spec.expr.size <= SMALL:
                self._vectors(left, UNROLL)
            self._vectors(left, 1)
        with f.while_(left.ne(0)):
            args = [
                self.repeated[i] if i in self.repeated else load_scalar(t, p)
                for i, (p, t) in enumerate(zip(self.pointers, spec.inputs, strict=True))
            ]
            store_scalar(f, spec.output, self.out, self.scalar(*args))
            self._advance(1)
            f.set(left, left - 1)
        f.free(left)

    def _vectors(self, left: Local, count: int) -> None:
        f, spec, expr = self.f, self.spec, self.vector
        assert expr is not None
        with f.while_(left.ge_s(4 * count)):
            for v in range(count):
                args = [
                    self.splats[i] if i in self.splats else _load(t, p, 4 * v * t.itemsize)
                    for i, (p, t) in enumerate(zip(self.pointers, spec.inputs, strict=True))
                ]
                _store(f, spec.output, self.out, expr(*args), 4 * v * spec.output.itemsize)
            self._advance(4 * count)
            f.set(left, left - 4 * count)

    def _advance(self, elements: int) -> None:
        f, spec = self.f, self.spec
        f.add_to(self.out, elements * spec.output.itemsize)
        for i, (p, t) in enumerate(zip(self.pointers, spec.inputs, strict=True)):
            if spec.inner[i] == "c":
                f.add_to(p, elements * t.itemsize)
            elif spec.inner[i] == "s":
                f.add_to(p, self._stride(i, spec.rank - 1))


def _splat(dtype: DType, value: Val) -> Val:
    if dtype == BOOL:
        return w.i32x4_splat(w.i32_const(0) - value)
    splat: Val = w.f32x4_splat(value) if dtype.name == "f32" else w.i32x4_splat(value)
    return splat


def _load(dtype: DType, address: Local, offset: int) -> Val:
    """Four elements, each widened to a lane; bool becomes a mask."""
    if dtype.itemsize == 4:
        return w.v128_load(address, offset=offset)
    sign = "s" if dtype.kind == "i" else "u"
    if dtype.itemsize == 2:
        wide: Val = getattr(w, f"v128_load16x4_{sign}")(address, offset=offset)
        return wide
    narrow = w.v128_load32_zero(address, offset=offset)
    half = getattr(w, f"i16x8_extend_low_i8x16_{sign}")(narrow)
    full: Val = getattr(w, f"i32x4_extend_low_i16x8_{sign}")(half)
    return w.i32x4_ne(full, w.i32x4_const(0)) if dtype == BOOL else full


def _store(f: Function, dtype: DType, address: Local, value: Val, offset: int) -> None:
    """Store four lanes as elements; they are in the dtype's range."""
    if dtype.itemsize == 4:
        f.v128_store(address, value, offset=offset)
        return
    if dtype == BOOL:
        value = w.v128_and(value, w.i32x4_const(1))
    lanes = f.let(value)
    sign = "u" if dtype.itemsize == 2 and dtype.kind != "i" else "s"
    half = getattr(w, f"i16x8_narrow_i32x4_{sign}")(lanes, lanes)
    if dtype.itemsize == 2:
        f.emit(w.v128_store64_lane(address, half, 0, offset=offset))
    else:
        f.set(lanes, half)
        narrow = getattr(w, f"i8x16_narrow_i16x8_{'s' if dtype.kind == 'i' else 'u'}")
        f.emit(w.v128_store32_lane(address, narrow(lanes, lanes), 0, offset=offset))
    f.free(lanes)
