"""ConvTranspose: a product that gives each input pixel's part of all taps, then their sums."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.dtype import F32, F64
from ..ir.expr import Expr
from ..ir.types import TensorType
from ..program.kernels.col2im import Col2ImSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .compose import reshape, transpose
from .conv import POINT, channels_first_through, check_filter
from .epilogue import (
    finish_of,
    in_place_pairs,
    operand_mode,
    operand_words,
    split_inputs,
)
from .packed import GemmPacked, PackPanels
from .pool import Axis

__all__: list[str] = []

# Additions worth giving to a thread.
SUM_GRAIN = 1 << 16


@register("ConvTranspose", since=1)
class ConvTranspose(Op):
    """The gradient of a convolution with respect to its input.

    x [N, C, spatial...], w [C, M / group, kernel...], b [M]; with channels_last, x and y are
    [N, spatial..., channels].
    """

    auto_pad: str = "NOTSET"
    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    output_padding: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None
    channels_last: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, x: TensorType, w: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """The filters of all groups, and the positions that the windows cover."""
        own = rest[: len(rest) - self.n_extra]
        bias = own[0] if own else None
        check_filter(x, w, own, self.kernel_shape)
        channels = x.shape[-1 if self.channels_last else 1]
        if self.group < 1 or channels != w.shape[0] or channels % self.group:
            raise ShapeError(
                f"{channels} channels of {x} do not suit filters {w} in {self.group} groups"
            )
        filters = w.shape[1] * self.group
        if bias is not None and bias.size != filters:
            raise ShapeError(f"bias {bias} does not suit {filters} filters")
        out = tuple(a.out for a in self.axes(x, w))
        n = x.shape[0]
        shape = (n, *out, filters) if self.channels_last else (n, filters, *out)
        return (TensorType(x.dtype, shape),)

    def axes(self, x: TensorType, w: TensorType) -> tuple[Axis, ...]:
        """The window's course along each axis: `out` positions from `size`, `begin` cut off."""
        spatial = x.shape[1:-1] if self.channels_last else x.shape[2:]
        rank = len(spatial)
        ones, zeros = (1,) * rank, (0,) * rank
        pads = self.pads or zeros * 2
        shape = self.output_shape[-rank:] if self.output_shape else None
        for name, value, length in (
            ("strides", self.strides or ones, rank),
            ("dilations", self.dilations or ones, rank),
            ("output_padding", self.output_padding or zeros, rank),
            ("pads", pads, 2 * rank),
            ("output_shape", shape or ones, rank),
        ):
            if len(value) != length or min(value) < (name in ("strides", "dilations")):
                raise ShapeError(f"{name} {value} does not suit {rank} spatial axes of {x}")
        return tuple(
            self._axis(
                size,
                w.shape[2 + i],
                (self.strides or ones)[i],
                (self.dilations or ones)[i],
                (self.output_padding or zeros)[i],
                (pads[i], pads[i + rank]),
                shape[i] if shape else None,
            )
            for i, size in enumerate(spatial)
        )

    def _axis(
        self,
        size: int,
        window: int,
        stride: int,
        dilation: int,
        extra: int,
        pads: tuple[int, int],
        wanted: int | None,
    ) -> Axis:
        whole = stride * (size - 1) + extra + (window - 1) * dilation + 1
        if wanted is None and self.auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            wanted = size * stride
        if wanted is not None:
            total = max(0, whole - wanted)
            less = total // 2
            begin, out = less if self.auto_pad == "SAME_UPPER" else total - less, wanted
        else:
            begin, end = (0, 0) if self.auto_pad == "VALID" else pads
            out = whole - begin - end
        if out < 1:
            raise ShapeError(f"nothing of {whole} positions is left after padding {pads}")
        return Axis(size, window, stride, dilation, begin, out, (0, size))

    def operand_mode(self, out: TensorType, operand: TensorType) -> str | None:
        """See `epilogue.operand_mode`; columns are channels only where these are last."""
        mode = operand_mode(out, operand)
        return mode if self.channels_last or mode in ("full", "scalar") else None

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """Taps and filters of a group, for each element of the input."""
        x, w = inputs[:2]
        return x.size * prod(w.shape[1:]) if x and w else 0

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """In f64 a matrix product and a Col2Im."""
        x, w, bias = (*inputs, "")[:3]
        if g.type(x).dtype != F64:
            return None
        from .conv_wide import convolve_transposed  # few models need it

        axes = self.axes(g.type(x), g.type(w))
        return (convolve_transposed(g, x, w, bias, axes, self.group),)

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Channels last: a product with all taps as columns, then Col2Im."""
        if not self.channels_last:
            return channels_first_through(self, g, inputs)
        (x, w, bias), extras = split_inputs(inputs, self.n_extra, 3)
        assert x and w
        t = g.type(x)
        if t.dtype != F32:
            raise UnsupportedOperatorError(f"convolution of {t.dtype} is not supported")
        axes = self.axes(t, g.type(w))
        channels, filters, *kernel = g.shape(w)
        depth, taps = channels // self.group, prod(kernel)
        w = transpose(g, reshape(g, w, (channels, filters, taps)), (0, 2, 1))
        packed = g.add(PackPanels(), reshape(g, w, (self.group, depth, taps * filters)))
        product = GemmPacked(n=taps * filters, groups=self.group)
        parts = g.add(product, reshape(g, x, (1, t.size // channels, channels)), packed)
        sums = Col2Im(
            axes=(*(POINT,) * (3 - len(axes)), *axes), batch=t.shape[0], filters=filters,
            groups=self.group, bias=bool(bias), epilogue=self.epilogue, n_extra=self.n_extra,
        )  # fmt: skip
        y = g.add(sums, parts, bias or "", *extras)
        return (reshape(g, y, (t.shape[0], *(a.out for a in axes), filters * self.group)),)


@register("Col2ImPacked", domain=INTERNAL)
class Col2Im(Op):
    """finish(sum over taps + bias): parts [1, batch * D * H * W, groups * taps * filters].

    Axes are as for the convolution that this is the transpose of: `size` of the parts, `out` of
    the result.
    """

    axes: tuple[Axis, ...]
    batch: int
    filters: int
    groups: int = 1
    bias: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(self, parts: TensorType, *rest: TensorType | None) -> tuple[TensorType, ...]:
        """[N, positions..., filters of all groups]."""
        out = (a.out for a in self.axes)
        return (TensorType(F32, (self.batch, *out, self.groups * self.filters)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One col2im kernel over the output's pixels."""
        (parts, bias), extras = split_inputs(inputs, self.n_extra, 2)
        (out,) = outputs
        assert parts is not None
        if not out.type.size:
            return
        taps = prod(a.window for a in self.axes)
        scratch, share = lw.scratch(64 + 4 * taps)
        args: list[Word] = [lw.write(out), lw.read(bias) if bias else 0]
        args += operand_words(lw, extras)
        args += [lw.read(parts), scratch, share, self.groups, self.filters]
        step = 4 * self.filters
        args += [step * taps * self.groups, step, step * taps]
        args += [*(a.size for a in self.axes), *(a.out for a in self.axes)]
        for field in ("window", "stride", "dilation", "begin"):
            args += [getattr(a, field) for a in self.axes]
        spec = Col2ImSpec(finish_of(self.bias, self.epilogue, out.type, extras))
        pixels = out.type.size // max(1, self.groups * self.filters)
        work = max(1, self.groups * self.filters * taps)
        pairs = in_place_pairs(out, (parts, bias), extras)
        lw.call(spec, args, pixels, max(1, SUM_GRAIN // work), pairs)
