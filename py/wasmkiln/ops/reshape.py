"""Operators that give the same elements another shape: their output is the input's memory."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import Const
from ..ir.shape import Shape, normalize_axes, normalize_axis, show
from ..ir.types import TensorType
from .base import Op, register
from .movement import View, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


class _Reshaping(Op):
    """What all public operators here do once `infer` has said the output's shape."""

    moves_only = True

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The same bytes in the inferred shape."""
        types = (TensorType.of(c) if c else None for c in inputs)
        x = inputs[0]
        return (x.reshaped(self.infer(*types)[0].shape),) if x else None

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A View, or nothing where the shape stays."""
        types = (g.type(i) if i else None for i in inputs)
        shape = self.infer(*types)[0].shape
        if shape == g.shape(inputs[0]):
            return (inputs[0],)
        return (g.add(View(shape=shape), inputs[0]),)


@register("Identity", since=1)
class Identity(_Reshaping):
    """The input."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        return (x,)


@register("Reshape", since=5)
class Reshape(_Reshaping):
    """x in the given shape, where -1 stands for what is left and 0 for the input's dimension."""

    def infer(self, x: TensorType, shape: TensorType) -> tuple[TensorType, ...]:
        """The shape with -1 and 0 filled in."""
        wanted = constant_ints(shape, "the shape")
        return (TensorType(x.dtype, _resolve(x.shape, wanted, keep_zero=False)),)


@register("Reshape", since=1)
class Reshape1(_Reshaping):
    """x in a shape that is an attribute."""

    shape: tuple[int, ...] | None = None
    consumed_inputs: tuple[int, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape with -1 and 0 filled in."""
        return (TensorType(x.dtype, _resolve(x.shape, self.shape or (), keep_zero=False)),)


@register("Reshape", since=14)
class Reshape14(_Reshaping):
    """Reshape, where a 0 is a dimension of size 0 if allowzero is set."""

    allowzero: bool = False

    def infer(self, x: TensorType, shape: TensorType) -> tuple[TensorType, ...]:
        """The shape with -1 and 0 filled in."""
        wanted = constant_ints(shape, "the shape")
        return (TensorType(x.dtype, _resolve(x.shape, wanted, self.allowzero)),)


def _resolve(shape: Shape, wanted: tuple[int, ...], keep_zero: bool) -> Shape:
    """The shape that Reshape means by its second input."""
    dims = list(wanted)
    for i, d in enumerate(dims):
        if d == 0 and not keep_zero:
            if i >= len(shape):
                raise ShapeError(f"shape {wanted} copies a dimension that {show(shape)} lacks")
            dims[i] = shape[i]
    if dims.count(-1) > 1 or min(dims, default=0) < -1:
        raise ShapeError(f"shape {wanted} has more than one -1, or negative sizes")
    size = prod(shape)
    if -1 in dims:
        at = dims.index(-1)
        known = prod(dims[:at] + dims[at + 1 :])
        dims[at] = size // known if known else 0
    if prod(dims) != size:
        raise ShapeError(f"{size} elements of {show(shape)} do not fit shape {wanted}")
    return tuple(dims)


@register("Flatten", since=1)
class Flatten(_Reshaping):
    """x as a matrix: the dimensions before `axis` are its rows, the others its columns."""

    axis: int = 1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Two dimensions."""
        axis = self.axis if self.axis == x.rank else normalize_axis(self.axis, x.rank)
        return (TensorType(x.dtype, (prod(x.shape[:axis]), prod(x.shape[axis:]))),)


def _squeeze(x: TensorType, axes: tuple[int, ...] | None) -> tuple[TensorType, ...]:
    if axes is None:
        return (TensorType(x.dtype, tuple(d for d in x.shape if d != 1)),)
    gone = normalize_axes(axes, x.rank)
    for axis in gone:
        if x.shape[axis] != 1:
            raise ShapeError(f"axis {axis} of {show(x.shape)} is not of size 1")
    return (TensorType(x.dtype, tuple(d for i, d in enumerate(x.shape) if i not in gone)),)


def _unsqueeze(x: TensorType, axes: tuple[int, ...]) -> tuple[TensorType, ...]:
    rank = x.rank + len(axes)
    new = normalize_axes(axes, rank)
    rest = iter(x.shape)
    return (TensorType(x.dtype, tuple(1 if i in new else next(rest) for i in range(rank))),)


@register("Squeeze", since=1)
class Squeeze1(_Reshaping):
    """x without the dimensions of size 1 that are listed, or without all of them."""

    axes: tuple[int, ...] | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The remaining dimensions."""
        return _squeeze(x, self.axes)


@register("Squeeze", since=13)
class Squeeze(_Reshaping):
    """x without the dimensions of size 1 that are listed, or without all of them."""

    def infer(self, x: TensorType, axes: TensorType | None = None) -> tuple[TensorType, ...]:
        """The remaining dimensions."""
        return _squeeze(x, None if axes is None else constant_ints(axes, "the list of axes"))


@register("Unsqueeze", since=1)
class Unsqueeze1(_Reshaping):
    """x with new dimensions of size 1, at the places where `axes` finds them in the output."""

    axes: tuple[int, ...]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's dimensions and the new ones."""
        return _unsqueeze(x, self.axes)


@register("Unsqueeze", since=13)
class Unsqueeze(_Reshaping):
    """x with new dimensions of size 1, at the places where `axes` finds them in the output."""

    def infer(self, x: TensorType, axes: TensorType) -> tuple[TensorType, ...]:
        """The input's dimensions and the new ones."""
        return _unsqueeze(x, constant_ints(axes, "the list of axes"))
