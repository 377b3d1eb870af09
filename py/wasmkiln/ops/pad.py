"""Pad: a border of one value, or of elements taken from inside, around a tensor; or a crop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import LimitError, ShapeError, UnsupportedOperatorError
from ..ir.const import MAX_INLINE, Const
from ..ir.dtype import DType
from ..ir.shape import Shape, normalize_axis, numel, show
from ..ir.types import TensorType
from ..program.lowering import Lowering
from ..program.program import Slot
from .base import INTERNAL, Op, register
from .compose import expand_to
from .concat import Concat
from .copying import lower_copy
from .gather import Take
from .indexing import offsets, row_strides
from .movement import StridedSlice, constant_ints, permute

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["PadConst"]

MODES = ("constant", "reflect", "edge", "wrap")
MAX_TABLE = 1 << 20  # indices that a model may make us write down


@register("PadConst", domain=INTERNAL)
class PadConst(Op):
    """The input with a border of one value: `begins[d]` elements before, `ends[d]` after it.

    value: a scalar; None where a second input gives it.
    """

    moves_only = True
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    value: Const | None = None

    def infer(self, x: TensorType, value: TensorType | None = None) -> tuple[TensorType, ...]:
        """The sizes with their borders."""
        sizes = zip(self.begins, x.shape, self.ends, strict=True)
        return (TensorType(x.dtype, tuple(b + d + e for b, d, e in sizes)),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The bordered elements, if they are few."""
        x, value = inputs[0], self.value or inputs[-1]
        assert x is not None and value is not None
        (t,) = self.infer(TensorType.of(x))
        if t.size > MAX_INLINE:
            return None
        assert isinstance(x.data, bytes) and isinstance(value.data, bytes)
        out, width = bytearray(value.data * t.size), x.dtype.itemsize
        strides = row_strides(t.shape)
        start = sum(b * s for b, s in zip(self.begins, strides, strict=True))
        for i, o in enumerate(offsets(x.shape, strides, start)):
            out[o * width : (o + 1) * width] = x.data[i * width : (i + 1) * width]
        return (Const(t.dtype, t.shape, bytes(out)),)

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same border around a transposed input."""
        return self.with_(begins=permute(self.begins, perm), ends=permute(self.ends, perm))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A copy of the input, and one for each side that has a border."""
        x, (out,) = inputs[0], outputs
        value = inputs[1] if len(inputs) > 1 else lw.constant(self.value) if self.value else None
        assert x is not None and value is not None
        strides = row_strides(out.type.shape)
        low, sizes = [0] * x.type.rank, list(out.type.shape)
        for d, (before, after) in enumerate(zip(self.begins, self.ends, strict=True)):
            # Outer dimensions are already cut to the input's range, inner ones are whole.
            for start, count in ((0, before), (out.type.shape[d] - after, after)):
                if count:
                    region = (*sizes[:d], count, *sizes[d + 1 :])
                    at = sum(a * s for a, s in zip(low, strides, strict=True)) + start * strides[d]
                    lower_copy(lw, value, out, region, [0] * len(region), strides, 0, at)
            low[d], sizes[d] = before, x.type.shape[d]
        at = sum(a * s for a, s in zip(low, strides, strict=True))
        lower_copy(lw, x, out, x.type.shape, row_strides(x.type.shape), strides, 0, at)


def _padded(x: TensorType, pads: Sequence[int], mode: str) -> tuple[TensorType, ...]:
    """The output's type; pads are begins, then ends."""
    if mode not in MODES:
        raise UnsupportedOperatorError(f"mode {mode!r} is not supported")
    if len(pads) != 2 * x.rank:
        raise ShapeError(f"pads {tuple(pads)} do not suit {x}")
    shape = []
    for d, size in enumerate(x.shape):
        before, after = pads[d], pads[d + x.rank]
        inside = size + min(before, 0) + min(after, 0)
        if inside < 0 or (inside == 0 and mode != "constant" and max(before, after) > 0):
            raise ShapeError(f"pads {tuple(pads)} leave nothing of {show(x.shape)} to repeat")
        shape.append(size + before + after)
    return (TensorType(x.dtype, tuple(shape)),)


def _expand(
    g: GraphBuilder, x: str, pads: Sequence[int], mode: str, value: Const | str
) -> tuple[str, ...]:
    """Crop where pads are negative, then add a border where they are positive."""
    t = g.type(x)
    begins, ends = pads[: t.rank], pads[t.rank :]
    if min(pads, default=0) < 0:
        sizes = tuple(
            d + min(b, 0) + min(e, 0) for b, d, e in zip(begins, t.shape, ends, strict=True)
        )
        starts = tuple(max(0, -b) for b in begins)
        x = g.add(StridedSlice(starts=starts, steps=(1,) * t.rank, sizes=sizes), x)
    begins, ends = tuple(max(0, b) for b in begins), tuple(max(0, e) for e in ends)
    if not any(begins) and not any(ends):
        return (x,)
    if mode == "constant":
        known = value if isinstance(value, Const) else g.type(value).value
        if known is not None:
            op = PadConst(begins=begins, ends=ends, value=known.reshaped(()))
            return (g.add(op, x),)
        assert isinstance(value, str)
        return (g.add(PadConst(begins=begins, ends=ends), x, value),)
    for axis, (before, after) in enumerate(zip(begins, ends, strict=True)):
        if before or after:
            x = _repeat(g, x, axis, before, after, mode)
    return (x,)


