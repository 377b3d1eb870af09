"""Fft: the internal operator by which all Fourier transforms are computed."""

from __future__ import annotations

import struct
from math import pi, prod
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.dtype import F64, I64, DType
from ..ir.expr import arg, call, cast
from ..ir.types import TensorType
from ..program.kernels.fft import FftSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .compose import apply, cast_to, reshape, standard, transpose
from .movement import Iota, StridedSlice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Fft", "transform"]

# Numbers of a share worth giving to a thread.
GRAIN = 512


@register("Fft", domain=INTERNAL)
class Fft(Op):
    """The transform of [..., n, 2], without a factor; `roots` are the n powers of the n-th root."""

    inverse: bool

    def infer(self, x: TensorType, roots: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        return (TensorType(x.dtype, x.shape),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all lines."""
        (x, roots), (out,) = inputs, outputs
        assert x is not None and roots is not None
        n, dtype = x.type.shape[-2], x.type.dtype
        factors = _factors(n)
        scratch, share = lw.scratch(2 * dtype.itemsize * n)
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(roots)]
        args.append(lw.read(lw.table(struct.pack(f"<{len(factors)}i", *factors) or bytes(4))))
        args += [len(factors), n, scratch, share]
        lines = prod(x.type.shape[:-2])
        lw.call(FftSpec(dtype, self.inverse), args, lines, max(1, GRAIN // n))


def _factors(n: int) -> list[int]:
    """4 as often as it divides, then primes."""
    out = []
    while n % 4 == 0:
        out.append(4)
        n //= 4
    p = 2
    while p * p <= n:
        while n % p == 0:
            out.append(p)
            n //= p
        p += 1
    return [*out, n] if n > 1 else out


def _roots(g: GraphBuilder, n: int, dtype: DType) -> str:
    """The powers of e^(-2 pi i / n) as [n, 2], computed at load."""
    angle = cast(arg(0, I64), F64) * (2 * pi / n)
    count = g.add(Iota(count=n))
    parts = (call("cos", angle), -call("sin", angle))
    columns = (reshape(g, apply(g, cast(part, dtype), count), (n, 1)) for part in parts)
    return standard(g, "Concat", *columns, axis=1)


def transform(
    g: GraphBuilder, x: str, axis: int, n: int, inverse: bool = False, onesided: bool = False
) -> str:
    """The transform along an axis of real [..., 1] or complex [..., 2] numbers, in x's dtype.

    The axis is cut or filled with zeros to n elements. onesided: forward only the first half of
    the result; inverse from only that half, which makes the result real.
    """
    t = g.type(x)
    if n < 1:
        raise ShapeError(f"a transform of {n} elements of {t}")
    last = t.rank - 2
    moved = (*(i for i in range(t.rank - 1) if i != axis), axis, last + 1)
    back = (*range(axis), last, *range(axis, last), last + 1)
    half = n // 2 + 1
    # Of a real signal some results are zero by symmetry: in f64 they are so but for rounding.
    wide = F64 if t.shape[-1] == 1 else t.dtype
    x = cast_to(g, transpose(g, x, moved), wide)
    x = _resized(g, x, last, half if onesided and inverse else n)
    if onesided and inverse:
        x = _resized(g, _mirrored(g, x, n), last, n)
    y = g.add(Fft(inverse=inverse), _resized(g, x, last + 1, 2), _roots(g, n, wide))
    if onesided:
        y = _resized(g, y, last + 1, 1) if inverse else _resized(g, y, last, half)
    if inverse:
        y = apply(g, arg(0, wide) * (1 / n), y)
    return transpose(g, cast_to(g, y, t.dtype), back)


def _mirrored(g: GraphBuilder, x: str, n: int) -> str:
    """Half of a spectrum, doubled where the other half would give the same real part."""
    *_, half, _ = g.shape(x)
    i = arg(0, I64)
    single = call("or", call("eq", i, 0), call("eq", i * 2, n))
    dtype = g.type(x).dtype
    weight = cast(call("not", single), dtype) + 1.0
    weights = reshape(g, apply(g, weight, g.add(Iota(count=half))), (half, 1))
    return apply(g, arg(0, dtype) * arg(1, dtype), x, weights)


def _resized(g: GraphBuilder, x: str, axis: int, size: int) -> str:
    """The first elements along an axis, with zeros behind them if there are too few."""
    shape = list(g.shape(x))
    missing = size - shape[axis]
    if missing > 0:
        behind = [0] * len(shape)
        behind[axis] = missing
        return standard(g, "Pad", x, g.ints([0] * len(shape) + behind))
    if not missing:
        return x
    shape[axis] = size
    rank = len(shape)
    return g.add(StridedSlice(starts=(0,) * rank, steps=(1,) * rank, sizes=tuple(shape)), x)
