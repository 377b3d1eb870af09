"""Slice: every step-th element of some dimensions, nearly as in Python.

Going backwards from before the first element, ONNX takes the first, where Python takes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.shape import Shape, normalize_axis
from ..ir.types import TensorType
from .base import Op, register
from .movement import StridedSlice, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


def _resolve(
    shape: Shape,
    starts: tuple[int, ...],
    ends: tuple[int, ...],
    axes: tuple[int, ...] | None,
    steps: tuple[int, ...] | None,
) -> StridedSlice:
    """The slice with all dimensions filled in and positions clamped to the tensor."""
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ShapeError(
            f"starts {starts}, ends {ends}, axes {axes}, steps {steps} differ in length"
        )
    first, step, sizes = [0] * len(shape), [1] * len(shape), list(shape)
    for start, end, axis, by in zip(starts, ends, axes, steps, strict=True):
        if by == 0:
            raise ShapeError("a step is 0")
        d = normalize_axis(axis, len(shape))
        if by < 0 and start < -shape[d]:
            start = 0
        chosen = range(shape[d])[slice(start, end, by)]
        sizes[d], step[d] = len(chosen), by if len(chosen) > 1 else 1
        first[d] = chosen.start if len(chosen) else 0
    return StridedSlice(starts=tuple(first), steps=tuple(step), sizes=tuple(sizes))


class _Slice(Op):
    """What the versions of Slice share; they differ in where the parameters come from."""

    moves_only = True

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The chosen elements."""
        types = [TensorType.of(c) if c else None for c in inputs]
        return self.resolved(*types).evaluate(inputs[0])

    def infer(self, *inputs: TensorType | None) -> tuple[TensorType, ...]:
        """The number of elements chosen from each dimension."""
        assert inputs[0] is not None
        return self.resolved(*inputs).infer(inputs[0])

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A StridedSlice, or nothing where all is taken."""
        op = self.resolved(*(g.type(i) if i else None for i in inputs))
        x = inputs[0]
        return (x,) if op.sizes == g.shape(x) and min(op.steps, default=1) > 0 else (g.add(op, x),)

    def resolved(self, *inputs: TensorType | None) -> StridedSlice:
        """The slice of an input of known shape."""
        raise NotImplementedError


@register("Slice", since=1)
class Slice1(_Slice):
    """Elements [start, end) of the listed axes, given as attributes."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    axes: tuple[int, ...] | None = None

    def resolved(self, *inputs: TensorType | None) -> StridedSlice:
        """The slice of an input of known shape."""
        (x,) = inputs
        assert x is not None
        return _resolve(x.shape, self.starts, self.ends, self.axes, None)

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """Only the data."""
        return 1, 1


@register("Slice", since=10)
class Slice(_Slice):
    """Every step-th element of [start, end) of the listed axes, given as inputs."""

    def resolved(self, *inputs: TensorType | None) -> StridedSlice:
        """The slice of an input of known shape."""
        x, starts, ends, axes, steps = (*inputs, None, None)[:5]
        assert x is not None and starts is not None and ends is not None
        return _resolve(
            x.shape,
            constant_ints(starts, "the start"),
            constant_ints(ends, "the end"),
            None if axes is None else constant_ints(axes, "the list of axes"),
            None if steps is None else constant_ints(steps, "the step"),
        )

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """Data, starts, ends; axes and steps are optional."""
        return 3, 5
