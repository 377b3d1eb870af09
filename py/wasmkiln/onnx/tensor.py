"""Turns a TensorProto into a constant: small ones are read, large ones stay where they are."""

from __future__ import annotations

from math import lcm, prod
from struct import pack

from ..errors import ExternalDataError, InvalidModelError, UnsupportedOperatorError, WasmkilnError
from ..ir.const import MAX_INLINE, Const, Span
from ..ir.dtype import BY_ONNX, I64, STRING, DType
from ..ir.shape import show
from .external import Files, parse_location
from .proto import Payload, SparseTensorProto, TensorProto
from .wire import varints

__all__ = ["element_type", "stored", "to_const", "to_dense"]

MAX_RANK = 64
MAX_DIM = 1 << 31  # exclusive: sizes are i32 in Wasm
MAX_DENSE = 1 << 20  # elements of a sparse tensor that we write out

# Names and bits by number in TensorProto.DataType.
ELEMENT_TYPES = {
    1: ("FLOAT", 32), 2: ("UINT8", 8), 3: ("INT8", 8), 4: ("UINT16", 16), 5: ("INT16", 16),
    6: ("INT32", 32), 7: ("INT64", 64), 8: ("STRING", 0), 9: ("BOOL", 8), 10: ("FLOAT16", 16),
    11: ("DOUBLE", 64), 12: ("UINT32", 32), 13: ("UINT64", 64), 14: ("COMPLEX64", 64),
    15: ("COMPLEX128", 128), 16: ("BFLOAT16", 16), 17: ("FLOAT8E4M3FN", 8),
    18: ("FLOAT8E4M3FNUZ", 8), 19: ("FLOAT8E5M2", 8), 20: ("FLOAT8E5M2FNUZ", 8),
    21: ("UINT4", 4), 22: ("INT4", 4), 23: ("FLOAT4E2M1", 4), 24: ("FLOAT8E8M0", 8),
    25: ("UINT2", 2), 26: ("INT2", 2), 27: ("FLOAT6E2M3", 6), 28: ("FLOAT6E3M2", 6),
}  # fmt: skip

_BOOL = 9

# Which data fields may hold an element type, besides raw_data.
_TYPED_FIELDS = {
    1: "float_data",
    14: "float_data",
    11: "double_data",
    15: "double_data",
    7: "int64_data",
    12: "uint64_data",
    13: "uint64_data",
}


def element_type(number: int, what: str) -> DType:
    """Our dtype for a TensorProto.DataType; an error naming `what` where there is none."""
    dtype = BY_ONNX.get(number)
    if dtype is None:
        raise InvalidModelError(f"{what} has the unknown element type {number}")
    return dtype


def to_const(tensor: TensorProto, files: Files, what: str = "") -> Const:
    """The constant that a tensor holds; `what` names it in errors."""
    what = what or f"tensor '{tensor.name}'"
    dtype = element_type(tensor.data_type, what)
    if dtype == STRING:
        return _strings(tensor, what)
    data = stored(tensor, files, what)
    bits = ELEMENT_TYPES[tensor.data_type][1]
    if bits < 8:
        data = _unpacked(data, bits, prod(tensor.dims), files, what)
    return Const(dtype, tensor.dims, data)


def _strings(tensor: TensorProto, what: str) -> Const:
    count = _count(tensor.dims, what)
    if tensor.external is not None or tensor.field not in ("", "string_data"):
        raise InvalidModelError(f"{what} holds strings, which must be in string_data")
    if len(tensor.loose) != count:
        raise InvalidModelError(
            f"{what} is STRING{show(tensor.dims)}, but {len(tensor.loose)} strings are there"
        )
    try:
        texts = [item.decode() for item in tensor.loose if isinstance(item, bytes)]
    except UnicodeDecodeError as error:
        raise InvalidModelError(f"{what} holds a string that is not UTF-8: {error}") from None
    return Const.strings(tensor.dims, texts)


