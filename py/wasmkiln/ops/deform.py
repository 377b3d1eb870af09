"""DeformConv: a convolution whose taps are moved by data, between pixels."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import I64
from ..ir.expr import arg, call, cast, clamp, const, select
from ..ir.shape import Shape
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, reshape, transpose
from .conv import check_filter
from .conv_wide import filter_columns
from .gather import GatherND
from .movement import Iota, StridedSlice
from .pool import Axis, window_axes

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("DeformConv", since=19)
class DeformConv(Op):
    """A Conv whose taps read at their places plus an offset, linearly between pixels, times a mask.

    offset [N, groups * taps * axes, out...], mask [N, groups * taps, out...], groups of channels.
    """

    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    offset_group: int = 1
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def _axes(self, x: TensorType, w: TensorType) -> tuple[Axis, ...]:
        return window_axes(
            x.shape[2:], w.shape[2:], self.strides, self.pads, self.dilations, "NOTSET",
            ceil_mode=False, count_include_pad=False,
        )  # fmt: skip

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        offset: TensorType,
        b: TensorType | None = None,
        mask: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The number of filters and the positions of the window."""
        check_filter(x, w, (b,), self.kernel_shape)
        channels = x.shape[1]
        if self.group < 1 or channels != w.shape[1] * self.group or w.shape[0] % self.group:
            raise ShapeError(f"{x} does not suit filters {w} in {self.group} groups")
        if b is not None and b.shape != w.shape[:1]:
            raise ShapeError(f"bias {b} does not suit filters {w}")
        if not x.dtype.is_float:
            raise UnsupportedOperatorError(f"a convolution of {x.dtype}")
        out = tuple(a.out for a in self._axes(x, w))
        taps = self.offset_group * prod(w.shape[2:])
        for name, t, count in (("offset", offset, taps * len(out)), ("mask", mask, taps)):
            if t is not None and t.shape != (x.shape[0], count, *out):
                raise ShapeError(f"the {name} is {t}, where {(x.shape[0], count, *out)} is needed")
        if self.offset_group < 1 or channels % self.offset_group or 0 in x.shape[2:]:
            raise ShapeError(f"{x} does not suit {self.offset_group} groups of offsets")
        return (TensorType(x.dtype, (x.shape[0], w.shape[0], *out)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Columns of weighted pixels for each tap, and a product with the filters."""
        x, w, offset, b, mask = (*inputs, "", "")[:5]
        t = g.type(x)
        out = tuple(a.out for a in self._axes(t, g.type(w)))
        columns = self._columns(g, x, w, offset, mask, out)
        columns = reshape(g, columns, (*t.shape[:2], prod(g.shape(w)[2:]), prod(out)))
        return (filter_columns(g, columns, w, b, self.group, out),)

    def _columns(self, g: GraphBuilder, x: str, w: str, offset: str, mask: str, out: Shape) -> str:
        """What each tap reads, times its mask, as [N, channels, taps, places]."""
        t, kernel, groups = g.type(x), g.shape(w)[2:], self.offset_group
        n, channels, sizes = t.shape[0] * groups, t.shape[1] // groups, t.shape[2:]
        count = prod(kernel) * prod(out)
        where = self._places(g, t, g.type(w), offset, out)
        pixels = transpose(g, reshape(g, x, (n, channels, prod(sizes))), (0, 2, 1))
        total = ""
        for corner in product((0, 1), repeat=len(sizes)):
            index, weight = const(0, I64), const(1, t.dtype)
            for d, (place, step) in enumerate(zip(corner, sizes, strict=True)):
                at = arg(d, t.dtype)
                first = call("floor", at)
                pixel = first + float(place)
                inside = call("and", pixel >= 0.0, pixel <= step - 1.0)
                share = at - first if place else 1.0 - (at - first)
                weight = weight * select(inside, share, 0.0)
                index = index * step + cast(clamp(pixel, 0.0, step - 1.0), I64)
            indices = apply(g, index, *where)
            values = g.add(GatherND(batch_dims=1), pixels, reshape(g, indices, (n, count, 1)))
            factor, operands = weight, [*where]
            if mask:
                factor = factor * arg(len(operands), t.dtype)
                operands.append(reshape(g, mask, g.shape(where[0])))
            scale = reshape(g, apply(g, factor, *operands), (n, count, 1))
            part = arg(0, t.dtype) * arg(1, t.dtype)
            if total:
                total = apply(g, part + arg(2, t.dtype), values, scale, total)
            else:
                total = apply(g, part, values, scale)
        return transpose(g, total, (0, 2, 1))

    def _places(
        self, g: GraphBuilder, x: TensorType, w: TensorType, offset: str, out: Shape
    ) -> list[str]:
        """Where taps read along each axis, in pixels, as [N * groups, kernel, out]."""
        kernel, rank, dtype = w.shape[2:], len(out), x.dtype
        n, taps = x.shape[0] * self.offset_group, prod(kernel)
        offset = reshape(g, offset, (n, taps, rank, prod(out)))
        strides = self.strides or (1,) * rank
        dilations = self.dilations or (1,) * rank
        pads = self.pads or (0,) * (2 * rank)
        made = []
        for d in range(rank):
            sizes = (n, taps, 1, prod(out))
            own = g.add(StridedSlice(starts=(0, 0, d, 0), steps=(1,) * 4, sizes=sizes), offset)
            operands = [reshape(g, own, (n, *kernel, *out))]
            for size, axis in ((kernel[d], 1 + d), (out[d], 1 + rank + d)):
                shape = [1] * (1 + 2 * rank)
                shape[axis] = size
                operands.append(reshape(g, g.add(Iota(count=size)), shape))
            start = arg(2, I64) * strides[d] + arg(1, I64) * dilations[d] - pads[d]
            made.append(apply(g, cast(start, dtype) + arg(0, dtype), *operands))
        return made
