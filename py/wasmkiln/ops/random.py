"""Random numbers: RandomNormal, RandomUniform, Bernoulli, Multinomial, and the Draw behind them.

Each node has a generator of its own, whose state goes on from run to run. With a seed the first run
gives the numbers that NumPy's RandomState gives for it; without one the generator starts anywhere.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, BY_ONNX, F32, F64, I32, I64, U8, DType
from ..ir.expr import Expr, arg, call, cast, minimum, select
from ..ir.shape import Shape
from ..ir.types import TensorType
from ..program.kernels.random import STATE_BYTES, WORDS, Distribution, DrawSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .cast import convert
from .compose import apply, cast_to, reshape, standard

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Draw"]


@register("Draw", domain=INTERNAL)
class Draw(Op):
    """The generator's next numbers, in f64."""

    shape: Shape
    seed: int | None = None
    distribution: Distribution = "uniform"

    def infer(self) -> tuple[TensorType, ...]:
        """The given shape."""
        return (TensorType(F64, self.shape),)

    def is_pure(self) -> bool:
        """False: each run gives others."""
        return False

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call; the state is a constant that it changes."""
        (out,) = outputs
        state = lw.constant(Const(U8, (STATE_BYTES,), _first_state(self.seed)))
        args: list[Word] = [lw.write(out), lw.update(state), out.type.size]
        lw.call(DrawSpec(self.distribution), args, 1 if out.type.size else 0)


def _first_state(seed: int | None) -> bytes:
    """A generator that is to make its first words: from a seed, or from the system's entropy."""
    if seed is None:
        words = os.urandom(4 * WORDS)
    else:
        filled = [seed & 0xFFFFFFFF]
        for i in range(1, WORDS):
            last = filled[-1]
            filled.append((1812433253 * (last ^ (last >> 30)) + i) & 0xFFFFFFFF)
        words = struct.pack(f"<{WORDS}I", *filled)
    return words + struct.pack("<IId", WORDS, 0, 0.0)


def _seed(seed: float | None) -> int | None:
    """The attribute, which is a float that may be NaN, as a number."""
    return None if seed is None or seed != seed else int(seed)


def _dtype(number: int | None, default: DType) -> DType:
    dtype = default if number is None else BY_ONNX.get(number)
    if dtype is None or not dtype.is_float:
        raise UnsupportedOperatorError(f"random numbers of {dtype or f'data type {number}'}")
    return dtype


def _normal(g: GraphBuilder, t: TensorType, seed: float | None, mean: float, scale: float) -> str:
    wide = F64 if t.dtype == F64 else F32
    y = cast(arg(0, F64), wide) * scale + mean
    draw = g.add(Draw(shape=t.shape, seed=_seed(seed), distribution="normal"))
    return apply(g, cast(y, t.dtype), draw)


def _uniform(g: GraphBuilder, t: TensorType, seed: float | None, low: float, high: float) -> str:
    wide = F64 if t.dtype == F64 else F32
    y = cast(arg(0, F64), wide) * (high - low) + low
    return apply(g, cast(y, t.dtype), g.add(Draw(shape=t.shape, seed=_seed(seed))))


class _OfShape(Op):
    shape: tuple[int, ...]
    dtype: int = 1
    seed: float | None = None

    def is_pure(self) -> bool:
        """False: each run gives others."""
        return False

    def infer(self) -> tuple[TensorType, ...]:
        """The given shape."""
        if min(self.shape, default=0) < 0:
            raise ShapeError(f"shape {self.shape} has negative sizes")
        return (TensorType(_dtype(self.dtype, F32), self.shape),)


class _Like(Op):
    dtype: int | None = None
    seed: float | None = None

    def is_pure(self) -> bool:
        """False: each run gives others."""
        return False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape of the input."""
        return (TensorType(_dtype(self.dtype, x.dtype), x.shape),)


@register("RandomNormal", since=1)
class RandomNormal(_OfShape):
    """Normally distributed numbers."""

    mean: float = 0.0
    scale: float = 1.0

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Draw, stretched and moved."""
        return (_normal(g, self.infer()[0], self.seed, self.mean, self.scale),)


