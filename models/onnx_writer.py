"""ONNX files written with the standard library: the few protobuf messages that an exporter needs.

Each function returns the encoded message; nest them as the schema does. Field numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. The same calls give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

FLOAT = 1  # TensorProto.DataType

Attribute = int | float | str | tuple[int, ...]


def node(
    op: str, inputs: Iterable[str], outputs: Iterable[str], name: str, **attributes: Attribute
) -> bytes:
    """A NodeProto of the default domain."""
    return (
        b"".join(_text(1, item) for item in inputs)
        + b"".join(_text(2, item) for item in outputs)
        + _text(3, name)
        + _text(4, op)
        + b"".join(_message(5, _attribute(key, value)) for key, value in attributes.items())
    )


def tensor(name: str, shape: Iterable[int], raw: bytes, dtype: int = FLOAT) -> bytes:
    """A TensorProto whose elements are the little-endian bytes `raw`."""
    dims = b"".join(_integer(1, size) for size in shape)
    return dims + _integer(2, dtype) + _text(8, name) + _message(9, raw)


def value(name: str, shape: Iterable[int | str], dtype: int = FLOAT) -> bytes:
    """A ValueInfoProto of a tensor; a string in `shape` is a symbolic size."""
    dims = b"".join(
        _message(1, _text(2, size) if isinstance(size, str) else _integer(1, size))
        for size in shape
    )
    tensor_type = _integer(1, dtype) + _message(2, dims)
    return _text(1, name) + _message(2, _message(1, tensor_type))


def graph(
    name: str,
    nodes: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
    initializers: Iterable[bytes],
) -> bytes:
    """A GraphProto; the initializers come last, so that the file's head holds the structure."""
    return (
        b"".join(_message(1, item) for item in nodes)
        + _text(2, name)
        + b"".join(_message(11, item) for item in inputs)
        + b"".join(_message(12, item) for item in outputs)
        + b"".join(_message(5, item) for item in initializers)
    )


def model(
    graph: bytes, *, opset: int, ir_version: int, producer: str, doc: str, metadata: dict[str, str]
) -> bytes:
    """A ModelProto: the bytes of an .onnx file."""
    return (
        _integer(1, ir_version)
        + _text(2, producer)
        + _text(6, doc)
        + _message(8, _text(1, "") + _integer(2, opset))
        + b"".join(_message(14, _text(1, key) + _text(2, text)) for key, text in metadata.items())
        + _message(7, graph)
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _integer(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _integer(3, value) + _integer(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _integer(20, 3)
    return _text(1, name) + b"".join(_integer(8, item) for item in value) + _integer(20, 7)


def _varint(number: int) -> bytes:
    number &= 2**64 - 1  # Negative int64 travel as ten bytes of two's complement.
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _integer(field: int, number: int) -> bytes:
    return _key(field, 0) + _varint(number)


def _message(field: int, payload: bytes) -> bytes:
    return _key(field, 2) + _varint(len(payload)) + payload


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
