"""Col2Im: overlapping blocks added up to an image with any number of dimensions."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, I64
from ..ir.expr import Expr, arg, call, const, select
from ..ir.shape import Shape, show
from ..ir.types import TensorType
from ..record import record
from .base import Op, register
from .compose import apply, reshape, transpose
from .indexing import row_strides
from .movement import Iota, StridedSlice, constant_ints, filled
from .scatter import ScatterND

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@record
class _Plan:
    """Sizes of the image, a block, and the grid of blocks; element i of block j is at
    j * stride + i * dilation - pad."""

    image: Shape
    block: Shape
    grid: Shape
    strides: Shape
    dilations: Shape
    pads: Shape


@register("Col2Im", since=18)
class Col2Im(Op):
    """[batch, channels * block, blocks] to [batch, channels, image]: elements at a place add up."""

    dilations: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def _plan(self, x: TensorType, image_shape: TensorType, block_shape: TensorType) -> _Plan:
        image = constant_ints(image_shape, "image_shape")
        block = constant_ints(block_shape, "block_shape")
        rank = len(image)
        dilations = self.dilations or (1,) * rank
        strides = self.strides or (1,) * rank
        pads = self.pads or (0,) * (2 * rank)
        if {len(block), len(dilations), len(strides), len(pads) / 2} != {rank} or not rank:
            raise ShapeError(f"block {show(block)}, strides, dilations or pads for {show(image)}")
        if min(*image, *block, *strides, *dilations) < 1:
            raise ShapeError(f"block {show(block)} of image {show(image)} has sizes below 1")
        grid = tuple(
            (image[d] + pads[d] + pads[d + rank] - dilations[d] * (block[d] - 1) - 1) // strides[d]
            + 1
            for d in range(rank)
        )
        if x.rank != 3 or x.shape[1] % prod(block) or min(grid) < 1 or x.shape[2] != prod(grid):
            raise ShapeError(
                f"the input {x} is not {show(grid)} blocks {show(block)} of an image {show(image)}"
            )
        return _Plan(image, block, grid, strides, dilations, pads[:rank])

    def infer(
        self, x: TensorType, image_shape: TensorType, block_shape: TensorType
    ) -> tuple[TensorType, ...]:
        """[batch, channels, image]."""
        if not (x.dtype.is_float or x.dtype.is_int or x.dtype == BOOL):
            raise UnsupportedOperatorError(f"sums of {x.dtype}")
        p = self._plan(x, image_shape, block_shape)
        return (TensorType(x.dtype, (x.shape[0], x.shape[1] // prod(p.block), *p.image)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A ScatterND of rows of channels; what falls beside the image goes to a row behind it."""
        x = inputs[0]
        t = g.type(x)
        p = self._plan(t, *map(g.type, inputs[1:]))
        batch, channels = t.shape[0], t.shape[1] // prod(p.block)
        count, size = prod(p.block) * prod(p.grid), prod(p.image)
        rows = transpose(g, reshape(g, x, (batch * channels, count)), (1, 0))
        empty = filled(g, Const.scalar(t.dtype, 0), (size + 1, batch * channels))
        where = reshape(g, _places(g, p), (count, 1))
        sums = g.add(ScatterND(reduction="add"), empty, where, rows)
        cut = StridedSlice(starts=(0, 0), steps=(1, 1), sizes=(size, batch * channels))
        return (reshape(g, transpose(g, g.add(cut, sums), (1, 0)), (batch, channels, *p.image)),)


def _places(g: GraphBuilder, p: _Plan) -> str:
    """The flat index in the image of each element, as [block, grid]."""
    rank = len(p.image)
    operands = []
    index: Expr = const(0, I64)
    inside = None
    for d, row in enumerate(row_strides(p.image)):
        element, block = arg(2 * d, I64), arg(2 * d + 1, I64)
        for size, axis in ((p.block[d], d), (p.grid[d], rank + d)):
            shape = [1] * (2 * rank)
            shape[axis] = size
            operands.append(reshape(g, g.add(Iota(count=size)), shape))
        at = block * p.strides[d] + element * p.dilations[d] - p.pads[d]
        index = index + at * row
        fits = call("and", at >= 0, at < p.image[d])
        inside = fits if inside is None else call("and", inside, fits)
    assert inside is not None
    return apply(g, select(inside, index, prod(p.image)), *operands)