@register("RandomNormalLike", since=1)
class RandomNormalLike(_Like):
    """Normally distributed numbers in the shape of another tensor."""

    mean: float = 0.0
    scale: float = 1.0

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Draw, stretched and moved."""
        (t,) = self.infer(g.type(inputs[0]))
        return (_normal(g, t, self.seed, self.mean, self.scale),)


@register("RandomUniform", since=1)
class RandomUniform(_OfShape):
    """Evenly distributed numbers."""

    low: float = 0.0
    high: float = 1.0

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Draw, stretched and moved."""
        return (_uniform(g, self.infer()[0], self.seed, self.low, self.high),)


@register("RandomUniformLike", since=1)
class RandomUniformLike(_Like):
    """Evenly distributed numbers in the shape of another tensor."""

    low: float = 0.0
    high: float = 1.0

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Draw, stretched and moved."""
        (t,) = self.infer(g.type(inputs[0]))
        return (_uniform(g, t, self.seed, self.low, self.high),)


@register("Bernoulli", since=15)
class Bernoulli(Op):
    """1 with the probability that the element is, else 0."""

    seed: float | None = None
    dtype: int | None = None

    def is_pure(self) -> bool:
        """False: each run gives others."""
        return False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape."""
        dtype = x.dtype if self.dtype is None else BY_ONNX.get(self.dtype)
        if dtype is None or not (dtype.is_float or dtype.is_int or dtype == BOOL):
            raise UnsupportedOperatorError(f"zeros and ones of {dtype or self.dtype}")
        if not x.dtype.is_float:
            raise UnsupportedOperatorError(f"probabilities in {x.dtype}")
        return (TensorType(dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A comparison of a Draw, as NumPy makes it: the rarer outcome lies at the end."""
        (x,) = inputs
        t = g.type(x)
        p, u = cast(arg(0, t.dtype), F64), arg(1, F64)
        one = select(p <= 0.5, cast(u > 1.0 - p, I32), cast(u <= p, I32))
        dtype = self.infer(t)[0].dtype
        draw = g.add(Draw(shape=t.shape, seed=_seed(self.seed)))
        return (apply(g, convert(one, dtype), x, draw),)


@register("Multinomial", since=7)
class Multinomial(Op):
    """Samples of classes [batch, samples], from logarithms of weights [batch, classes]."""

    seed: float | None = None
    dtype: int = 6
    sample_size: int = 1

    def is_pure(self) -> bool:
        """False: each run gives others."""
        return False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """A number for each sample."""
        dtype = BY_ONNX.get(self.dtype)
        if dtype not in (I32, I64) or not x.dtype.is_float:
            raise UnsupportedOperatorError(f"classes in {dtype or self.dtype} of {x.dtype}")
        if x.rank != 2 or not x.shape[1] or self.sample_size < 0:
            raise ShapeError(f"{self.sample_size} samples of {x}, which is no batch of classes")
        return (TensorType(dtype, (x.shape[0], self.sample_size)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """How many running sums of the weights a number below their sum reaches."""
        (x,) = inputs
        batch, classes = g.shape(x)
        x = cast_to(g, x, F64)
        best = standard(g, "ReduceMax", x, g.ints([1]), keepdims=True)
        weights = apply(g, call("exp", arg(0, F64) - arg(1, F64)), x, best)
        total = standard(g, "CumSum", weights, g.scalar(1, I64))
        last = standard(g, "Gather", total, g.ints([classes - 1]), axis=1)
        draw = g.add(Draw(shape=(batch, self.sample_size, 1), seed=_seed(self.seed)))
        reached: Expr = cast(arg(0, F64) <= arg(1, F64) * arg(2, F64), I64)
        rows = (reshape(g, v, (batch, 1, n)) for v, n in ((total, classes), (last, 1)))
        sums, ends = rows
        flags = apply(g, reached, sums, draw, ends)
        count = standard(g, "ReduceSum", flags, g.ints([2]), keepdims=False)
        dtype = self.infer(g.type(inputs[0]))[0].dtype
        return (apply(g, cast(minimum(arg(0, I64), classes - 1), dtype), count),)
