"""MelWeightMatrix: triangles that gather the bins of a spectrum to bands of the mel scale."""

from __future__ import annotations

from math import expm1, floor, log, log1p
from typing import TYPE_CHECKING

from ..errors import DataDependentError, ShapeError
from ..ir.const import Const
from ..ir.types import TensorType
from .base import Op, register
from .cast import dtype_of

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


def _value(t: TensorType, name: str) -> float:
    if t.value is None:
        raise DataDependentError(f"{name} depends on data computed at run time", t)
    if t.size != 1:
        raise ShapeError(f"{name} is {t}, one number is expected")
    return t.value.item()


@register("MelWeightMatrix", since=17)
class MelWeightMatrix(Op):
    """[dft_length // 2 + 1, num_mel_bins]; all inputs must be known while compiling."""

    output_datatype: int = 1

    def infer(
        self,
        num_mel_bins: TensorType,
        dft_length: TensorType,
        sample_rate: TensorType,
        lower_edge_hertz: TensorType,
        upper_edge_hertz: TensorType,
    ) -> tuple[TensorType, ...]:
        """A matrix."""
        bands = int(_value(num_mel_bins, "num_mel_bins"))
        size = int(_value(dft_length, "dft_length"))
        rate = _value(sample_rate, "sample_rate")
        _value(lower_edge_hertz, "lower_edge_hertz")
        _value(upper_edge_hertz, "upper_edge_hertz")
        if bands < 0 or size < 1 or rate <= 0:
            raise ShapeError(f"{bands} bands of a transform of {size} elements")
        return (TensorType(dtype_of(self.output_datatype), (size // 2 + 1, bands)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A constant."""
        types = [g.type(i) for i in inputs]
        (t,) = self.infer(*types)
        bins, bands = t.shape
        _, size, rate, low, high = (_value(x, "an input") for x in types)
        edges = _edges(bands, int(size), rate, low, high)
        if bands and not 0 <= min(edges) <= max(edges[:-1]) < bins:
            raise ShapeError(f"bands from {low} to {high} Hz exceed the {bins} bins of {t}")
        table = [0.0] * t.size
        for band in range(bands):
            for at, weight in _triangle(*edges[band : band + 3]):
                if at < bins:
                    table[at * bands + band] = weight
        return (g.const(Const.of(t.dtype, t.shape, table)),)


def _edges(bands: int, size: int, rate: float, low: float, high: float) -> list[int]:
    """The bins at which triangles begin, peak and end, evenly spaced in mel."""
    first, last = (2595 * log1p(hertz / 700) / log(10) for hertz in (low, high))
    step = (last - first) / (bands + 2)
    hertz = (700 * expm1((i * step + first) / 2595 * log(10)) for i in range(bands + 2))
    return [floor((size + 1) * h / rate) for h in hertz]


def _triangle(left: int, center: int, right: int) -> list[tuple[int, float]]:
    """(bin, weight), later ones replacing earlier ones."""
    if left == center:
        rise = [(center, 1.0)]
    else:
        rise = [(j, (j - left) / (center - left)) for j in range(left, center + 1)]
    return rise + [(j, (right - j) / (right - center)) for j in range(center, right)]
