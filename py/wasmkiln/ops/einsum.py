"""Einsum: sums of products over named axes, as matrix products of two operands at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.expr import arg
from ..ir.types import TensorType
from ..record import record
from .base import Op, register
from .compose import apply, reshape, standard, transpose
from .movement import StridedSlice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

Labels = tuple[str, ...]  # a name for each axis: a letter, or `.k` for the k-th last of an ellipsis


@record
class _Equation:
    """The axes of each input and of the output, and the size of each label."""

    inputs: tuple[Labels, ...]
    output: Labels
    sizes: Mapping[str, int]


@register("Einsum", since=12)
class Einsum(Op):
    """The sum over all labels that the output does not have, of the product of the inputs."""

    equation: str

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The sizes of the output's labels."""
        e = _parse(self.equation, inputs)
        return (TensorType(inputs[0].dtype, tuple(e.sizes[label] for label in e.output)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """One input after the other is multiplied to the product so far."""
        e = _parse(self.equation, [g.type(x) for x in inputs])
        operands = [
            _plain(g, x, labels, e.sizes) for x, labels in zip(inputs, e.inputs, strict=True)
        ]
        product = operands[0]
        for k, operand in enumerate(operands[1:], 2):
            later = {label for _, labels in operands[k:] for label in labels} | {*e.output}
            product = _multiply(g, product, operand, later, e.sizes)
        x, labels = _sum(g, *product, {*e.output})
        missing = [label for label in e.output if label not in labels]  # all of size 1
        x = reshape(g, x, (*g.shape(x), *(1 for _ in missing)))
        order = (*labels, *missing)
        return (transpose(g, x, [order.index(label) for label in e.output]),)


def _parse(equation: str, types: Sequence[TensorType]) -> _Equation:
    """The equation with its ellipses replaced by labels. ShapeError if it does not fit."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(types):
        raise ShapeError(f"equation '{equation}' has {len(terms)} terms, not {len(types)}")
    inputs = [_labels(equation, term, t.rank) for term, t in zip(terms, types, strict=True)]
    dots = max((sum(label[0] == "." for label in labels) for labels in inputs), default=0)
    sizes: dict[str, int] = {}
    for labels, t in zip(inputs, types, strict=True):
        for label, size in zip(labels, t.shape, strict=True):
            if sizes.setdefault(label, size) == 1:
                sizes[label] = size
            elif size not in (1, sizes[label]):
                raise ShapeError(f"'{label}' of '{equation}' is both {sizes[label]} and {size}")
    if arrow:
        output = _labels(equation, right, dots + len(right.replace("...", "")))
        if "..." not in right:
            output = tuple(right)
    else:
        every = [label for labels in inputs for label in labels]
        once = sorted(label for label in sizes if label[0] != "." and every.count(label) == 1)
        output = (*_ellipsis(dots), *once)
    if len(set(output)) < len(output) or not {*output} <= sizes.keys():
        raise ShapeError(f"the output of '{equation}' repeats a label, or has one of no input")
    return _Equation(tuple(inputs), output, sizes)


def _labels(equation: str, term: str, rank: int) -> Labels:
    before, dots, after = term.partition("...")
    letters = before + after
    count = rank - len(letters)
    if letters and not letters.isalpha():
        raise ShapeError(f"'{equation}' is not an equation")
    if count < 0 or (count and not dots):
        raise ShapeError(f"'{term}' of '{equation}' does not suit {rank} axes")
    return (*before, *_ellipsis(count if dots else 0), *after)


def _ellipsis(count: int) -> Labels:
    return tuple(f".{k}" for k in range(count - 1, -1, -1))


_Operand = tuple[str, Labels]


def _plain(g: GraphBuilder, x: str, labels: Labels, sizes: Mapping[str, int]) -> _Operand:
    """An input without repeated labels, and without axes of size 1 that broadcast."""
    for label in dict.fromkeys(labels):
        if labels.count(label) > 1:
            x, labels = _diagonal(g, x, labels, label)
    kept = tuple(
        label for label, size in zip(labels, g.shape(x), strict=True) if size == sizes[label]
    )
    return reshape(g, x, tuple(sizes[label] for label in kept)), kept


def _diagonal(g: GraphBuilder, x: str, labels: Labels, label: str) -> _Operand:
    """The elements whose indices along all axes of the label are equal; the label stands last."""
    own = [d for d, name in enumerate(labels) if name == label]
    others = [d for d, name in enumerate(labels) if name != label]
    shape = g.shape(x)
    size = shape[own[0]]
    if any(shape[d] != size for d in own):
        raise ShapeError(f"'{label}' stands for axes of different sizes of {g.type(x)}")
    outer = tuple(shape[d] for d in others)
    flat = reshape(g, transpose(g, x, [*others, *own]), (*outer, size ** len(own)))
    step = sum(size**k for k in range(len(own)))
    rank = len(outer)
    starts, steps = (0,) * (rank + 1), (*(1 for _ in outer), step)
    cut = StridedSlice(starts=starts, steps=steps, sizes=(*outer, size))
    return g.add(cut, flat), (*(labels[d] for d in others), label)


def _sum(g: GraphBuilder, x: str, labels: Labels, kept: set[str]) -> _Operand:
    """The sum over all labels but those to be kept."""
    axes = [d for d, label in enumerate(labels) if label not in kept]
    if not axes:
        return x, labels
    x = standard(g, "ReduceSum", x, g.ints(axes), keepdims=False)
    return x, tuple(label for label in labels if label in kept)


def _multiply(
    g: GraphBuilder, a: _Operand, b: _Operand, later: set[str], sizes: Mapping[str, int]
) -> _Operand:
    """The product of two operands, summed over the labels that nothing needs later."""
    x, left = _sum(g, *a, later | {*b[1]})
    y, right = _sum(g, *b, later | {*a[1]})
    both = [label for label in left if label in right]
    batch = [label for label in both if label in later]
    summed = [label for label in both if label not in later]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    x = transpose(g, x, [left.index(label) for label in (*batch, *rows, *summed)])
    y = transpose(g, y, [right.index(label) for label in (*batch, *summed, *columns)])

    def shaped(z: str, *groups: list[str]) -> str:
        return reshape(g, z, tuple(prod(sizes[label] for label in group) for group in groups))

    if summed:
        z = standard(g, "MatMul", shaped(x, batch, rows, summed), shaped(y, batch, summed, columns))
    else:
        dtype = g.type(x).dtype
        x, y = shaped(x, batch, rows, []), shaped(y, batch, [], columns)
        z = apply(g, arg(0, dtype) * arg(1, dtype), x, y)
    labels = (*batch, *rows, *columns)
    return reshape(g, z, tuple(sizes[label] for label in labels)), labels
