"""Types as onnxruntime writes them: `tensor(float)`, `seq(map(int64,tensor(float)))`."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.const import Const
from ..ir.dtype import F32, I64, STRING, DType
from ..ir.shape import Sym
from ..ir.types import InputType
from ..ir.value import MapValue, Nothing, SequenceValue, Value
from ..record import record

__all__ = ["NodeArg", "node_arg", "tensor_name", "type_name", "value_name"]

_NAMES = {"float32": "float", "float64": "double", "float4_e2m1fn": "float4e2m1"}


@record
class NodeArg:
    """An input or output: `type` is like `tensor(float)`.

    shape: sizes, names of symbolic dimensions, and None where the model says nothing. [] also
    where the rank is unknown, and for sequences and maps.
    """

    name: str
    type: str
    shape: list[int | str | None]


def node_arg(name: str, t: InputType) -> NodeArg:
    """How an input or output is described."""
    wrap = t.wrap
    dims = () if any(w != "optional" for w in wrap) else t.shape or ()
    return NodeArg(name, type_name(t), [_dim(d) if isinstance(d, Sym) else d for d in dims])


def _dim(d: Sym) -> str | None:
    return d.name if d.unknown is None else d.unknown or None


def tensor_name(dtype: DType) -> str:
    """The type of a tensor."""
    return f"tensor({_NAMES.get(dtype.full, dtype.full.replace('_', ''))})"


def type_name(t: InputType) -> str:
    """The type that a model declares."""
    return _wrapped(t.wrap, tensor_name(t.dtype))


def value_name(value: Value) -> str:
    """The type of a value, as far as it shows."""
    if isinstance(value, Const):
        return tensor_name(value.dtype)
    if isinstance(value, SequenceValue):
        return f"seq({value_name(value.items[0]) if value.items else ''})"
    if isinstance(value, Nothing):
        return "optional()"
    assert isinstance(value, MapValue)
    key, item = next(iter(value.items.items()), (0, 0.0))
    inner = value_name(item) if isinstance(item, Const) else tensor_name(_scalar_dtype(item))
    return f"map({'string' if isinstance(key, str) else 'int64'},{inner})"


def _scalar_dtype(item: object) -> DType:
    if isinstance(item, str):
        return STRING
    return F32 if isinstance(item, float) else I64


def _wrapped(wrap: Sequence[str], inner: str) -> str:
    for entry in reversed(wrap):
        inner = f"{entry[:-1]},{inner})" if entry.endswith(")") else f"{entry}({inner})"
    return inner
