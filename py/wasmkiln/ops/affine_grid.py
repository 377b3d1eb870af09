"""AffineGrid: the places at which an affinely transformed image is read, for GridSample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F64, I64
from ..ir.expr import arg, cast
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, reshape, transpose
from .movement import Iota, StridedSlice, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("AffineGrid", since=20)
class AffineGrid(Op):
    """grid[n, place] = theta[n] @ (place, 1), the places being -1 to 1, x first.

    theta [N, 2, 3] or [N, 3, 4]; size (N, C, H, W) or (N, C, D, H, W).
    """

    align_corners: bool = False

    def _sizes(self, theta: TensorType, size: TensorType) -> tuple[int, ...]:
        n, _, *spatial = (*constant_ints(size, "the size"), 0, 0)[: max(2, size.size)]
        rank = len(spatial)
        if rank not in (2, 3) or theta.shape != (n, rank, rank + 1) or min(spatial) < 0:
            raise ShapeError(f"theta is {theta} for a grid of {(n, *spatial)}")
        return tuple(spatial)

    def infer(self, theta: TensorType, size: TensorType) -> tuple[TensorType, ...]:
        """[N, spatial..., axes]."""
        spatial = self._sizes(theta, size)
        if not theta.dtype.is_float:
            raise UnsupportedOperatorError(f"places in {theta.dtype}")
        return (TensorType(theta.dtype, (theta.shape[0], *spatial, len(spatial))),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """One expression of the places along each axis and the columns of theta."""
        theta, size = inputs
        t = g.type(theta)
        spatial = self._sizes(t, g.type(size))
        n, rank = t.shape[0], len(spatial)
        columns = transpose(g, theta, (0, 2, 1))
        operands: list[str] = []
        total = None
        for c in range(rank + 1):
            cut = StridedSlice(starts=(0, c, 0), steps=(1, 1, 1), sizes=(n, 1, rank))
            factor = cast(arg(len(operands), t.dtype), F64)
            operands.append(reshape(g, g.add(cut, columns), (n, *(1,) * rank, rank)))
            if c < rank:
                axis = rank - 1 - c
                factor = factor * arg(len(operands), F64)
                shape = [1] * (rank + 2)
                shape[1 + axis] = spatial[axis]
                operands.append(reshape(g, self._line(g, spatial[axis]), shape))
            total = factor if total is None else total + factor
        assert total is not None
        return (apply(g, cast(total, t.dtype), *operands),)

    def _line(self, g: GraphBuilder, count: int) -> str:
        """The places along an axis: its borders or, without align_corners, its pixels' middles."""
        i = cast(arg(0, I64), F64)
        place = (
            i * (2 / max(1, count - 1)) if self.align_corners else (i * 2.0 + 1.0) / max(1, count)
        )
        return apply(g, place - 1.0, g.add(Iota(count=count)))
