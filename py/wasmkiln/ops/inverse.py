"""Inverse: of square matrices, on the host, as each step depends on the sizes of elements."""

from __future__ import annotations

from typing import ClassVar

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.types import TensorType
from .base import MICROSOFT, Op, register

__all__: list[str] = []


@register("Inverse", domain=MICROSOFT)
class Inverse(Op):
    """The inverse of each matrix of a batch; a singular one has infinities or NaN."""

    on_host: ClassVar[bool] = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.rank < 2 or x.shape[-1] != x.shape[-2] or not x.dtype.is_float:
            raise ShapeError(f"{x} does not hold square matrices of floats")
        return (TensorType(x.dtype, x.shape),)

    def evaluate(self, x: Const) -> tuple[Const, ...]:
        """By Gauss and Jordan, with the largest pivot of a column."""
        n = x.shape[-1]
        values = [float(v) for v in x.values()]
        out: list[float] = []
        for start in range(0, len(values), max(1, n * n)):
            out += _inverse([values[start + r * n : start + (r + 1) * n] for r in range(n)])
        return (Const.of(x.dtype, x.shape, out),)


def _inverse(rows: list[list[float]]) -> list[float]:
    n = len(rows)
    wide = [[*row, *(float(i == j) for j in range(n))] for i, row in enumerate(rows)]
    for k in range(n):
        best = max(range(k, n), key=lambda r: abs(wide[r][k]))
        wide[k], wide[best] = wide[best], wide[k]
        pivot = wide[k][k]
        if pivot == 0.0:
            return [float("nan")] * (n * n)
        wide[k] = [v / pivot for v in wide[k]]
        for r in range(n):
            factor = wide[r][k]
            if r != k and factor != 0.0:
                wide[r] = [a - factor * b for a, b in zip(wide[r], wide[k], strict=True)]
    return [v for row in wide for v in row[n:]]
