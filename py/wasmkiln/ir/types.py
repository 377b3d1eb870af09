"""The type of a value: dtype, shape and, where it is known while compiling, the value itself."""

from __future__ import annotations

from ..record import record
from .const import MAX_INLINE, Const
from .dtype import DType
from .shape import Dim, Shape, Sym, numel, show

__all__ = ["MAX_RANK", "InputType", "TensorType"]

MAX_RANK = 64  # as NumPy's arrays; more than any model has


@record
class InputType:
    """A model's declared input or output; dims may be symbolic, the shape may be unknown.

    wrap: what the tensor lies in, outermost first: "seq", "optional", "map(int64)".
    """

    dtype: DType
    shape: tuple[Dim, ...] | None
    wrap: tuple[str, ...] = ()

    def __str__(self) -> str:
        inner = f"{self.dtype}{'[...]' if self.shape is None else show(self.shape)}"
        return "(".join((*self.wrap, inner)) + ")" * len(self.wrap)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbolic dimensions, in order."""
        return tuple(d.name for d in self.shape or () if isinstance(d, Sym))


@record
class TensorType:
    """dtype and concrete shape of a value; `value` is set where the elements are known inline."""

    dtype: DType
    shape: Shape
    value: Const | None = None

    @staticmethod
    def of(const: Const) -> TensorType:
        """The type of a constant, carrying its value when that is inline and small."""
        small = const.is_inline and numel(const.shape) <= MAX_INLINE
        return TensorType(const.dtype, const.shape, const if small else None)

    def __str__(self) -> str:
        return f"{self.dtype}{show(self.shape)}"

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return numel(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return numel(self.shape) * self.dtype.itemsize
