"""Tensors into constants: every encoding of the schema against the onnx package's own reader."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln.errors import InvalidModelError, WasmkilnError
from wasmkiln.ir.const import MAX_INLINE, Const, Span
from wasmkiln.ir.dtype import BY_ONNX, F32, I64
from wasmkiln.onnx.external import Files
from wasmkiln.onnx.parse import read_model
from wasmkiln.onnx.proto import TensorProto as OurTensor
from wasmkiln.onnx.source import MemorySource
from wasmkiln.onnx.tensor import ELEMENT_TYPES, stored, to_const, to_dense

from tests.onnx.make import blob, integer, model, varint

TYPES = {name: number for number, (name, bits) in ELEMENT_TYPES.items() if bits}
PACKED = {number for number, (_, bits) in ELEMENT_TYPES.items() if 0 < bits < 8}


def read(tensor: onnx.TensorProto) -> tuple[OurTensor, Files]:
    """Our record of a tensor, and the files that it lies in."""
    data = model([], initializers=[tensor]).SerializeToString()
    source = MemorySource(data)
    return read_model(source).graph.initializers[0], Files(source)


def our_bytes(tensor: onnx.TensorProto) -> bytes:
    ours, files = read(tensor)
    data = stored(ours, files, "tensor 't'")
    return data if isinstance(data, bytes) else files.sources[0].read(data.offset, data.nbytes)


def const(tensor: onnx.TensorProto) -> Const:
    return to_const(*read(tensor))


def raw_of(tensor: onnx.TensorProto) -> bytes:
    """The bytes that raw_data holds for the same values, by the onnx package."""
    array = numpy_helper.to_array(tensor)
    return numpy_helper.from_array(array, "t").raw_data


def samples(number: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    dtype = helper.tensor_dtype_to_np_dtype(number)
    if number == TensorProto.BOOL:
        return rng.integers(0, 2, count).astype(bool)
    if np.issubdtype(dtype, np.integer) and dtype.itemsize >= 1 and dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, count, dtype=dtype, endpoint=True)
    if dtype.kind == "c":
        return (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(dtype)
    return rng.normal(size=count).astype(np.float32).astype(dtype)


@pytest.mark.parametrize("count", [0, 1, 7, 2000])
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("form", ["raw", "typed"])
def test_every_type_in_raw_and_typed_fields(name: str, form: str, count: int) -> None:
    number = TYPES[name]
    array = samples(number, count)
    if form == "raw":
        tensor = numpy_helper.from_array(array, "t")
        assert tensor.data_type == number
    else:
        tensor = helper.make_tensor("t", number, [count], array)
        assert not tensor.HasField("raw_data")
    assert our_bytes(tensor) == raw_of(tensor)


@pytest.mark.parametrize(
    "name", sorted(n for n, k in TYPES.items() if k in BY_ONNX and k not in PACKED)
)
def test_small_tensors_are_inline_and_large_ones_stay(name: str) -> None:
    number = TYPES[name]
    for count, inline in ((MAX_INLINE, True), (MAX_INLINE + 1, False)):
        array = samples(number, count)
        ours = const(numpy_helper.from_array(array, "t"))
        assert ours.dtype is BY_ONNX[number]
        assert ours.shape == (count,)
        assert ours.is_inline == inline
        assert ours.nbytes == array.nbytes


@pytest.mark.parametrize("name", sorted(n for n, k in TYPES.items() if k in PACKED))
@pytest.mark.parametrize("count", [0, 1, 5, MAX_INLINE + 1])
def test_packed_elements_get_a_byte_each(name: str, count: int) -> None:
    array = samples(TYPES[name], count)
    ours = const(numpy_helper.from_array(array, "t"))
    assert ours.data == array.tobytes()


def test_typed_little_endian_floats_stay_in_the_file_too() -> None:
    ours = const(helper.make_tensor("t", TensorProto.FLOAT, [5000], np.ones(5000)))
    assert isinstance(ours.data, Span)
    assert ours.data.nbytes == 20_000


@pytest.mark.parametrize("name", sorted(TYPES))
def test_elements_that_are_not_packed(name: str) -> None:
    number = TYPES[name]
    tensor = helper.make_tensor("t", number, [5], samples(number, 5))
    message = blob(8, b"t") + integer(1, 5) + integer(2, number)
    for item in tensor.float_data:
        message += b"\x25" + np.float32(item).tobytes()
    for item in tensor.double_data:
        message += b"\x51" + np.float64(item).tobytes()
    for field, items in ((5, tensor.int32_data), (7, tensor.int64_data), (11, tensor.uint64_data)):
        message += b"".join(integer(field, item % 2**64) for item in items)
    source = MemorySource(blob(7, blob(5, message)))
    ours = read_model(source).graph.initializers[0]
    assert ours.loose
    assert stored(ours, Files(source), "t") == raw_of(tensor)


def test_packed_data_in_several_pieces() -> None:
    one, two = np.float32([1, 2]).tobytes(), np.float32([3]).tobytes()
    message = integer(1, 3) + integer(2, 1) + blob(4, one) + blob(4, b"") + blob(4, two)
    source = MemorySource(blob(7, blob(5, message)))
    assert to_const(read_model(source).graph.initializers[0], Files(source)).values() == (1, 2, 3)


def test_packed_dims_are_read() -> None:
    message = blob(1, varint(2) + varint(3)) + integer(2, 3) + blob(9, bytes(6))
    source = MemorySource(blob(7, blob(5, message)))
    assert to_const(read_model(source).graph.initializers[0], Files(source)).shape == (2, 3)


def test_any_byte_but_zero_is_true() -> None:
    tensor = TensorProto(name="t", dims=[3], data_type=TensorProto.BOOL, raw_data=b"\x00\x02\xff")
    assert const(tensor).data == b"\x00\x01\x01"


def test_scalars_and_empty_tensors() -> None:
    assert const(numpy_helper.from_array(np.float32(2.5), "t")).values() == (2.5,)
    assert const(numpy_helper.from_array(np.zeros((3, 0), np.int64), "t")).values() == ()


def damaged(**fields: object) -> onnx.TensorProto:
    return TensorProto(**{"name": "w", "data_type": TensorProto.FLOAT, **fields})


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (damaged(dims=[2, 3], raw_data=bytes(20)),
         r"tensor 'w' is FLOAT\[2,3\], which takes 24 bytes, but it has 20"),
        (damaged(dims=[2], raw_data=bytes(5000)), "takes 8 bytes, but it has 5000"),
        (damaged(dims=[2, 3]), "takes 24 bytes, but it has 0"),
        (damaged(dims=[3], float_data=[1, 2]), "takes 12 bytes, but it has 8"),
        (damaged(dims=[3], data_type=7, int64_data=[1]), "takes 24 bytes, but it has 8"),
        (damaged(dims=[2, -3], raw_data=bytes(24)), "tensor 'w' has the dimension -3"),
        (damaged(dims=[2**31]), "tensor 'w' has the dimension 2147483648"),
        (damaged(dims=[2**31 - 1] * 5, raw_data=bytes(8)), r"takes \d{48} bytes, but it has 8"),
        (damaged(dims=[1] * 65, raw_data=bytes(4)), "tensor 'w' has rank 65, over 64"),
        (damaged(dims=[1], int64_data=[1]), "FLOAT elements cannot be in int64_data"),
        (damaged(dims=[1], data_type=9, float_data=[1]), "BOOL elements cannot be in float_data"),
        (damaged(dims=[1], string_data=[b"x"]), "FLOAT elements cannot be in string_data"),
        (damaged(dims=[1], data_type=0, raw_data=b""), "unknown element type 0"),
        (damaged(dims=[1], data_type=99, raw_data=b""), "unknown element type 99"),
        (damaged(dims=[1], raw_data=bytes(4), float_data=[1]),
         "tensor 'w' holds both float_data and raw_data"),
    ],
)  # fmt: skip
def test_damaged_tensors(tensor: onnx.TensorProto, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        const(tensor)


def test_a_packed_integer_that_is_cut_off() -> None:
    message = blob(8, b"w") + integer(1, 1) + integer(2, 7) + blob(7, b"\x80")
    source = MemorySource(blob(7, blob(5, message)))
    with pytest.raises(InvalidModelError, match=r"tensor 'w': int64_data .*cut off"):
        to_const(read_model(source).graph.initializers[0], Files(source))


def test_half_packed_data_are_refused() -> None:
    message = blob(8, b"w") + integer(1, 2) + integer(2, 7) + blob(7, b"\x01") + integer(7, 1)
    source = MemorySource(blob(7, blob(5, message)))
    with pytest.raises(InvalidModelError, match="int64_data is packed in part only"):
        to_const(read_model(source).graph.initializers[0], Files(source))


@pytest.mark.parametrize(
    "message", [integer(9, 1), integer(4, 1), b"\x4d" + bytes(4), integer(6, 1)]
)
def test_data_of_the_wrong_wire_type(message: bytes) -> None:
    with pytest.raises(InvalidModelError, match=r"TensorProto: field .* has wire type"):
        read_model(MemorySource(blob(7, blob(5, message))))


def sparse(values: Any, indices: Any, dims: list[int]) -> onnx.ModelProto:
    proto = model([])
    proto.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            numpy_helper.from_array(np.float32(values), "s"),
            numpy_helper.from_array(np.asarray(indices), "i"),
            dims,
        )
    )
    return proto


def dense(proto: onnx.ModelProto) -> Const:
    source = MemorySource(proto.SerializeToString())
    return to_dense(read_model(source).graph.sparse_initializers[0], Files(source))


@pytest.mark.parametrize("indices", [[1, 5], [[0, 1], [1, 2]]])
def test_sparse_tensors_are_written_out(indices: Any) -> None:
    ours = dense(sparse([1.5, 2.5], np.int64(indices), [2, 3]))
    assert (ours.dtype, ours.shape) == (F32, (2, 3))
    assert ours.values() == (0, 1.5, 0, 0, 0, 2.5)


def test_a_sparse_tensor_with_many_values() -> None:
    ours = dense(sparse(np.arange(2000), np.arange(2000)[::-1].copy(), [2000]))
    assert np.frombuffer(ours.data, np.float32).tolist() == list(range(1999, -1, -1))


@pytest.mark.parametrize(
    ("indices", "dims", "message"),
    [
        (np.int64([0, 6]), [2, 3], "an index 6 outside"),
        (np.int64([0, -1]), [2, 3], "an index -1 outside"),
        (np.int64([[0, 1], [2, 0]]), [2, 3], "an index 2 outside"),
        (np.int64([0]), [2, 3], r"has 2 values, and indices of i64\[1\]"),
        (np.int64([[0], [1]]), [2, 3], r"indices of i64\[2,1\]"),
        (np.int32([0, 1]), [2, 3], r"indices of i32\[2\]"),
        (np.int64([0, 0]), [1], "has 2 values"),
        (np.int64([0, 0]), [], "has 2 values"),
        (np.int64([0, 1]), [2, -3], "dimension -3"),
        (np.int64([0, 1]), [2**20, 2], "is not supported: over 1048576 elements"),
    ],
)
def test_damaged_sparse_tensors(indices: Any, dims: list[int], message: str) -> None:
    with pytest.raises(WasmkilnError, match=message):
        dense(sparse([1, 2], indices, dims))


def test_int64_values_keep_their_sign() -> None:
    ours = const(helper.make_tensor("t", TensorProto.INT64, [3], [-1, 0, -(2**63)]))
    assert ours.dtype is I64
    assert ours.values() == (-1, 0, -(2**63))
