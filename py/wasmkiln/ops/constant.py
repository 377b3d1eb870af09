"""Values that depend on no data: Constant, ConstantOfShape and Range."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING

from ..errors import DataDependentError, InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.const import MAX_INLINE, Const
from ..ir.dtype import F32, I64
from ..ir.expr import arg, cast
from ..ir.shape import numel
from ..ir.types import TensorType
from .base import Op, register
from .map import Map
from .movement import Iota, constant_ints, filled

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("Constant", since=1)
class Constant(Op):
    """A value written into the model, in one of several attributes."""

    value: Const | None = None
    value_float: float | None = None
    value_floats: tuple[float, ...] | None = None
    value_int: int | None = None
    value_ints: tuple[int, ...] | None = None
    value_string: str | None = None
    value_strings: tuple[str, ...] | None = None
    sparse_value: Const | None = None

    def infer(self) -> tuple[TensorType, ...]:
        """The value's type."""
        return (TensorType.of(self._const()),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The value."""
        return (self._const(),)

    def _const(self) -> Const:
        if self.value is not None:
            return self.value
        if self.value_float is not None:
            return Const.scalar(F32, self.value_float)
        if self.value_int is not None:
            return Const.scalar(I64, self.value_int)
        if self.value_floats is not None:
            return Const.of(F32, (len(self.value_floats),), self.value_floats)
        if self.value_ints is not None:
            return Const.of(I64, (len(self.value_ints),), self.value_ints)
        if self.sparse_value is not None:
            return self.sparse_value
        for name in ("value_string", "value_strings"):
            if getattr(self, name) is not None:
                raise UnsupportedOperatorError(f"attribute '{name}' is not supported")
        raise InvalidModelError("has no value")


@register("ConstantOfShape", since=9)
class ConstantOfShape(Op):
    """A tensor of the given shape with one value everywhere, by default a f32 zero."""

    value: Const | None = None

    def infer(self, shape: TensorType) -> tuple[TensorType, ...]:
        """The given shape."""
        dims = constant_ints(shape, "the shape")
        if any(d < 0 for d in dims):
            raise ShapeError(f"shape {dims} has negative sizes")
        return (TensorType(self._scalar().dtype, dims),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The repeated value, if it is small."""
        (shape,) = inputs
        if shape is None or numel(dims := shape.ints()) > MAX_INLINE or min(dims, default=0) < 0:
            return None
        value = self._scalar()
        assert isinstance(value.data, bytes)
        return (Const(value.dtype, dims, value.data * numel(dims)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A scalar, expanded."""
        (shape,) = inputs
        return (filled(g, self._scalar(), constant_ints(g.type(shape), "the shape")),)

    def _scalar(self) -> Const:
        if self.value is None:
            return Const.scalar(F32, 0.0)
        if numel(self.value.shape) != 1 or not self.value.is_inline:
            raise ShapeError(f"the value has {numel(self.value.shape)} elements instead of one")
        return self.value.reshaped(())


@register("Range", since=11)
class Range(Op):
    """start, start + delta, ... up to but without limit."""

    def infer(
        self, start: TensorType, limit: TensorType, delta: TensorType
    ) -> tuple[TensorType, ...]:
        """As many elements as there are steps; the operands must be known."""
        return (TensorType(start.dtype, (self._count(start, limit, delta),)),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The elements, if they are few."""
        start, limit, delta = (c.item() for c in inputs if c is not None)
        count = _steps(start, limit, delta)
        if count > MAX_INLINE:
            return None
        assert inputs[0] is not None
        return (Const.of(inputs[0].dtype, (count,), [start + i * delta for i in range(count)]),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """0, 1, 2, ... scaled and moved."""
        start, limit, delta = inputs
        first, last, step = g.type(start), g.type(limit), g.type(delta)
        dtype = first.dtype
        count = self._count(first, last, step)
        assert first.value is not None and step.value is not None
        index = cast(arg(0, I64), dtype)
        expr = index * step.value.item() + first.value.item()
        return (g.add(Map(expr=expr), g.add(Iota(count=count))),)

    def _count(self, start: TensorType, limit: TensorType, delta: TensorType) -> int:
        values = []
        for t in (start, limit, delta):
            if t.value is None:
                raise DataDependentError("the length depends on data computed at run time", t)
            values.append(t.value.item())
        return _steps(*values)


def _steps(start: float, limit: float, delta: float) -> int:
    if delta == 0:
        raise ShapeError("delta is 0")
    if isinstance(start, int) and isinstance(limit, int) and isinstance(delta, int):
        return max(0, -((start - limit) // delta))
    steps = (limit - start) / delta
    if not isfinite(steps):
        raise ShapeError(f"from {start} to {limit} by {delta} there is no number of steps")
    return max(0, ceil(steps))


@register("Range", since=27)
class Range27(Range):
    """Range; `stash_type` says in which precision narrow floats are computed."""

    stash_type: bool = True
