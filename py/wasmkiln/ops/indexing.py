"""Plain Python walks over small constants, of which the movement operators fold."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.const import Const
from ..ir.shape import Shape

__all__ = ["broadcast_strides", "offsets", "row_strides", "take"]


def row_strides(shape: Shape) -> list[int]:
    """Strides in elements of a row-major tensor."""
    out = [1] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        out[d] = out[d + 1] * shape[d + 1]
    return out


def broadcast_strides(shape: Shape, to: Shape) -> list[int]:
    """Strides in elements of a row-major tensor broadcast to a shape; 0 along repeated dims."""
    strides = row_strides(shape)
    kept = [s if size != 1 else 0 for s, size in zip(strides, shape, strict=True)]
    return [0] * (len(to) - len(shape)) + kept


def offsets(sizes: Sequence[int], strides: Sequence[int], start: int = 0) -> list[int]:
    """Where a loop nest over `sizes` reads, in the order of its iterations."""
    if 0 in sizes:  # another size may be huge
        return []
    out = [start]
    for size, step in zip(sizes, strides, strict=True):
        out = [o + i * step for o in out for i in range(size)]
    return out


def take(source: Const, shape: Shape, where: Sequence[int]) -> Const:
    """The constant made of an inline constant's elements at the given flat offsets."""
    assert isinstance(source.data, bytes)
    data, size = source.data, source.dtype.itemsize
    if size == 1:
        return Const(source.dtype, shape, bytes(data[o] for o in where))
    return Const(source.dtype, shape, b"".join(data[o * size : (o + 1) * size] for o in where))
