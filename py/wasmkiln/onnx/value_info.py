"""Turns the declared inputs and outputs of a graph into types, with symbols for unknown sizes."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.dtype import F32
from ..ir.shape import Dim, Sym
from ..ir.types import InputType
from .proto import TypeProto, ValueInfoProto
from .tensor import MAX_DIM, MAX_RANK, element_type

__all__ = ["declared_types"]

# What exporters write for a size that they don't know; two of them need not be equal.
_UNKNOWN = frozenset({"", "?", "-1", "*", "None", -1})

_CONTAINERS = {"sequence": "seq", "optional": "optional", "map": "map"}
MAX_NESTING = 8


def declared_types(
    infos: Iterable[ValueInfoProto], what: str, is_inner: bool = False
) -> dict[str, InputType]:
    """Types by name. `what` ("input") names an entry in errors.

    is_inner: whether the graph stands inside another, where types may be left out.
    """
    infos = tuple(infos)
    taken = {d for info in infos for d in info.type.dims or () if isinstance(d, str)}
    out: dict[str, InputType] = {}
    for info in infos:
        if not info.name:
            raise InvalidModelError(f"the model has an {what} without a name")
        if info.name in out:
            raise InvalidModelError(f"two {what}s are named '{info.name}'")
        out[info.name] = _declared_type(info, f"{what} '{info.name}'", taken, is_inner)
    return out


def _declared_type(info: ValueInfoProto, what: str, taken: set[str], is_inner: bool) -> InputType:
    if not info.type.kind:
        if is_inner:  # it is typed by the values that it is given; the dtype here stands for any
            return InputType(F32, None)
        raise InvalidModelError(f"{what} has no type")
    kind = info.type
    wrap: list[str] = []
    while kind.kind in _CONTAINERS and len(wrap) < MAX_NESTING:
        wrap.append(_wrapping(kind, what))
        kind = kind.element or TypeProto()
    if not kind.kind:
        raise InvalidModelError(f"{what} is a {info.type.kind} of no type")
    if kind.kind != "tensor":
        title = kind.kind.replace("_", " ")
        raise UnsupportedOperatorError(f"{what} is a {title}, which is not supported")
    dtype = element_type(kind.elem_type, what)
    dims = kind.dims
    if dims is None:
        return InputType(dtype, None, tuple(wrap))
    if len(dims) > MAX_RANK:
        raise InvalidModelError(f"{what} has rank {len(dims)}, over {MAX_RANK}")
    shape = tuple(_dim(dim, f"{info.name}_{axis}", what, taken) for axis, dim in enumerate(dims))
    return InputType(dtype, shape, tuple(wrap))


def _wrapping(kind: TypeProto, what: str) -> str:
    if kind.kind != "map":
        return _CONTAINERS[kind.kind]
    return f"map({element_type(kind.key_type, what).full})"


def _dim(dim: int | str | None, fresh: str, what: str, taken: set[str]) -> Dim:
    if isinstance(dim, int) and dim not in _UNKNOWN:
        if not 0 <= dim < MAX_DIM:
            raise InvalidModelError(f"{what} has the dimension {dim}")
        return dim
    if isinstance(dim, str) and dim not in _UNKNOWN:
        return Sym(dim)
    written = dim if isinstance(dim, str) else ""
    while fresh in taken:
        fresh += "_"
    taken.add(fresh)
    return Sym(fresh, written)
