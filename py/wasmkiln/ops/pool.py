"""Pooling: MaxPool, AveragePool, LpPool, their global forms, and the internal Pool."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod

from ..errors import LimitError, ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.dtype import BOOL, F32, F64, I8, I64, U8, DType
from ..ir.expr import Expr, arg, call, cast
from ..ir.shape import Shape, show
from ..ir.types import TensorType
from ..program.kernels.pool import PoolIndexSpec, PoolKind, PoolSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from ..record import record
from .base import INTERNAL, Op, register
from .compose import apply, cast_to, reshape, transpose
from .reduce import Reduce, mean

__all__ = ["Axis", "Pool"]

# Window elements worth giving to a thread.
GRAIN = 16384

# A table of this many records still fits any memory, and is made in seconds.
MAX_POSITIONS = 1 << 22

# Windows that are unrolled where they lie inside the input.
UNROLLED = ((2, 2), (3, 3))


@record
class Axis:
    """A window's course along one spatial axis.

    size: of the input. window: taps. begin: padding in front. out: positions.
    counted: [low, high) of the input's coordinates that count for an average's divisor.
    """

    size: int
    window: int
    stride: int
    dilation: int
    begin: int
    out: int
    counted: tuple[int, int]

    def records(self, step: int) -> bytes:
        """The table that the kernel reads, `step` bytes being one element's distance."""
        words: list[int] = []
        for o in range(self.out):
            start = o * self.stride - self.begin
            first, valid = self._taps(start, 0, self.size)
            _, count = self._taps(start, *self.counted)
            words += ((start + first * self.dilation) * step if valid else 0, valid, count, 0)
        return struct.pack(f"<{len(words)}i", *words)

    def _taps(self, start: int, low: int, high: int) -> tuple[int, int]:
        """The first tap of a window at `start` that lies in [low, high), and how many do."""
        first = max(0, -(-(low - start) // self.dilation))
        last = min(self.window - 1, (high - 1 - start) // self.dilation)
        return first, max(0, last - first + 1)


_POINT = Axis(1, 1, 1, 1, 0, 1, (0, 1))


@register("Pool", domain=INTERNAL)
class Pool(Op):
    """Fold sliding windows over the spatial axes of x, which is [N, C, ...] or [N, ..., C].

    Extra inputs are operands of the epilogue.
    """

    kind: PoolKind
    axes: tuple[Axis, ...]
    channels_last: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(self, x: TensorType, *extras: TensorType) -> tuple[TensorType, ...]:
        """The spatial sizes become the numbers of positions."""
        out = tuple(a.out for a in self.axes)
        n, *rest = x.shape
        shape = (n, *out, rest[-1]) if self.channels_last else (n, rest[0], *out)
        return (TensorType(self.epilogue.dtype if self.epilogue else x.dtype, shape),)

    def operand_mode(self, out: TensorType, operand: TensorType) -> str | None:
        """How the kernel can read an epilogue's operand."""
        if not self.channels_last or len(self.axes) > 2 or out.dtype != F32:
            return None
        if operand.dtype != F32:
            return None
        if operand.size == 1:
            return "scalar"
        if operand.shape == out.shape:
            return "full"
        last = operand.rank and operand.shape[-1] == out.shape[-1]
        return "column" if last and operand.size == out.shape[-1] else None

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Channels last, and at most two spatial axes at a time."""
        x, *extras = inputs
        rank = len(self.axes) + 2
        if not self.channels_last:
            back = (0, rank - 1, *range(1, rank - 1))
            x = transpose(g, x, (0, *range(2, rank), 1))
            x = g.add(self.with_(channels_last=True), x, *extras)
            return (transpose(g, x, back),)
        if len(self.axes) <= 2:
            return None
        # A window is the product of its axes: fold the last two, then those before them.
        n, *spatial, c = g.shape(x)
        *front, h, w = self.axes
        x = reshape(g, x, (n * prod(spatial[:-2]), *spatial[-2:], c))
        # The epilogue, which has no operands here, is left to the last one.
        x = g.add(Pool(kind=self.kind, axes=(h, w), channels_last=True), x)
        x = reshape(g, x, (n, *spatial[:-2], h.out * w.out * c))
        x = g.add(self.with_(axes=tuple(front)), x)
        return (reshape(g, x, (n, *(a.out for a in self.axes), c)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One pool kernel; one spatial axis is a row of a flat image."""
        x, *extras = (s for s in inputs if s is not None)
        (out,) = outputs
        n, *_, c = x.type.shape
        h, w = self.axes if len(self.axes) == 2 else (_POINT, *self.axes)
        pixel = c * x.type.dtype.itemsize
        row = w.size * pixel
        modes = tuple(str(self.operand_mode(out.type, e.type)) for e in extras)
        window = (h.window, w.window) if (h.window, w.window) in UNROLLED else None
        spec = PoolSpec(self.kind, x.type.dtype, window, self.epilogue, modes)
        rows, columns = lw.table(h.records(row)), lw.table(w.records(pixel))
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(rows), lw.read(columns)]
        args += [h.out, w.out, c, row, pixel, h.size * row, h.dilation * row, w.dilation * pixel]
        args += map(lw.read, extras)
        work = w.out * c * h.window * w.window
        lw.call(spec, args, n * h.out, max(1, GRAIN // max(1, work)), unit=1)


@register("PoolIndex", domain=INTERNAL)
class PoolIndex(Op):
    """The flat index in x [N, C, ...] of the largest element of each window."""

    axes: tuple[Axis, ...]
    columns_first: bool = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Indices at the positions of the windows."""
        return (TensorType(I64, (*x.shape[:2], *(a.out for a in self.axes))),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One pool_index kernel."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        if len(self.axes) > 2:
            raise UnsupportedOperatorError(
                "indices of the largest of 3-D windows are not supported"
            )
        h, w = self.axes if len(self.axes) == 2 else (_POINT, *self.axes)
        size = x.type.dtype.itemsize
        row = w.size * size
        rows, columns = lw.table(h.records(row)), lw.table(w.records(size))
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(rows), lw.read(columns)]
        args += [h.out, w.out, h.size, w.size, h.dilation * row, w.dilation * size]
        images = x.type.shape[0] * x.type.shape[1]
        grain = max(1, GRAIN // max(1, w.out * h.window * w.window))
        lw.call(PoolIndexSpec(x.type.dtype, self.columns_first), args, images * h.out, grain)


def window_axes(
    shape: Shape,
    kernel: tuple[int, ...],
    strides: tuple[int, ...] | None,
    pads: tuple[int, ...] | None,
    dilations: tuple[int, ...] | None,
    auto_pad: str,
    ceil_mode: bool,
    count_include_pad: bool,
) -> tuple[Axis, ...]:
    """The axes of ONNX's pooling attributes over the spatial sizes `shape`."""
    rank = len(shape)
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    pads = pads or (0,) * (2 * rank)
    for name, value, length in (
        ("kernel_shape", kernel, rank),
        ("strides", strides, rank),
        ("dilations", dilations, rank),
        ("pads", pads, 2 * rank),
    ):
        if len(value) != length or min(value, default=1) < (name != "pads"):
            raise ShapeError(
                f"{name} {show(value)} does not suit {rank} spatial axes {show(shape)}"
            )
    return tuple(
        _axis(size, k, s, d, (pads[i], pads[i + rank]), auto_pad, ceil_mode, count_include_pad)
        for i, (size, k, s, d) in enumerate(zip(shape, kernel, strides, dilations, strict=True))
    )


def _axis(
    size: int,
    kernel: int,
    stride: int,
    dilation: int,
    pads: tuple[int, int],
    auto_pad: str,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Axis:
    reach = (kernel - 1) * dilation + 1
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        out = -(-size // stride)
        total = max(0, (out - 1) * stride + reach - size)
        less, more = total // 2, total - total // 2
        begin, end = (less, more) if auto_pad == "SAME_UPPER" else (more, less)
    else:
        begin, end = (0, 0) if auto_pad == "VALID" else pads
        room = size + begin + end - reach
        if room < 0:
            raise ShapeError(
                f"a window of {reach} is larger than the padded input {size}+{begin + end}"
            )
        out = (-(-room // stride) if ceil_mode else room // stride) + 1
        if ceil_mode and (out - 1) * stride >= size + begin:
            out -= 1  # the last window would start in the padding behind the input
    if out > MAX_POSITIONS:
        raise LimitError(f"{out} positions of a window along one axis are too many")
    counted = (-begin, size + end) if count_include_pad else (0, size)
    return Axis(size, kernel, stride, dilation, begin, out, counted)


class _Pool(Op):
    """What the pooling operators with a window share."""

    kernel_shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    dilations: tuple[int, ...] | None = None
    auto_pad: str = "NOTSET"
    ceil_mode: bool = False

    def axes(self, x: TensorType) -> tuple[Axis, ...]:
        """The window's course over the input."""
        if x.rank < 3:
            raise ShapeError(f"the input {x} has no spatial axes")
        return window_axes(
            x.shape[2:],
            self.kernel_shape,
            self.strides,
            self.pads,
            self.dilations,
            self.auto_pad,
            self.ceil_mode,
            bool(getattr(self, "count_include_pad", False)),
        )

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The spatial sizes become the numbers of positions."""
        return (TensorType(x.dtype, (*x.shape[:2], *(a.out for a in self.axes(x)))),)


@register("MaxPool", since=1)
class MaxPool(_Pool):
    """The largest element of each window, and where it lies in the input."""

    storage_order: int = 0
    n_outputs: int = 1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The spatial sizes become the numbers of positions, also for the indices."""
        (y,) = super().infer(x)
        return (y, TensorType(I64, y.shape))[: self.n_outputs]

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Pool; dtypes without a kernel go through f64."""
        (x,) = inputs
        axes = self.axes(g.type(x))
        y = _pool(g, "max", axes, x, (F32, F64, I8, U8))
        if self.n_outputs == 1:
            return (y,)
        return (y, g.add(PoolIndex(axes=axes, columns_first=self.storage_order == 1), x))


@register("AveragePool", since=1)
class AveragePool(_Pool):
    """The mean of each window, padding being counted on demand."""

    count_include_pad: bool = False

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Pool."""
        (x,) = inputs
        return (_pool(g, "avg", self.axes(g.type(x)), x, (F32, F64)),)


@register("LpPool", since=1)
class LpPool(_Pool):
    """The p-norm of each window."""

    p: int | float = 2  # a float in opset 1

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The root of a sum of powers."""
        (x,) = inputs
        before, after = _norm(self.p, g.type(x).dtype)
        x = _pool(g, "sum", self.axes(g.type(x)), apply(g, before, x), (F32, F64))
        return (apply(g, after, x),)


def _pool(
    g: GraphBuilder, kind: PoolKind, axes: tuple[Axis, ...], x: str, dtypes: Sequence[DType]
) -> str:
    own = g.type(x).dtype
    if not (own.is_float or own.is_int) or own == BOOL:
        raise UnsupportedOperatorError(f"pooling of {own} is not supported")
    x = x if own in dtypes else cast_to(g, x, F64)
    return cast_to(g, g.add(Pool(kind=kind, axes=axes), x), own)


def _norm(p: float, dtype: DType) -> tuple[Expr, Expr]:
    """|x|^p, and the p-th root."""
    x = arg(0, dtype)
    if p == 1:
        return call("abs", x), x
    if p == 2:
        return x * x, call("sqrt", x)
    return call("pow", call("abs", x), float(p)), call("pow", x, 1 / p)


class _Global(Op):
    """What the global pooling operators share."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """All spatial sizes become 1."""
        if x.rank < 2:
            raise ShapeError(f"the input {x} has no channels")
        return (TensorType(x.dtype, (*x.shape[:2], *(1 for _ in x.shape[2:]))),)


@register("GlobalAveragePool", since=1)
class GlobalAveragePool(_Global):
    """The mean over all spatial axes."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Reduce."""
        (x,) = inputs
        return (mean(g, x, range(2, g.type(x).rank)),)


@register("GlobalMaxPool", since=1)
class GlobalMaxPool(_Global):
    """The largest element over all spatial axes."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Reduce."""
        (x,) = inputs
        return (g.add(Reduce(axes=tuple(range(2, g.type(x).rank)), fold="max"), x),)


@register("GlobalLpPool", since=1)
class GlobalLpPool(_Global):
    """The p-norm over all spatial axes."""

    p: int | float = 2  # a float in opset 1

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Reduce."""
        (x,) = inputs
        t = g.type(x)
        before, after = _norm(self.p, t.dtype)
        op = Reduce(axes=tuple(range(2, t.rank)), fold="sum", pre=before, post=cast(after, t.dtype))
        return (g.add(op, x),)