def _unpacked(data: Span | bytes, bits: int, count: int, files: Files, what: str) -> bytes:
    """Elements of less than a byte in a byte each, the first from the lowest bits."""
    if count > MAX_DENSE:
        raise UnsupportedOperatorError(f"{what} of {count} packed elements is not supported")
    if isinstance(data, Span):
        data = files.sources[data.file].read(data.offset, data.nbytes)
    group = lcm(bits, 8) // 8  # bytes that hold whole elements
    each, mask = 8 * group // bits, (1 << bits) - 1
    starts = range(0, len(data), group)
    words = [int.from_bytes(data[at : at + group], "little") for at in starts]
    out = bytearray(len(words) * each)
    for k in range(each):
        out[k::each] = bytes([word >> k * bits & mask for word in words])
    return bytes(out[:count])


def _packed_sixes(values: list[int]) -> bytes:
    """Elements of 6 bits, of which int32_data has one an entry, as raw_data packs them."""
    out = bytearray()
    for at in range(0, len(values), 4):
        group = values[at : at + 4]
        word = sum((value & 0x3F) << 6 * k for k, value in enumerate(group))
        out += word.to_bytes((6 * len(group) + 7) // 8, "little")
    return bytes(out)


def stored(tensor: TensorProto, files: Files, what: str) -> Span | bytes:
    """The tensor's little-endian bytes as raw_data would hold them, or where they lie.

    Sub-byte elements are packed, the first in the lowest bits. Everything is checked: the element
    type, dims, and that there are exactly as many bytes as the dims ask for.
    """
    name, bits = ELEMENT_TYPES.get(tensor.data_type, ("", 0))
    if not bits:
        problem = "holds strings" if name else f"has unknown element type {tensor.data_type}"
        raise InvalidModelError(f"{what} {problem}, which have no bytes")
    count = _count(tensor.dims, what)
    nbytes = (count * bits + 7) // 8
    try:
        data = _find(tensor, files, bits, nbytes)
    except WasmkilnError as error:
        raise type(error)(f"{what}: {error}") from None
    has = len(data) if isinstance(data, bytes) else data.nbytes
    if has != nbytes:
        raise InvalidModelError(
            f"{what} is {name}{show(tensor.dims)}, which takes {nbytes} bytes, but it has {has}"
        )
    if isinstance(data, Span) and count <= MAX_INLINE:
        data = files.sources[data.file].read(data.offset, data.nbytes)
    if tensor.data_type == _BOOL and isinstance(data, bytes):
        data = bytes(map(bool, data))  # a true may be any byte but 0 in a file, only 1 in memory
    return data


def _count(dims: tuple[int, ...], what: str) -> int:
    if len(dims) > MAX_RANK:
        raise InvalidModelError(f"{what} has rank {len(dims)}, over {MAX_RANK}")
    for dim in dims:
        if not 0 <= dim < MAX_DIM:
            raise InvalidModelError(f"{what} has the dimension {dim}")
    return prod(dims)


def _find(tensor: TensorProto, files: Files, bits: int, nbytes: int) -> Span | bytes:
    """The bytes of whichever field holds them."""
    if tensor.external is not None:
        return _external(tensor, files, nbytes)
    wanted = _TYPED_FIELDS.get(tensor.data_type, "int32_data")
    if tensor.field not in ("", "raw_data", wanted):
        name = ELEMENT_TYPES[tensor.data_type][0]
        raise InvalidModelError(f"{name} elements cannot be in {tensor.field}")
    if tensor.loose and tensor.payloads:
        raise InvalidModelError(f"{tensor.field} is packed in part only")
    if tensor.field in ("int32_data", "int64_data", "uint64_data"):
        values = _integers(tensor, files)
        return _packed_sixes(values) if bits == 6 else _narrow(values, max(bits // 8, 1))
    if tensor.loose:
        return b"".join(item for item in tensor.loose if isinstance(item, bytes))
    if len(tensor.payloads) == 1:
        payload = tensor.payloads[0]
        few = payload.nbytes <= MAX_INLINE * bits // 8
        return payload.data if payload.data and few else Span(0, payload.offset, payload.nbytes)
    return b"".join(_read(payload, files) for payload in tensor.payloads)


def _external(tensor: TensorProto, files: Files, nbytes: int) -> Span:
    location, offset, length = parse_location(tensor.external or ())
    if tensor.field:
        raise InvalidModelError(f"it has both external data in '{location}' and {tensor.field}")
    file = files.index(location)
    size = files.sources[file].size
    end = offset + (nbytes if length is None else length)
    if end > size:
        raise ExternalDataError(f"its data end at byte {end} of '{location}', which has {size}")
    return Span(file, offset, end - offset)


def _read(payload: Payload, files: Files) -> bytes:
    if payload.data is not None:
        return payload.data
    return files.sources[0].read(payload.offset, payload.nbytes)


def _integers(tensor: TensorProto, files: Files) -> list[int]:
    if tensor.loose:
        return [item for item in tensor.loose if isinstance(item, int)]
    out: list[int] = []
    for payload in tensor.payloads:
        try:
            out += varints(_read(payload, files))
        except ValueError as error:
            raise InvalidModelError(f"{tensor.field} {error}") from None
    return out


def _narrow(values: list[int], itemsize: int) -> bytes:
    """The low bytes of 64-bit integers."""
    wide = pack(f"<{len(values)}Q", *values)
    if itemsize == 8:
        return wide
    out = bytearray(len(values) * itemsize)
    for k in range(itemsize):
        out[k::itemsize] = wide[k::8]
    return bytes(out)


def to_dense(sparse: SparseTensorProto, files: Files) -> Const:
    """The dense constant of a sparse tensor; UnsupportedOperatorError if that is large."""
    what = f"sparse tensor '{sparse.values.name}'"
    count = _count(sparse.dims, what)
    if count > MAX_DENSE:
        raise UnsupportedOperatorError(
            f"{what} of shape {show(sparse.dims)} is not supported: over {MAX_DENSE} elements"
        )
    values = to_const(sparse.values, files, f"{what}, values")
    where = to_const(sparse.indices, files, f"{what}, indices")
    rank, nnz = len(sparse.dims), prod(values.shape)
    fits = where.dtype == I64 and where.shape in ((nnz,), (nnz, rank)) and rank > 0
    if not fits or nnz > count:
        raise InvalidModelError(
            f"{what} has {nnz} values, and indices of {where.dtype}{show(where.shape)}"
        )
    size = values.dtype.itemsize
    data = _all_bytes(values, files)
    out = bytearray(count * size)
    for k, at in enumerate(_linear(where, sparse.dims, files, what)):
        out[at * size : (at + 1) * size] = data[k * size : (k + 1) * size]
    return Const(values.dtype, sparse.dims, bytes(out))


def _linear(where: Const, dims: tuple[int, ...], files: Files, what: str) -> list[int]:
    """Linear positions of sparse elements, each checked to be inside."""
    flat = Const(where.dtype, where.shape, _all_bytes(where, files)).ints()
    if len(where.shape) == 1:
        dims = (prod(dims),)
    rank = len(dims)
    out: list[int] = []
    for k in range(0, len(flat), rank):
        at = 0
        for index, dim in zip(flat[k : k + rank], dims, strict=True):
            if not 0 <= index < dim:
                raise InvalidModelError(f"{what} has an index {index} outside {show(dims)}")
            at = at * dim + index
        out.append(at)
    return out


def _all_bytes(const: Const, files: Files) -> bytes:
    data = const.data
    if isinstance(data, bytes):
        return data
    assert isinstance(data, Span)
    return files.sources[data.file].read(data.offset, data.nbytes)
