"""Values outside linear memory: what goes in and out of a model, and what host operators take.

A tensor is a `Const`. An optional that has an element is that element.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..record import record
from .const import Const, Scalar

__all__ = ["NOTHING", "MapValue", "Nothing", "SequenceValue", "Value"]


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
