"""out[i] = expr(in0[i], in1[i], ...) over a broadcast index space.

    args: out, in0, in1, ... (addresses) · d0 .. d(R-1) (sizes) · for each input its strides in
          bytes for dims 0 .. R-2, and for the last dim too where it is strided
    range: elements where R is 1, else indices of dim 0

    for i0 in range: for i1 .. i(R-2): one row: sixteen elements at a time, then four, then the rest

Four lanes of four bytes where all steps fit them (narrow elements are widened and narrowed on the
way), else one scalar after the other. The rest of a row is computed as one more vector, of which
only the elements inside are stored: it may read up to 15 elements behind a row, and gives the same
bits as the other elements. The output may be one of the inputs, as each element is read before it
is written.
"""

from __future__ import annotations

from ....ir.dtype import BOOL, DType
from ....program.kernels.map import MapSpec
from ....record import record
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr, VectorExpr, is_vectorizable
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel
from ..module import Module
from ..val import Val
from .element import load_scalar, store_scalar
from .narrow import load_lanes, splat_lanes, store_lanes

__all__ = ["emit_map"]

# Beyond this many operations, four copies of the code gain less than they cost to compile.
UNROLLED_NODES = 24


@record
class _Input:
    """An operand: its dtype, how its last dimension advances, and where the current row begins."""

    dtype: DType
    inner: str
    base: Local
    strides: list[Local]

    def step(self) -> Val | int:
        """Bytes from one element of a row to the next."""
        return self.strides[-1] if self.inner == "s" else self.dtype.itemsize * (self.inner == "c")


def emit_map(spec: MapSpec, m: Module, target: Target) -> Function:
    """Add the kernel."""
    f = kernel(m, spec.name)
    out, inputs, sizes = _load_args(f, spec)
    vector = is_vectorizable(spec.expr) and all(
        d.itemsize <= 4 for d in (*spec.inputs, spec.output)
    )
    row = _VectorRow(f, spec, target, inputs) if vector else _ScalarRow(f, spec, inputs)
    _, begin, end, _ = f.params
    if spec.rank == 1:
        f.add_to(out, begin * spec.output.itemsize)
        for x in inputs:
            f.add_to(x.base, begin * x.step())
        row.emit(out, f.let(end - begin))
    else:
        _nest(f, spec, out, inputs, sizes, row)
    return f


def _load_args(f: Function, spec: MapSpec) -> tuple[Local, list[_Input], list[Local]]:
    words = iter(range(1 << 16))

    def load(name: str) -> Local:
        return f.let(w.i32_load(f.params[0], offset=4 * next(words)), name)

    out = load("out")
    bases = [load(f"in{j}") for j in range(len(spec.inputs))]
    sizes = [load(f"d{d}") for d in range(spec.rank)]
    inputs = [
        _Input(dtype, inner, base, [load("stride") for _ in range(spec.rank - (inner != "s"))])
        for dtype, inner, base in zip(spec.inputs, spec.inner, bases, strict=True)
    ]
    return out, inputs, sizes


def _nest(
    f: Function,
    spec: MapSpec,
    out: Local,
    inputs: list[_Input],
    sizes: list[Local],
    row: _VectorRow | _ScalarRow,
) -> None:
    """Loops over all dimensions but the last, advancing each input's base by its strides."""
    _, begin, end, _ = f.params
    inner = f.let(sizes[1])
    for size in sizes[2:]:
        f.set(inner, inner * size)
    f.add_to(out, begin * inner * spec.output.itemsize)
    for x in inputs:
        f.add_to(x.base, begin * x.strides[0])

    def level(d: int) -> None:
        if d == spec.rank - 1:
            row.emit(out, sizes[d])
            f.add_to(out, sizes[d] * spec.output.itemsize)
            return
        start, stop = (begin, end) if d == 0 else (w.i32_const(0), sizes[d])
        with f.for_range(f.local(i32), start, stop):
            kept = [f.let(x.base) for x in inputs] if d < spec.rank - 2 else []
            level(d + 1)
            for x, base in zip(inputs, kept, strict=False):
                f.set(x.base, base)
            for x in inputs:
                f.add_to(x.base, x.strides[d])

    level(0)


