"""Slices and stacks of tensors outside linear memory, by copies of whole blocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.shape import normalize_axis, show

__all__ = ["first_rows", "slice_at", "stack"]


def slice_at(x: Const, axis: int, index: int) -> Const:
    """The slice at an index of an axis, without that axis."""
    size, block = x.shape[axis], _block(x, x.shape[axis + 1 :])
    data = x.frozen().data
    assert isinstance(data, (bytes, tuple))
    starts = range(index * block, len(data), size * block) if data else ()
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    if isinstance(data, tuple):
        return Const.strings(shape, [text for s in starts for text in data[s : s + block]])
    return Const(x.dtype, shape, b"".join([data[s : s + block] for s in starts]))


def first_rows(x: Const, rows: int) -> Const:
    """As many rows along axis 0; zeros, or empty strings, where the tensor has fewer."""
    size, shape = rows * _block(x, x.shape[1:]), (rows, *x.shape[1:])
    data = x.frozen().data
    if isinstance(data, tuple):
        return Const.strings(shape, [*data[:size], *[""] * (size - len(data))])
    assert isinstance(data, bytes)
    return Const(x.dtype, shape, data[:size].ljust(size, b"\0"))


def stack(values: Sequence[Const], axis: int) -> Const:
    """Tensors of equal type along a new axis. ShapeError where they differ."""
    first = values[0]
    for value in values:
        if (value.dtype, value.shape) != (first.dtype, first.shape):
            raise ShapeError(
                f"{value.dtype}{show(value.shape)} and {first.dtype}{show(first.shape)} "
                "are to be stacked"
            )
    axis = normalize_axis(axis, len(first.shape) + 1)
    shape = (*first.shape[:axis], len(values), *first.shape[axis:])
    block = _block(first, first.shape[axis:])
    rows = range(0, max(1, block) * prod(first.shape[:axis]), max(1, block))
    if isinstance(first.data, tuple):
        texts = [text for r in rows for v in values for text in v.texts()[r : r + block]]
        return Const.strings(shape, texts)
    datas = [value.frozen().data for value in values]
    parts = [data[r : r + block] for r in rows for data in datas if isinstance(data, bytes)]
    return Const(first.dtype, shape, b"".join(parts))


def _block(x: Const, inner: Sequence[int]) -> int:
    """Elements of the data (bytes, or strings) that lie together."""
    return prod(inner) * (1 if isinstance(x.data, tuple) else x.dtype.itemsize)
