"""DFT and STFT: Fourier transforms of whole axes and of windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import I64
from ..ir.expr import arg
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, cast_to, reshape, standard
from .fft import transform
from .movement import Iota, StridedSlice, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


def _number(t: TensorType, what: str) -> int:
    values = constant_ints(t, what)
    if len(values) != 1:
        raise ShapeError(f"{what} is {t}, one number is expected")
    return values[0]


def _check_signal(x: TensorType, least: int) -> None:
    if x.rank < least or x.shape[-1] not in (1, 2):
        raise ShapeError(f"the signal {x} does not end in a dimension of 1 or 2")
    if not x.dtype.is_float:
        raise UnsupportedOperatorError(f"a transform of {x.dtype}")


class _Dft(Op):
    """What the versions share: x [..., 1] is real, [..., 2] complex."""

    inverse: bool = False
    onesided: bool = False

    def _plan(self, x: TensorType, length: TensorType | None, axis: int) -> tuple[int, int]:
        """The axis, and the number of elements of the transform."""
        _check_signal(x, 2)
        at = axis + x.rank if axis < 0 else axis
        if not 0 <= at < x.rank - 1:
            raise ShapeError(f"axis {axis} is no axis of the signal {x}")
        if length is not None:
            return at, _number(length, "dft_length")
        return at, 2 * (x.shape[at] - 1) if self.inverse and self.onesided else x.shape[at]

    def _type(self, x: TensorType, axis: int, n: int) -> tuple[TensorType, ...]:
        if n < 1:
            raise ShapeError(f"a transform of {n} elements of {x}")
        count = n // 2 + 1 if self.onesided and not self.inverse else n
        parts = 1 if self.onesided and self.inverse else 2
        return (TensorType(x.dtype, (*x.shape[:axis], count, *x.shape[axis + 1 : -1], parts)),)


@register("DFT", since=17)
class Dft17(_Dft):
    """The discrete Fourier transform along an axis."""

    axis: int = 1

    def infer(self, x: TensorType, length: TensorType | None = None) -> tuple[TensorType, ...]:
        """Complex numbers, or real ones for the inverse of half a spectrum."""
        return self._type(x, *self._plan(x, length, self.axis))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A transform."""
        x, length = (*inputs, "")[:2]
        axis, n = self._plan(g.type(x), g.type(length) if length else None, self.axis)
        return (transform(g, x, axis, n, self.inverse, self.onesided),)


@register("DFT", since=20)
class Dft(_Dft):
    """The discrete Fourier transform along an axis, which is an input."""

    def _plan_of(
        self, x: TensorType, length: TensorType | None, axis: TensorType | None
    ) -> tuple[int, int]:
        return self._plan(x, length, -2 if axis is None else _number(axis, "the axis"))

    def infer(
        self, x: TensorType, length: TensorType | None = None, axis: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """Complex numbers, or real ones for the inverse of half a spectrum."""
        return self._type(x, *self._plan_of(x, length, axis))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A transform."""
        types = [g.type(i) if i else None for i in (*inputs, "", "")[1:3]]
        axis, n = self._plan_of(g.type(inputs[0]), *types)
        return (transform(g, inputs[0], axis, n, self.inverse, self.onesided),)


@register("STFT", since=17)
class Stft(Op):
    """Transforms of pieces of a signal [batch, length, 1 or 2], each times a window."""

    onesided: bool = True

    def _plan(
        self,
        x: TensorType,
        step: TensorType,
        window: TensorType | None,
        length: TensorType | None,
    ) -> tuple[int, int, int]:
        """The step, the size of a frame, and how many there are."""
        _check_signal(x, 3)
        hop = _number(step, "frame_step")
        size = x.shape[1]
        if length is not None:
            size = _number(length, "frame_length")
        elif window is not None:
            size = window.size
        if hop < 1 or not 1 <= size <= x.shape[1] or x.rank != 3:
            raise ShapeError(f"frames of {size} elements, {hop} apart, of the signal {x}")
        if window is not None and (window.rank != 1 or window.dtype != x.dtype):
            raise ShapeError(f"the window is {window} for the signal {x}")
        return hop, size, 1 + (x.shape[1] - size) // hop

    def infer(
        self,
        x: TensorType,
        step: TensorType,
        window: TensorType | None = None,
        length: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """[batch, frames, bins, 2]."""
        _, size, frames = self._plan(x, step, window, length)
        bins = size // 2 + 1 if self.onesided else size
        return (TensorType(x.dtype, (x.shape[0], frames, bins, 2)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gather of overlapping frames, a product and a transform."""
        x, step, window, length = (*inputs, "", "")[:4]
        given = (g.type(i) if i else None for i in (step, window, length))
        hop, size, frames = self._plan(g.type(x), *given)  # type: ignore[arg-type]
        width = min(size, g.type(window).size) if window else size
        place = arg(0, I64) * hop + arg(1, I64)
        rows = reshape(g, g.add(Iota(count=frames)), (frames, 1))
        where = apply(g, place, rows, g.add(Iota(count=width)))
        pieces = standard(g, "Gather", x, where, axis=1)
        if window:
            cut = StridedSlice(starts=(0,), steps=(1,), sizes=(width,))
            factors = reshape(g, g.add(cut, window), (width, 1))
            dtype = g.type(x).dtype
            pieces = apply(g, arg(0, dtype) * arg(1, dtype), pieces, cast_to(g, factors, dtype))
        return (transform(g, pieces, 2, size, onesided=self.onesided),)
