"""Trim, by which results whose size the data decide leave linear memory."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from ..errors import DataDependentError
from ..ir.const import Const
from ..ir.dtype import STRING
from ..ir.types import TensorType
from .base import INTERNAL, Op, register

__all__ = ["Trim"]


@register("Trim", domain=INTERNAL)
class Trim(Op):
    """The first `count` rows of a buffer that was made as large as the result can get."""

    on_host: ClassVar[bool] = True

    def infer(self, padded: TensorType, count: TensorType) -> tuple[TensorType, ...]:
        """Known only once the count is."""
        if count.value is None:
            raise DataDependentError("the number of results depends on the data", count)
        return (TensorType(padded.dtype, (int(count.value.item()), *padded.shape[1:])),)

    def evaluate(self, padded: Const, count: Const) -> tuple[Const, ...]:
        """A prefix of the bytes."""
        shape = (int(count.item()), *padded.shape[1:])
        if padded.dtype == STRING:
            return (Const.strings(shape, padded.texts()[: prod(shape)]),)
        assert isinstance(padded.data, bytes)
        return (Const(padded.dtype, shape, padded.data[: prod(shape) * padded.dtype.itemsize]),)
