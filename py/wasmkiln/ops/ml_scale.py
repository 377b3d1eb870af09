"""Scaler, Normalizer, Imputer and Binarizer: elementwise work on rows of features."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, F64, I32, I64, DType
from ..ir.expr import arg, call, const, select
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, cast_to
from .reduce import Reduce
from .scores import check_choice, row_count

DOMAIN = "ai.onnx.ml"


def _per_feature(g: GraphBuilder, name: str, values: Sequence[float], dtype: DType, x: str) -> str:
    """One value for all features, or one for each."""
    features = g.shape(x)[-1]
    if len(values) not in (1, features):
        raise InvalidModelError(f"{len(values)} values in {name} for {features} features")
    return g.const(Const.of(dtype, (len(values),), values), name)


@register("Scaler", since=1, domain=DOMAIN)
class Scaler(Op):
    """(x - offset) * scale, of f32."""

    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape."""
        row_count(x)
        if not self.scale or len(self.scale) != len(self.offset):
            raise InvalidModelError(f"{len(self.scale)} scales and {len(self.offset)} offsets")
        return (TensorType(F32, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """One map; doubles are scaled as such."""
        dtype = F64 if g.type(inputs[0]).dtype == F64 else F32
        x = cast_to(g, inputs[0], dtype)
        offset = _per_feature(g, "offset", self.offset, dtype, x)
        scale = _per_feature(g, "scale", self.scale, dtype, x)
        y = (arg(0, dtype) - arg(1, dtype)) * arg(2, dtype)
        return (cast_to(g, apply(g, y, x, offset, scale), F32),)


@register("Normalizer", since=1, domain=DOMAIN)
class Normalizer(Op):
    """Each row by its norm, unless that is 0; of f32."""

    norm: str = "MAX"

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape."""
        check_choice("norm", self.norm, ("MAX", "L1", "L2"))
        row_count(x)
        return (TensorType(F32, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A reduction and a map."""
        x = cast_to(g, inputs[0], F32)
        axes, e, norm = (len(g.shape(x)) - 1,), arg(0), arg(1)
        share = e / norm
        if self.norm == "MAX":  # of the elements, not of their sizes, as in onnxruntime
            whole = g.add(Reduce(axes=axes, fold="max"), x)
        elif self.norm == "L1":
            whole = g.add(Reduce(axes=axes, fold="sum", pre=call("abs", e)), x)
        else:
            whole = g.add(Reduce(axes=axes, fold="sum", pre=e * e), x)
            size = call("sqrt", e * e / norm)
            share = select(e < 0, -size, size)
        return (apply(g, select(call("eq", norm, 0.0), e, share), x, whole),)


@register("Imputer", since=1, domain=DOMAIN)
class Imputer(Op):
    """What equals a value (NaN equals NaN) is replaced, by one value or one for each feature."""

    imputed_value_floats: tuple[float, ...] = ()
    imputed_value_int64s: tuple[int, ...] = ()
    replaced_value_float: float = 0.0
    replaced_value_int64: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        row_count(x)
        values = self.imputed_value_floats if x.dtype.is_float else self.imputed_value_int64s
        if not values:
            raise InvalidModelError(f"nothing to impute is given for {x}")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """One map."""
        (x,) = inputs
        dtype = g.type(x).dtype
        e, value = arg(0, dtype), arg(1, dtype)
        replaced = self.replaced_value_float if dtype.is_float else self.replaced_value_int64
        missing = call("ne", e, e) if isnan(replaced) else call("eq", e, const(replaced, dtype))
        values = self.imputed_value_floats if dtype.is_float else self.imputed_value_int64s
        table = _per_feature(g, "imputed_values", values, dtype, x)
        return (apply(g, select(missing, value, e), x, table),)


@register("Binarizer", since=1, domain=DOMAIN)
class Binarizer(Op):
    """1 where x is greater than the threshold, else 0; of the input's dtype."""

    threshold: float = 0.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's type."""
        if x.dtype not in (F32, F64, I32, I64):
            raise UnsupportedOperatorError(f"the input is {x}, numbers are expected")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """One map."""
        dtype = g.type(inputs[0]).dtype
        wide = dtype if dtype.is_float else F64
        over = arg(0, wide) > self.threshold
        bits = select(over, const(1, dtype), const(0, dtype))
        return (apply(g, bits, cast_to(g, inputs[0], wide)),)
