"""Products and convolutions of i16: quantized values less their zero points.

Sums are exact: in i32, or, of few products, in f32. What comes out is f32, for an epilogue that
scales it, and may make it a narrow integer again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, I16
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.gemm import NR
from .base import INTERNAL, Op, register
from .compose import cast_to, reshape, transpose
from .conv import POINT, Conv, channels_first_through, is_point
from .conv_packed import Depthwise
from .epilogue import operand_mode, split_inputs
from .packed import GemmPacked, PackPanels
from .pad import PadConst
from .pool import Axis

__all__ = ["MAX_DEPTH", "IntegerConv", "IntegerProduct", "is_depthwise", "is_pointwise"]

MAX_DEPTH = (1 << 31) // (255 * 255) - 1  # products of bytes that an i32 can hold the sum of


def is_pointwise(group: int, axes: Sequence[Axis]) -> bool:
    """Whether a convolution is a product of all pixels with one matrix."""
    return group == 1 and all(is_point(a) for a in axes)


def is_depthwise(x: TensorType, w: TensorType, group: int, axes: Sequence[Axis]) -> bool:
    """Whether a convolution has one filter for each channel."""
    return 1 < group == w.shape[0] and w.shape[1] == 1 and len(axes) <= 2


@register("IntegerConv", domain=INTERNAL)
class IntegerConv(Conv):
    """epilogue(conv(x, w), extras) of i16, without a bias."""

    def infer(
        self, x: TensorType, w: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """The shape of the convolution."""
        (t,) = super().infer(x, w, *rest)
        return (TensorType(self.epilogue.dtype if self.epilogue else F32, t.shape),)

    def may_narrow(self, x: TensorType, w: TensorType, *rest: TensorType | None) -> bool:
        """Whether results can be stored as narrow integers: not the parts of a vector."""
        axes, filters = self.axes(x, w), w.shape[0]
        if not self.channels_last:
            return False
        if is_pointwise(self.group, axes):
            return filters % NR == 0
        return is_depthwise(x, w, self.group, axes) and filters % 4 == 0

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Channels last, then the kernel for the kind of filter."""
        if not self.channels_last:
            return channels_first_through(self, g, inputs)
        (x, w, _), extras = split_inputs(inputs, self.n_extra, 3)
        assert x and w
        t, filters = g.type(x), g.shape(w)[0]
        axes = self.axes(t, g.type(w))
        more: dict[str, Any] = {"epilogue": self.epilogue, "n_extra": self.n_extra}
        shape = (t.shape[0], *(a.out for a in axes), filters)
        if is_pointwise(self.group, axes):
            depth = t.shape[-1]
            rows = reshape(g, x, (1, t.size // max(1, depth), depth))
            packed = _pairs(g, reshape(g, w, (filters, depth)), transposed=True)
            y = g.add(GemmPacked(n=filters, integer=True, **more), rows, packed, "", *extras)
            return (reshape(g, y, shape),)
        w = cast_to(g, w, F32)
        if is_depthwise(t, g.type(w), self.group, axes):
            height, width = axes if len(axes) == 2 else (POINT, *axes)
            x = reshape(g, x, (t.shape[0], height.size, width.size, filters))
            taps = reshape(g, w, (1, filters, height.window * width.window))
            packed = g.add(PackPanels(transposed=True, columns=4), taps)
            op = Depthwise(axes=(height, width), integer=True, **more)
            return (reshape(g, g.add(op, x, packed, "", *extras), shape),)
        plain = Conv(**{name: getattr(self, name) for name in self.fields})
        return (g.add(plain, cast_to(g, x, F32), w, "", *extras),)


@register("IntegerProduct", domain=INTERNAL)
class IntegerProduct(Op):
    """epilogue(a @ b, extras) of i16; b is one matrix, with its dims swapped where `transposed`."""

    transposed: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, a: TensorType, b: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """[..., M, N]."""
        n = b.shape[0 if self.transposed else 1]
        return (TensorType(self.epilogue.dtype if self.epilogue else F32, (*a.shape[:-1], n)),)

    def operand_mode(self, out: TensorType, operand: TensorType) -> str | None:
        """See `epilogue.operand_mode`."""
        return operand_mode(out, operand)

    def may_narrow(self, a: TensorType, b: TensorType, *rest: TensorType | None) -> bool:
        """Whether results can be stored as narrow integers: not the parts of a vector."""
        return b.shape[0 if self.transposed else 1] % NR == 0

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """K for each element of the output."""
        return outputs[0].size * (inputs[0].shape[-1] if inputs[0] else 0)

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One product of all rows."""
        (a, b, _), extras = split_inputs(inputs, self.n_extra, 3)
        assert a and b
        *batch, k = g.shape(a)
        n = g.shape(b)[0 if self.transposed else 1]
        rows = reshape(g, a, (1, g.type(a).size // max(1, k), k))
        op = GemmPacked(n=n, integer=True, epilogue=self.epilogue, n_extra=self.n_extra)
        y = g.add(op, rows, _pairs(g, b, self.transposed), "", *extras)
        return (reshape(g, y, (*batch, n)),)


def _pairs(g: GraphBuilder, w: str, transposed: bool) -> str:
    """A matrix in panels whose columns hold two neighbours along K: [1, P, ceil(K / 2), 2 * NR]."""
    if not transposed:
        w = transpose(g, w, (1, 0))
    n, k = g.shape(w)
    panels, units = -(-n // NR), -(-k // 2)
    ends = (panels * NR - n, units * 2 - k)
    if any(ends):
        w = g.add(PadConst(begins=(0, 0), ends=ends, value=Const.scalar(I16, 0)), w)
    w = transpose(g, reshape(g, w, (panels, NR, units, 2)), (0, 2, 1, 3))
    return reshape(g, w, (1, panels, units, 2 * NR))
