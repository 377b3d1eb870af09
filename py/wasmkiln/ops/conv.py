"""Conv: dense, grouped and depthwise convolution with 1 to 3 spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.dtype import F32, F64
from ..ir.expr import Expr
from ..ir.types import TensorType
from .base import Op, register
from .compose import expand_to, reshape, transpose
from .conv_packed import ConvPacked, Depthwise
from .epilogue import operand_mode, split_inputs
from .packed import GemmPacked, PackPanels
from .pool import Axis, window_axes

__all__ = ["POINT", "channels_first_through", "check_filter", "is_point"]

POINT = Axis(1, 1, 1, 1, 0, 1, (0, 1))


@register("Conv", since=1)
class Conv(Op):
    """y = epilogue(conv(x, w) + b, extras); later versions only add element types.

    x [N, C, spatial...], w [M, C / group, kernel...], b [M]; with channels_last, x and y are
    [N, spatial..., channels].
    """

    auto_pad: str = "NOTSET"
    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None
    channels_last: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, x: TensorType, w: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """The number of filters and the positions of the window."""
        own = rest[: len(rest) - self.n_extra]
        bias = own[0] if own else None
        check_filter(x, w, own, self.kernel_shape)
        channels = x.shape[-1 if self.channels_last else 1]
        if self.group < 1 or channels != w.shape[1] * self.group or w.shape[0] % self.group:
            raise ShapeError(
                f"{channels} channels of {x} do not suit filters {w} in {self.group} groups"
            )
        if bias is not None and bias.size != w.shape[0]:
            raise ShapeError(f"bias {bias} does not suit the {w.shape[0]} filters of {w}")
        out = tuple(a.out for a in self.axes(x, w))
        n, filters = x.shape[0], w.shape[0]
        shape = (n, *out, filters) if self.channels_last else (n, filters, *out)
        return (TensorType(x.dtype, shape),)

    def axes(self, x: TensorType, w: TensorType) -> tuple[Axis, ...]:
        """The window's course along each spatial axis."""
        spatial = x.shape[1:-1] if self.channels_last else x.shape[2:]
        return window_axes(
            spatial, w.shape[2:], self.strides, self.pads, self.dilations, self.auto_pad,
            ceil_mode=False, count_include_pad=False,
        )  # fmt: skip

    def operand_mode(self, out: TensorType, operand: TensorType) -> str | None:
        """See `epilogue.operand_mode`; columns are channels only where these are last."""
        mode = operand_mode(out, operand)
        return mode if self.channels_last or mode in ("full", "scalar") else None

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """Taps and input channels of a group, for each element of the output."""
        return outputs[0].size * (prod(inputs[1].shape[1:]) if inputs[1] else 0)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """In f64 a matrix product."""
        x, w, bias = (*inputs, "")[:3]
        if g.type(x).dtype != F64:
            return None
        from .conv_wide import convolve  # few models need it

        return (convolve(g, x, w, bias, self.axes(g.type(x), g.type(w)), self.group),)

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Channels last, then the kernel for the kind of filter, with packed weights."""
        if not self.channels_last:
            return channels_first_through(self, g, inputs)
        (x, w, bias), extras = split_inputs(inputs, self.n_extra, 3)
        assert x and w
        t = g.type(x)
        if t.dtype != F32:
            raise UnsupportedOperatorError(f"convolution of {t.dtype} is not supported")
        axes = self.axes(t, g.type(w))
        depthwise = self.group > 1 and g.shape(w)[1] == 1 and len(axes) <= 2
        if all(is_point(a) for a in axes):
            make = self._pointwise
        else:
            make = self._depthwise if depthwise else self._dense
        op, x, packed = make(g, x, w, axes)
        op = op.with_(bias=bool(bias), epilogue=self.epilogue, n_extra=self.n_extra)
        y = g.add(op, x, packed, bias or "", *extras)
        shape = (t.shape[0], *(a.out for a in axes), g.shape(w)[0])
        return (reshape(g, y, shape),)

    def _pointwise(
        self, g: GraphBuilder, x: str, w: str, axes: Sequence[Axis]
    ) -> tuple[Op, str, str]:
        """A product: pixels are rows, channels columns."""
        filters, depth = g.shape(w)[:2]
        n = filters // self.group
        w = reshape(g, w, (self.group, n, depth))
        x = reshape(g, x, (1, g.type(x).size // (self.group * depth), self.group * depth))
        packed = g.add(PackPanels(transposed=True), w)
        return GemmPacked(n=n, groups=self.group), x, packed

    def _depthwise(
        self, g: GraphBuilder, x: str, w: str, axes: Sequence[Axis]
    ) -> tuple[Op, str, str]:
        """Each filter sees one channel, which is repeated where several filters do."""
        filters = g.shape(w)[0]
        n, *spatial, channels = g.shape(x)
        if filters != channels:
            x = reshape(g, x, (n * prod(spatial), channels, 1))
            x = expand_to(g, x, (n * prod(spatial), channels, filters // channels))
        height, width = axes if len(axes) == 2 else (POINT, *axes)
        x = reshape(g, x, (n, height.size, width.size, filters))
        packed = g.add(
            PackPanels(transposed=True, columns=4),
            reshape(g, w, (1, filters, height.window * width.window)),
        )
        return Depthwise(axes=(height, width)), x, packed

    def _dense(self, g: GraphBuilder, x: str, w: str, axes: Sequence[Axis]) -> tuple[Op, str, str]:
        """Weights with the channels of a tap together; missing spatial axes are points."""
        filters, depth, *kernel = g.shape(w)
        n = filters // self.group
        w = transpose(g, w, (0, *range(2, len(kernel) + 2), 1))
        w = reshape(g, w, (self.group, n, prod(kernel) * depth))
        three = (*(POINT,) * (3 - len(axes)), *axes)
        x = reshape(g, x, (g.shape(x)[0], *(a.size for a in three), g.shape(x)[-1]))
        packed = g.add(PackPanels(transposed=True), w)
        return ConvPacked(axes=three, n=n, groups=self.group), x, packed


def check_filter(
    x: TensorType,
    w: TensorType,
    rest: Sequence[TensorType | None],
    kernel_shape: tuple[int, ...] | None,
) -> None:
    """ShapeError unless input, filters and attributes agree in rank and element type."""
    if x.rank < 3 or w.rank != x.rank or len(rest) > 1:
        raise ShapeError(f"input {x} and filters {w} do not make a convolution")
    if x.rank > 5:
        raise UnsupportedOperatorError(f"convolution over {x.rank - 2} axes is not supported")
    if kernel_shape is not None and kernel_shape != w.shape[2:]:
        raise ShapeError(f"kernel_shape {kernel_shape} contradicts the filters {w}")
    if x.dtype != w.dtype:
        raise ShapeError(f"input is {x}, filters are {w}; their element types differ")


def channels_first_through(op: Op, g: GraphBuilder, inputs: Sequence[str]) -> tuple[str, ...]:
    """A channels-first operator as its channels-last form between transposes."""
    rank = g.type(inputs[0]).rank
    there, back = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
    border = len(inputs) - op.n_extra  # type: ignore[attr-defined]
    extras = [
        transpose(g, e, there) if g.type(e).size > 1 and g.type(e).rank == rank else e
        for e in inputs[border:]
    ]
    x = transpose(g, inputs[0], there)
    y = g.add(op.with_(channels_last=True), x, *inputs[1:border], *extras)
    return (transpose(g, y, back),)


def is_point(axis: Axis) -> bool:
    """Whether the window is each element itself, one after the other."""
    return axis.window == axis.stride == 1 and axis.out == axis.size and axis.begin == 0
