"""Cuts and joins constants along an axis by copying whole blocks of their bytes, or strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from ..ir.const import Buffer, Const, Span
from ..ir.dtype import STRING, DType
from ..ir.shape import Shape, numel

__all__ = ["cut", "join", "pick"]

Block = Buffer | tuple[str, ...]


def cut(x: Const, axis: int, sizes: Sequence[int]) -> tuple[Const, ...]:
    """Neighbouring slices along an axis, whose sizes must add up to the axis' size."""
    data, outer, step = _layout(x, axis)
    row = x.shape[axis] * step
    out, at = [], 0
    for size in sizes:
        n = size * step
        rows = (data[o * row + at : o * row + at + n] for o in range(outer))
        out.append(_glued(x.dtype, _resized(x.shape, axis, size), rows))
        at += n
    return tuple(out)


def join(parts: Sequence[Const], axis: int) -> Const:
    """One or more constants one after the other along an axis; their other sizes are equal."""
    first = parts[0]
    layouts = [_layout(c, axis) for c in parts]
    sizes = [c.shape[axis] for c in parts]
    blocks = [(data, n * step) for n, (data, _, step) in zip(sizes, layouts, strict=True)]
    outer = layouts[0][1]
    rows = (data[o * n : (o + 1) * n] for o in range(outer) for data, n in blocks)
    return _glued(first.dtype, _resized(first.shape, axis, sum(sizes)), rows)


def pick(x: Const, axis: int, indices: Sequence[int]) -> Const:
    """The slices at the given places of an axis, counted from 0."""
    data, outer, step = _layout(x, axis)
    row = x.shape[axis] * step
    starts = [i * step for i in indices]
    rows = (data[at : at + step] for o in range(outer) for at in (o * row + s for s in starts))
    return _glued(x.dtype, _resized(x.shape, axis, len(starts)), rows)


def _layout(x: Const, axis: int) -> tuple[Block, int, int]:
    """The elements; how many rows the dims in front of the axis make; a slice's length in one."""
    data = x.data
    assert not isinstance(data, Span)
    outer = numel(x.shape[:axis])
    return data, outer, numel(x.shape[axis + 1 :]) * (1 if x.dtype == STRING else x.dtype.itemsize)


def _resized(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _glued(dtype: DType, shape: Shape, blocks: Iterable[Block]) -> Const:
    if 0 in shape:  # there may be very many empty blocks
        return Const(dtype, shape, () if dtype == STRING else b"")
    if dtype == STRING:
        return Const(dtype, shape, tuple(chain.from_iterable(blocks)))  # type: ignore[arg-type]
    return Const(dtype, shape, b"".join(blocks))  # type: ignore[arg-type]
