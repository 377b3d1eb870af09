"""Values outside linear memory: what goes in and out of a model, and what host operators take.

A tensor is a `Const`. An optional that has an element is that element.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..record import record
from .const import Const, Scalar
from .shape import show

__all__ = ["NOTHING", "MapValue", "Nothing", "SequenceValue", "Value", "describe_value"]


@record
class Nothing:
    """An optional without an element."""


NOTHING = Nothing()


@record
class SequenceValue:
    """A list of values of one kind: tensors as a rule, or maps."""

    items: tuple[Value, ...]


@record
class MapValue:
    """ONNX's map: scalars or tensors by integer or string."""

    items: Mapping[int | str, Const | Scalar]


Value = Const | SequenceValue | MapValue | Nothing


def describe_value(value: Value) -> str:
    """A value's type: `f32[2,3]`, `seq of 4`, `map of 2`, `nothing`."""
    if isinstance(value, Const):
        return f"{value.dtype}{show(value.shape)}"
    if isinstance(value, SequenceValue):
        return f"seq of {len(value.items)}"
    if isinstance(value, MapValue):
        return f"map of {len(value.items)}"
    return "nothing"
