"""onnxruntime's means of quantized values: dequantize, average, quantize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.types import TensorType
from .base import MICROSOFT, Op, create, register
from .compose import transpose
from .pool import AveragePool
from .quant_contrib import quantized, real

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("QLinearReduceMean", since=1, domain=MICROSOFT)
class QLinearReduceMean(Op):
    """The quantized mean of a quantized tensor over some axes."""

    axes: tuple[int, ...]
    keepdims: bool = True

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero: TensorType | None,
        y_scale: TensorType,
        y_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The reduced shape."""
        return (TensorType(x.dtype, self._mean().infer(x)[0].shape),)

    def _mean(self) -> Op:
        return create("", "ReduceMean", 13, {"axes": self.axes, "keepdims": self.keepdims})

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A mean of real values."""
        x, x_scale, x_zero, y_scale, y_zero = (*inputs, "")[:5]
        y = g.add(self._mean(), real(g, x, x_scale, x_zero))
        return (quantized(g, y, y_scale, y_zero, x),)


@register("QLinearAveragePool", since=1, domain=MICROSOFT)
class QLinearAveragePool(AveragePool):
    """The quantized mean of each window of a quantized tensor."""

    channels_last: bool = False

    def infer(  # type: ignore[override]
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero: TensorType | None,
        y_scale: TensorType,
        y_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The spatial sizes become the numbers of positions."""
        if not self.channels_last or x.rank < 3:
            return super().infer(x)
        (y,) = super().infer(TensorType(x.dtype, (x.shape[0], x.shape[-1], *x.shape[1:-1])))
        return (TensorType(x.dtype, (y.shape[0], *y.shape[2:], y.shape[1])),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """An AveragePool of real values."""
        x, x_scale, x_zero, y_scale, y_zero = (*inputs, "")[:5]
        rank = g.type(x).rank
        pool = AveragePool(**{name: getattr(self, name) for name in AveragePool.fields})
        y = real(g, x, x_scale, x_zero)
        if self.channels_last:
            y = transpose(g, y, (0, rank - 1, *range(1, rank - 1)))
        y = g.add(pool, y)
        if self.channels_last:
            y = transpose(g, y, (0, *range(2, rank), 1))
        return (quantized(g, y, y_scale, y_zero, x),)


@register("QLinearGlobalAveragePool", since=1, domain=MICROSOFT)
class QLinearGlobalAveragePool(Op):
    """The quantized mean over the spatial axes of a quantized tensor."""

    channels_last: bool = False

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero: TensorType | None,
        y_scale: TensorType,
        y_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Spatial sizes of 1."""
        ones = (1,) * (x.rank - 2)
        if self.channels_last:
            return (TensorType(x.dtype, (x.shape[0], *ones, x.shape[-1])),)
        return (TensorType(x.dtype, (*x.shape[:2], *ones)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A mean of real values."""
        x, x_scale, x_zero, y_scale, y_zero = (*inputs, "")[:5]
        rank = g.type(x).rank
        axes = tuple(range(1, rank - 1)) if self.channels_last else tuple(range(2, rank))
        mean = create("", "ReduceMean", 13, {"axes": axes, "keepdims": True})
        y = g.add(mean, real(g, x, x_scale, x_zero))
        return (quantized(g, y, y_scale, y_zero, x),)
