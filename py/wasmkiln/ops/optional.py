"""Optionals: one that has an element is that element, one without is NOTHING."""

from __future__ import annotations

from ..errors import InvalidInputError
from ..ir.const import Const
from ..ir.dtype import BOOL
from ..ir.types import TensorType
from ..ir.value import NOTHING, Nothing, Value
from .base import register
from .hosted import HostOp, on_host

__all__: list[str] = []


@register("Optional", since=15)
class Optional(HostOp):
    """The input as an optional; one without element if there is no input.

    type: the element's type, which values carry themselves.
    """

    type: object = None

    def infer(self, x: TensorType | None = None) -> tuple[TensorType, ...]:
        """Refuses: an optional has no type."""
        on_host()

    def evaluate(self, x: Value | None = None) -> tuple[Value, ...]:
        """The input."""
        return (NOTHING if x is None else x,)


@register("OptionalHasElement", since=15)
class OptionalHasElement(HostOp):
    """Whether there is an element; what is no optional is one, what is absent is none."""

    def infer(self, x: TensorType | None = None) -> tuple[TensorType, ...]:
        """A scalar."""
        return (TensorType(BOOL, ()),)

    def evaluate(self, x: Value | None = None) -> tuple[Value, ...]:
        """A bool."""
        return (Const.scalar(BOOL, not (x is None or isinstance(x, Nothing))),)


@register("OptionalGetElement", since=15)
class OptionalGetElement(HostOp):
    """The element of an optional; what is no optional comes out as it is."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Refuses: a run decides whether there is an element."""
        on_host()

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """The element."""
        if isinstance(x, Nothing):
            raise InvalidInputError("the optional has no element")
        return (x,)