class _ScalarRow:
    """One element after the other, of any dtype."""

    def __init__(self, f: Function, spec: MapSpec, inputs: list[_Input]) -> None:
        self.f = f
        self.output = spec.output
        self.inputs = inputs
        self.expr = ScalarExpr(f, spec.expr)
        self.pointers = [f.local(i32) for _ in inputs]

    def emit(self, out: Local, n: Local) -> None:
        """A row of `n` elements from the inputs' bases to `out`."""
        f = self.f
        for p, x in zip(self.pointers, self.inputs, strict=True):
            f.set(p, x.base)
        at = f.let(out)
        with f.for_range(f.local(i32), 0, n):
            loads = zip(self.inputs, self.pointers, strict=True)
            value = self.expr(*(load_scalar(x.dtype, p) for x, p in loads))
            store_scalar(f, self.output, at, value)
            for p, x in zip(self.pointers, self.inputs, strict=True):
                f.add_to(p, x.step())
            f.add_to(at, self.output.itemsize)


class _VectorRow:
    """Four elements at once, sixteen where the expression is short."""

    def __init__(self, f: Function, spec: MapSpec, target: Target, inputs: list[_Input]) -> None:
        self.f = f
        self.output = spec.output
        self.inputs = inputs
        self.expr = VectorExpr(f, target, spec.expr)
        self.pointers = [f.local(v128 if x.inner == "b" else i32) for x in inputs]
        self.at = f.local(i32, "at")
        self.left = f.local(i32, "left")
        self.widths = (4, 1) if len(self.expr.uses) <= UNROLLED_NODES else (1,)

    def emit(self, out: Local, n: Local) -> None:
        """A row of `n` elements from the inputs' bases to `out`."""
        f = self.f
        for p, x in zip(self.pointers, self.inputs, strict=True):
            f.set(p, splat_lanes(x.dtype, x.base) if x.inner == "b" else x.base)
        f.set(self.at, out)
        f.set(self.left, n)
        for width in self.widths:
            with f.while_(self.left.ge_s(4 * width)):
                self._vectors(width)
                f.add_to(self.left, -4 * width)
        with f.if_(self.left.gt_s(0)):
            self._vectors(1, partial=True)

    def _vectors(self, width: int, partial: bool = False) -> None:
        """The next `width` vectors; of a partial one, only what is left is stored."""
        f = self.f
        pairs = zip(self.inputs, self.pointers, strict=True)
        columns = [self._load(x, p, width, partial) for x, p in pairs]
        values = [self.expr(*(column[v] for column in columns)) for v in range(width)]
        store_lanes(f, self.output, self.at, values, self.left if partial else None)
        if not partial:
            for x, p in zip(self.inputs, self.pointers, strict=True):
                if x.inner == "c":
                    f.add_to(p, 4 * width * x.dtype.itemsize)
            f.add_to(self.at, 4 * width * self.output.itemsize)

    def _load(self, x: _Input, p: Local, width: int, partial: bool) -> list[Val]:
        if x.inner == "b":
            return [p] * width
        if x.inner == "c":
            return load_lanes(self.f, x.dtype, p, width)
        return [self._gather(x, p, partial) for _ in range(width)]

    def _gather(self, x: _Input, p: Local, partial: bool) -> Local:
        """Four strided elements; a partial vector repeats its last one instead of going on."""
        f, stride = self.f, x.strides[-1]
        raw = f.local(v128)
        for lane in range(4):
            element = load_scalar(x.dtype, p)
            if x.dtype.name == "f32":
                value = w.f32x4_replace_lane(raw, element, lane)
            else:
                value = w.i32x4_replace_lane(raw, element, lane)
            f.set(raw, value)
            more = w.select(stride, 0, self.left > lane + 1) if partial else stride
            f.add_to(p, more)
        if x.dtype == BOOL:
            f.set(raw, w.i32x4_neg(raw))
        return raw
