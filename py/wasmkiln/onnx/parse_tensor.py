"""Reads the leaf messages of a model: tensors, types and string pairs. No weights are read."""

from __future__ import annotations

from ..errors import InvalidModelError
from .proto import (
    Payload,
    SparseTensorProto,
    StringStringEntry,
    TensorProto,
    TypeProto,
    ValueInfoProto,
)
from .wire import BYTES, FIXED32, FIXED64, VARINT, Field, Wire

__all__ = ["read_entry", "read_sparse_tensor", "read_tensor", "read_type", "read_value_info"]

# Payloads up to this size are taken along from the window: 1,024 elements of 8 bytes.
MAX_TAKEN = 8192

# Data fields by number: the name, and the wire type of an element that is not packed.
_DATA_FIELDS = {
    4: ("float_data", FIXED32),
    5: ("int32_data", VARINT),
    6: ("string_data", BYTES),
    7: ("int64_data", VARINT),
    9: ("raw_data", BYTES),
    10: ("double_data", FIXED64),
    11: ("uint64_data", VARINT),
}

_EXTERNAL = 1  # TensorProto.DataLocation


def read_tensor(wire: Wire, field: Field) -> TensorProto:
    """A TensorProto, its data left where they are."""
    name = ""
    data_type = location = 0
    dims: list[int] = []
    payloads: list[Payload] = []
    loose: list[int | bytes] = []
    pairs: list[StringStringEntry] = []
    data: set[str] = set()
    for f in wire.message("TensorProto", field):
        match f[0]:
            case 1:
                dims.extend(wire.integers(f))
            case 2:
                data_type = wire.integer(f)
            case 4 | 5 | 6 | 7 | 9 | 10 | 11:
                _read_data(wire, f, payloads, loose, data)
            case 8:
                name = wire.text(f)
            case 13:
                pairs.append(read_entry(wire, f))
            case 14:
                location = wire.integer(f)
    if len(data) > 1:
        raise InvalidModelError(f"tensor '{name}' holds both {' and '.join(sorted(data))}")
    external = tuple(pairs) if location == _EXTERNAL else None
    kind = data.pop() if data else ""
    return TensorProto(name, tuple(dims), data_type, kind, tuple(payloads), tuple(loose), external)


def _read_data(
    wire: Wire, f: Field, payloads: list[Payload], loose: list[int | bytes], data: set[str]
) -> None:
    """Append the elements of one data field to `payloads` or `loose`, and its name to `data`."""
    name, kind = _DATA_FIELDS[f[0]]
    if name == "string_data":
        loose.append(wire.blob(f))
    elif f[1] == VARINT == kind:
        loose.append(f[2])
    elif f[1] == kind and kind != BYTES:
        loose.append(wire.read(f[2], f[3] - f[2]))
    else:
        offset, nbytes = wire.span(f)
        if not nbytes:
            return
        taken = wire.read(offset, nbytes) if nbytes <= MAX_TAKEN else None
        payloads.append(Payload(offset, nbytes, taken))
    data.add(name)


def read_sparse_tensor(wire: Wire, field: Field) -> SparseTensorProto:
    """A SparseTensorProto."""
    values = indices = TensorProto("", (0,), 0)
    dims: list[int] = []
    for f in wire.message("SparseTensorProto", field):
        match f[0]:
            case 1:
                values = read_tensor(wire, f)
            case 2:
                indices = read_tensor(wire, f)
            case 3:
                dims.extend(wire.integers(f))
    return SparseTensorProto(values, indices, tuple(dims))


def read_entry(wire: Wire, field: Field) -> StringStringEntry:
    """A StringStringEntryProto."""
    key = value = ""
    for f in wire.message("StringStringEntryProto", field):
        match f[0]:
            case 1:
                key = wire.text(f)
            case 2:
                value = wire.text(f)
    return StringStringEntry(key, value)


def read_value_info(wire: Wire, field: Field) -> ValueInfoProto:
    """A ValueInfoProto."""
    name = ""
    kind = TypeProto()
    for f in wire.message("ValueInfoProto", field):
        match f[0]:
            case 1:
                name = wire.text(f)
            case 2:
                kind = read_type(wire, f)
    return ValueInfoProto(name, kind)


def read_type(wire: Wire, field: Field) -> TypeProto:
    """A TypeProto, with the types inside it."""
    out = TypeProto()
    for f in wire.message("TypeProto", field):
        match f[0]:
            case 1:
                out = _read_tensor_type(wire, f, "tensor")
            case 4:
                out = _read_container_type(wire, f, "sequence")
            case 5:
                out = _read_container_type(wire, f, "map")
            case 7:
                out = TypeProto("opaque")
            case 8:
                out = _read_tensor_type(wire, f, "sparse_tensor")
            case 9:
                out = _read_container_type(wire, f, "optional")
    return out


def _read_tensor_type(wire: Wire, field: Field, kind: str) -> TypeProto:
    elem_type = 0
    dims: tuple[int | str | None, ...] | None = None
    for f in wire.message("TypeProto.Tensor", field):
        match f[0]:
            case 1:
                elem_type = wire.integer(f)
            case 2:
                shape = wire.message("TensorShapeProto", f)
                dims = tuple([_read_dim(wire, d) for d in shape if d[0] == 1])
    return TypeProto(kind, elem_type, dims)


def _read_dim(wire: Wire, field: Field) -> int | str | None:
    dim: int | str | None = None
    for f in wire.message("TensorShapeProto.Dimension", field):
        match f[0]:
            case 1:
                dim = wire.integer(f)
            case 2:
                dim = wire.text(f) or None
    return dim


def _read_container_type(wire: Wire, field: Field, kind: str) -> TypeProto:
    """A Sequence, Optional (elem_type = 1) or Map (key_type = 1, value_type = 2)."""
    key_type = 0
    element: TypeProto | None = None
    for f in wire.message("TypeProto." + kind.capitalize(), field):
        if f[0] == 1 and kind == "map":
            key_type = wire.integer(f)
        elif f[0] == (2 if kind == "map" else 1):
            element = read_type(wire, f)
    return TypeProto(kind, element=element, key_type=key_type)
