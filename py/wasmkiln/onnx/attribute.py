"""Turns a node's attributes into the Python values that operators take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidModelError
from ..ir.const import Const, Span
from ..ir.graph import Graph
from ..ops.base import Op
from .external import Files
from .proto import (
    AttributeItem,
    AttributeProto,
    GraphProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
)
from .tensor import to_const, to_dense

__all__ = ["attribute_values", "check_types"]

# By annotation of an operator's field: does a value fit, and what the model should have given.
_FITS: dict[str, tuple[Callable[[object], bool], str]] = {
    "int": (lambda v: type(v) is int, "an integer"),
    "bool": (lambda v: type(v) is int, "an integer"),
    "float": (lambda v: type(v) is float, "a float"),
    "str": (lambda v: type(v) is str, "a string"),
    "Const": (lambda v: isinstance(v, Const), "a tensor"),
    "Graph": (lambda v: isinstance(v, Graph), "a graph"),
    "tuple[int, ...]": (lambda v: _are(v, int), "integers"),
    "tuple[float, ...]": (lambda v: _are(v, float), "floats"),
    "tuple[str, ...]": (lambda v: _are(v, str), "strings"),
    "None": (lambda v: False, ""),
}


def attribute_values(
    node: NodeProto, files: Files, graph: Callable[[GraphProto], Graph]
) -> dict[str, Any]:
    """Values by name: numbers, str, Const, Graph, TypeProto, and tuples of them.

    A string that isn't UTF-8 stays bytes. `graph` builds a subgraph.
    """
    out: dict[str, Any] = {}
    for attribute in node.attributes:
        if attribute.name in out:
            raise InvalidModelError(f"attribute '{attribute.name}' is given twice")
        value = attribute.value
        if value is None:
            raise InvalidModelError(
                f"attribute '{attribute.name}' refers to '{attribute.ref_name}' of a function,"
                " but stands in none"
            )
        if isinstance(value, tuple) and value and type(value[0]) in (int, float):
            out[attribute.name] = value
        elif isinstance(value, tuple):
            out[attribute.name] = tuple([_item(item, attribute, files, graph) for item in value])
        else:
            out[attribute.name] = _item(value, attribute, files, graph)
    if node.domain == "ai.onnx.ml":  # whose tensors are trees and keys, read while compiling
        out = {name: _at_hand(value, files) for name, value in out.items()}
    return out


def _at_hand(value: Any, files: Files) -> Any:
    """A constant with its bytes; anything else as it is."""
    if not isinstance(value, Const) or not isinstance(span := value.data, Span):
        return value
    data = files.sources[span.file].read(span.offset, span.nbytes)
    return Const(value.dtype, value.shape, data)


def _item(
    item: AttributeItem,
    attribute: AttributeProto,
    files: Files,
    graph: Callable[[GraphProto], Graph],
) -> Any:
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError:
            return item
    if isinstance(item, TensorProto):
        return to_const(item, files, f"attribute '{attribute.name}'")
    if isinstance(item, SparseTensorProto):
        return to_dense(item, files)
    if isinstance(item, GraphProto):
        return graph(item)
    return item


def check_types(op: type[Op], values: Mapping[str, Any]) -> None:
    """InvalidModelError where an attribute is of another type than the operator's field."""
    for name, value in values.items():
        annotation = next((a[name] for c in op.__mro__ if name in (a := _annotations(c))), "")
        kinds = [_FITS.get(part.strip()) for part in annotation.split("|")]
        known = [kind for kind in kinds if kind is not None]
        if len(known) == len(kinds) and not any(fits(value) for fits, _ in known):
            wanted = " or ".join(filter(None, (what for _, what in known)))
            raise InvalidModelError(f"attribute '{name}' must be {wanted}, and is {value!r:.80}")


def _annotations(cls: type) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(cls, "__annotations__", {})
    return found


def _are(value: object, kind: type) -> bool:
    return isinstance(value, tuple) and all(type(item) is kind for item in value)
