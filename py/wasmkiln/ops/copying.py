"""Lower a strided copy: choose the kernel that moves elements to their places."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..ir.shape import Shape
from ..program.kernels.copy import CopySpec, TransposeSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word

__all__ = ["lower_copy", "merge_strided"]

# Bytes of a share worth giving to a thread.
GRAIN = 16384


def lower_copy(
    lw: Lowering,
    source: Slot,
    target: Slot,
    sizes: Shape,
    source_strides: Sequence[int],
    target_strides: Sequence[int],
    source_start: int = 0,
    target_start: int = 0,
) -> None:
    """Copy elements of two walks over `sizes`; strides and starts are in elements.

    The last dimension of more than one element must be contiguous in the target.
    """
    width = source.type.dtype.itemsize
    if prod(sizes) == 0:
        return
    dims = merge_strided(sizes, target_strides, source_strides)
    write = lw.write(target, target_start * width)
    read = lw.read(source, source_start * width)
    across = [i for i, (_, _, s) in enumerate(dims[:-1]) if s == 1]
    if width == 4 and across and dims[-1][2] not in (0, 1):
        along = dims.pop(across[0])
        last = dims.pop()
        args: list[Word] = [write, read, along[0], last[0], along[1] * width, last[2] * width]
        for size, t, s in dims:
            args += [size, t * width, s * width]
        per_unit = prod(sizes) // along[0] * width
        grain = max(1, GRAIN // per_unit // TransposeSpec.TILE) * TransposeSpec.TILE
        lw.call(TransposeSpec(len(dims)), args, along[0], grain)
        return
    size, _, stride = dims[-1]
    inner = {0: "b", 1: "c"}.get(stride, "s")
    args = [write, read, *(d[0] for d in dims)]
    for _, t, s in dims[:-1]:
        args += [t * width, s * width]
    if inner == "s":
        args.append(stride * width)
    per_unit = prod(sizes) // dims[0][0] * width
    lw.call(CopySpec(width, len(dims), inner), args, dims[0][0], max(1, GRAIN // per_unit))


def merge_strided(
    sizes: Sequence[int], target: Sequence[int], source: Sequence[int]
) -> list[tuple[int, int, int]]:
    """(size, target stride, source stride) of the fewest dimensions that make the same walk."""
    dims: list[tuple[int, int, int]] = []
    for size, t, s in zip(sizes, target, source, strict=True):
        if size == 1:
            continue
        if dims and dims[-1][1] == t * size and dims[-1][2] == s * size:
            dims[-1] = (dims[-1][0] * size, t, s)
        else:
            dims.append((size, t, s))
    if not dims or dims[-1][1] != 1:
        dims.append((1, 1, 1))
    return dims
