"""The k best elements of lines (see program/kernels/sort.py).

for each line: a heap of the indices of the first k elements, whose root is the worst one; each
better element takes the root's place; then the roots leave the heap one by one, worst first.
"""

from __future__ import annotations

from ....ir.expr import Expr, arg, call
from ....program.kernels.sort import TopKSpec
from ...base import Target
from .. import asm as w
from ..expr import ScalarExpr
from ..function import Function
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from .element import load_scalar, store_scalar
from .heap import emit_sift, swap

__all__ = ["emit_topk"]


def emit_topk(spec: TopKSpec, m: Module, target: Target) -> Function:
    """One line after the other."""
    worse = _worse(m, spec)
    sift = emit_sift(m, spec.name, worse)
    f = kernel(m, spec.name)
    _, begin, end, thread = f.params
    values, indices, x, r, k, inner, scratch, share = load_args(
        f, "values indices x r k inner scratch share"
    )
    size = spec.dtype.itemsize
    heap, stride = f.let(scratch + thread * share), f.let(inner * size)
    line, to, i = f.local(i32), f.local(i32), f.local(i32)
    with f.for_range(begin, begin, end):
        outer = f.let(begin // inner)
        rest = f.let(begin - outer * inner)
        f.set(line, x + (outer * r * inner + rest) * size)
        f.set(to, outer * k * inner + rest)
        with f.for_range(i, 0, k):
            f.i32_store(heap + i * 4, i)
        with f.for_range(i, k // 2 - 1, -1, -1):
            f.call(sift, heap, k, i, line, stride)
        with f.for_range(i, k, r), f.if_(f.call(worse, line, stride, w.i32_load(heap), i)):
            f.i32_store(heap, i)
            f.call(sift, heap, k, 0, line, stride)
        with f.for_range(i, k - 1, 0, -1):
            swap(f, heap, heap + i * 4)
            f.call(sift, heap, i, 0, line, stride)
        with f.for_range(i, 0, k):
            found = f.let(w.i32_load(heap + i * 4))
            element = load_scalar(spec.dtype, line + found * stride)
            store_scalar(f, spec.dtype, values + to * size, element)
            f.i64_store(indices + to * 8, w.i64_extend_i32_u(found))
            f.add_to(to, inner)
            f.free(found)
        f.free(outer, rest)
    return f


def _worse(m: Module, spec: TopKSpec) -> Function:
    """(line, stride, a, b): whether element a of the line is worse than element b."""
    f = m.function(f"{spec.name}_worse", (i32,) * 4, (i32,))
    line, stride, a, b = f.params
    x, y = (f.let(load_scalar(spec.dtype, line + i * stride)) for i in (a, b))
    first, second = arg(0, spec.dtype), arg(1, spec.dtype)
    low, high = (first, second) if spec.largest else (second, first)
    less, equal = call("lt", low, high), call("eq", low, high)
    if spec.dtype.is_float:  # NaN is the greatest of all, as for onnxruntime
        less = call("or", less, call("and", call("eq", low, low), _is_nan(high)))
        equal = call("or", equal, call("and", _is_nan(low), _is_nan(high)))
    f.return_(ScalarExpr(f, less)(x, y) | (ScalarExpr(f, equal)(x, y) & (a > b)))
    return f


def _is_nan(x: Expr) -> Expr:
    return call("ne", x, x)