def _repeat(g: GraphBuilder, x: str, axis: int, before: int, after: int, mode: str) -> str:
    """x with elements of its own before and after it along an axis."""
    size = g.shape(x)[axis]
    if max(before, after) <= size - (mode == "reflect"):
        first = {"reflect": (before, -1), "edge": (0, 0), "wrap": (size - before, 1)}[mode]
        last = {"reflect": (size - 2, -1), "edge": (size - 1, 0), "wrap": (0, 1)}[mode]
        parts = [_piece(g, x, axis, *first, before), x, _piece(g, x, axis, *last, after)]
        return g.add(Concat(axis=axis), *(p for p in parts if p))
    if before + size + after > MAX_TABLE:
        raise LimitError(f"a border of {before} and {after} around {size} elements is too wide")
    indices = tuple(_source(i, size, mode) for i in range(-before, size + after))
    return g.add(Take(axis=axis, indices=indices), x)


def _piece(g: GraphBuilder, x: str, axis: int, start: int, step: int, count: int) -> str:
    """`count` elements of an axis, `step` apart; with a step of 0 the same one again and again."""
    if not count:
        return ""
    shape = g.shape(x)
    sizes = tuple((count if step else 1) if d == axis else n for d, n in enumerate(shape))
    starts = tuple(start if d == axis else 0 for d in range(len(shape)))
    steps = tuple((step or 1) if d == axis else 1 for d in range(len(shape)))
    piece = g.add(StridedSlice(starts=starts, steps=steps, sizes=sizes), x)
    return expand_to(g, piece, (*shape[:axis], count, *shape[axis + 1 :]))


def _source(i: int, size: int, mode: str) -> int:
    """Which element of an axis position i repeats, counted from the input's first one."""
    if mode == "wrap":
        return i % size
    if mode == "edge" or size == 1:
        return min(max(i, 0), size - 1)
    i = abs(i) % (2 * size - 2)  # reflected without repeating the edge
    return min(i, 2 * size - 2 - i)


@register("Pad", since=2)
class Pad2(Op):
    """x with borders whose widths and value are attributes; negative widths crop."""

    pads: tuple[int, ...]
    mode: str = "constant"
    value: float = 0.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The sizes with their borders."""
        return _padded(x, self.pads, self.mode)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A PadConst, or a choice of indices for each axis."""
        (x,) = inputs
        return _expand(g, x, self.pads, self.mode, _number(g.type(x).dtype, self.value))


@register("Pad", since=1)
class Pad1(Op):
    """Pad, whose widths have another name."""

    paddings: tuple[int, ...]
    mode: str = "constant"
    value: float = 0.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The sizes with their borders."""
        return _padded(x, self.paddings, self.mode)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A newer Pad."""
        return (g.add(Pad2(pads=self.paddings, mode=self.mode, value=self.value), *inputs),)


@register("Pad", since=11)
class Pad(Op):
    """x with borders whose widths and value are inputs; negative widths crop."""

    moves_only = True
    mode: str = "constant"

    def infer(
        self,
        x: TensorType,
        pads: TensorType,
        value: TensorType | None = None,
        axes: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The sizes with their borders."""
        if value is not None and (value.size != 1 or value.dtype != x.dtype):
            raise ShapeError(f"the value is {value}, not one element of {x.dtype}")
        return _padded(x, self._pads(x, pads, axes), self.mode)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A PadConst, or a choice of indices for each axis."""
        x, pads, value, axes = (*inputs, "", "")[:4]
        t = g.type(x)
        widths = self._pads(t, g.type(pads), g.type(axes) if axes else None)
        return _expand(g, x, widths, self.mode, value or _number(t.dtype, 0))

    def _pads(self, x: TensorType, pads: TensorType, axes: TensorType | None) -> tuple[int, ...]:
        """Begins, then ends, of all axes."""
        widths = constant_ints(pads, "the width of the border")
        if axes is None:
            return widths
        chosen = constant_ints(axes, "the list of axes")
        if len(widths) != 2 * len(chosen):
            raise ShapeError(f"pads {widths} do not suit axes {chosen}")
        out = [0] * (2 * x.rank)
        for i, axis in enumerate(chosen):
            d = normalize_axis(axis, x.rank)
            out[d], out[d + x.rank] = widths[i], widths[i + len(chosen)]
        return tuple(out)


def _number(dtype: DType, value: float) -> Const:
    return Const.scalar(dtype, value if dtype.is_float else int(value))


@register("CenterCropPad", since=18)
class CenterCropPad(Op):
    """x cropped or padded with zeros to given sizes, evenly on both sides."""

    moves_only = True
    axes: tuple[int, ...] | None = None

    def infer(self, x: TensorType, shape: TensorType) -> tuple[TensorType, ...]:
        """The given sizes along the axes."""
        return (TensorType(x.dtype, self._target(x, shape)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A crop and a border."""
        x, shape = inputs
        t = g.type(x)
        begins, ends = [], []
        for have, want in zip(t.shape, self._target(t, g.type(shape)), strict=True):
            more = want - have
            # The odd element: of a border it stands behind, of a crop it goes behind.
            before = more // 2 if more > 0 else -(-more // 2)
            begins.append(before)
            ends.append(more - before)
        return _expand(g, x, (*begins, *ends), "constant", _number(t.dtype, 0))

    def _target(self, x: TensorType, shape: TensorType) -> Shape:
        wanted = constant_ints(shape, "the shape")
        axes = range(x.rank) if self.axes is None else self.axes
        out = list(x.shape)
        if len(wanted) != len(axes) or numel(wanted) < 0:
            raise ShapeError(f"shape {wanted} does not suit axes {tuple(axes)}")
        for axis, size in zip(axes, wanted, strict=True):
            out[normalize_axis(axis, x.rank)] = size
        return tuple(out)
