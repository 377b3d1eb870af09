"""Slices and stacks of tensors outside linear memory."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.dtype import STRING
from ..ir.shape import normalize_axis, numel
from ..ir.value import describe_value
from ..ops.blocks import join, pick

__all__ = ["first_rows", "slice_at", "stack"]


def slice_at(x: Const, axis: int, index: int) -> Const:
    """The slice at an index of an axis, without that axis."""
    return pick(x, axis, (index,)).reshaped((*x.shape[:axis], *x.shape[axis + 1 :]))


def first_rows(x: Const, rows: int) -> Const:
    """As many rows along axis 0; zeros, or empty strings, where the tensor has fewer."""
    kept = pick(x, 0, range(min(rows, x.shape[0])))
    shape = (rows - kept.shape[0], *x.shape[1:])
    size = numel(shape)
    data = ("",) * size if x.dtype == STRING else bytes(size * x.dtype.itemsize)
    return join((kept, Const(x.dtype, shape, data)), 0)


def stack(values: Sequence[Const], axis: int) -> Const:
    """Tensors of equal type along a new axis. ShapeError where they differ."""
    first = values[0]
    for value in values:
        if (value.dtype, value.shape) != (first.dtype, first.shape):
            raise ShapeError(
                f"{describe_value(value)} and {describe_value(first)} are to be stacked"
            )
    axis = normalize_axis(axis, len(first.shape) + 1)
    shape = (*first.shape[:axis], 1, *first.shape[axis:])
    return join([value.reshaped(shape) for value in values], axis)
