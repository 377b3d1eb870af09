"""Shapes: tuples of sizes, where a model's inputs may also have symbolic dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import prod

from ..errors import ShapeError
from ..record import record

__all__ = ["Dim", "Shape", "Sym", "broadcast", "normalize_axes", "normalize_axis", "numel", "show"]


@record
class Sym:
    """A dimension known by name only ("batch"); bound to a size before compilation.

    unknown: for one that the model leaves open, and that got its name here: what the model writes
    for it, "" as a rule. None for the others.
    """

    name: str
    unknown: str | None = None

    def __str__(self) -> str:
        return self.name


Dim = int | Sym
Shape = tuple[int, ...]


def numel(shape: Sequence[int]) -> int:
    """The number of elements of a shape; 1 for a scalar."""
    return prod(shape)


def show(shape: Sequence[Dim]) -> str:
    """The shape as it is printed in messages: `[1,3,224,224]`."""
    return "[" + ",".join(map(str, shape)) + "]"


def broadcast(*shapes: Shape) -> Shape:
    """The common shape by ONNX's multidirectional broadcasting; ShapeError if there is none."""
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    out: list[int] = []
    for dims in zip_longest(*(reversed(s) for s in shapes), fillvalue=1):
        size = 1
        for d in dims:
            if d != 1:
                if size not in (1, d):
                    raise ShapeError(f"shapes {' and '.join(map(show, shapes))} do not broadcast")
                size = d
        out.append(size)
    return tuple(reversed(out))


def normalize_axis(axis: int, rank: int) -> int:
    """The axis counted from the front; ShapeError if it is outside [-rank, rank)."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is outside a tensor of rank {rank}")
    return axis + rank if axis < 0 else axis


def normalize_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, sorted, without repetition; ShapeError if one repeats."""
    out = sorted(normalize_axis(a, rank) for a in axes)
    if len(set(out)) != len(out):
        raise ShapeError(f"axes {tuple(axes)} name one axis twice")
    return tuple(out)
