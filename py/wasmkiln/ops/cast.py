"""Conversions of dtype: Cast, CastLike and BitCast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, BY_NAME, BY_ONNX, F32, STRING, DType
from ..ir.expr import Expr, cast
from ..ir.types import TensorType
from .base import INTERNAL, Op, register
from .elementwise import Elementwise, truth
from .narrow import decoded, encoded, is_narrow

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Reinterpret", "convert", "dtype_of"]


def dtype_of(number: int) -> DType:
    """The numeric dtype of an attribute that holds a TensorProto.DataType."""
    dtype = BY_ONNX.get(number)
    if dtype is None or dtype == STRING or dtype.kind == "c":
        name = "strings" if dtype == STRING else f"data type {number}"
        raise UnsupportedOperatorError(f"conversion to {name} is not supported")
    return dtype


def convert(x: Expr, dtype: DType) -> Expr:
    """The value in another dtype as ONNX's Cast defines it: bool is whether it isn't zero."""
    if x.dtype == STRING:
        raise UnsupportedOperatorError("conversion of strings is not supported")
    return truth(x) if dtype == BOOL else cast(x, dtype)


@register("Cast", since=1)
class Cast1(Op):
    """x in the dtype `to`, given by its name in TensorProto."""

    to: str

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape of x."""
        return self._cast().infer(x)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The converted elements."""
        return self._cast().evaluate(*inputs)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """As that of a Cast."""
        return self._cast().parts(g, *inputs)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Cast."""
        return (g.add(self._cast(), *inputs),)

    def _cast(self) -> Cast:
        name = self.to.lower()
        dtype = BY_NAME.get({"float": "float32", "double": "float64"}.get(name, name))
        if dtype is None:
            raise UnsupportedOperatorError(f"conversion to '{self.to}' is not supported")
        return Cast(to=dtype.onnx)


@register("Cast", since=6)
class Cast(Elementwise):
    """x in the dtype `to`. Floats outside of an integer's range saturate."""

    takes_narrow = True
    to: int

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The shape of x."""
        (x,) = inputs
        if STRING in (x.dtype, BY_ONNX.get(self.to)):
            raise UnsupportedOperatorError("conversion of strings runs on the host")
        return super().infer(x)

    def expr(self, x: Expr) -> Expr:
        """A conversion."""
        return convert(x, dtype_of(self.to))

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The converted elements; narrow types are left to kernels, strings to the host."""
        (x,) = inputs
        if x is None or STRING in (x.dtype, BY_ONNX.get(self.to)):
            return None
        narrow = is_narrow(dtype_of(self.to)) or is_narrow(x.dtype)
        return None if narrow else super().evaluate(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Decodes and encodes narrow types."""
        (x,) = inputs
        own, to = g.type(x).dtype, dtype_of(self.to)
        if not is_narrow(own) and not is_narrow(to):
            return None
        if own == to:
            return (x,)
        x = decoded(g, x)
        if is_narrow(to):
            saturate, mode = getattr(self, "saturate", True), getattr(self, "round_mode", "up")
            return (encoded(g, x, to, saturate, mode),)
        return (x if to == F32 else g.add(Cast(to=self.to), x),)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A cast on the host, for strings."""
        return (g.add(_cast_strings(self.to), *inputs),)


def _cast_strings(to: int = 0) -> Op:
    from .cast_string import CastStrings  # few models have strings

    return CastStrings(to=to)


@register("Cast", since=19)
class Cast19(Cast):
    """Cast; `saturate` only matters for 8-bit floats, `round_mode` for powers of two."""

    saturate: bool = True
    round_mode: str = "up"


@register("CastLike", since=15)
class CastLike(Op):
    """x in the dtype of another tensor, whose elements and shape do not matter."""

    takes_narrow = True
    saturate: bool = True
    round_mode: str = "up"

    def infer(self, x: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        """The shape of x."""
        return Cast(to=like.dtype.onnx).infer(x)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A cast on the host, for strings."""
        return (g.add(_cast_strings(), *inputs),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Cast."""
        x, like = inputs
        to = g.type(like).dtype.onnx
        return (g.add(Cast19(to=to, saturate=self.saturate, round_mode=self.round_mode), x),)


@register("BitCast", since=26)
class BitCast(Op):
    """The bytes of x read as another dtype of equal size."""

    moves_only = True
    to: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape of x."""
        dtype = dtype_of(self.to)
        if dtype.itemsize != x.dtype.itemsize:
            raise ShapeError(f"{x.dtype} and {dtype} have different sizes")
        return (TensorType(dtype, x.shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The same bytes."""
        (x,) = inputs
        return (Const(dtype_of(self.to), x.shape, x.data),) if x else None

    def view(self, *inputs: TensorType | None) -> int | None:
        """The same memory."""
        return 0


@register("Reinterpret", domain=INTERNAL)
class Reinterpret(Op):
    """The memory of x under any dtype of equal size."""

    moves_only = True
    dtype: DType

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The shape of x."""
        return (TensorType(self.dtype, x.shape),)

    def view(self, *inputs: TensorType | None) -> int | None:
        """The same memory."""
        return 0
