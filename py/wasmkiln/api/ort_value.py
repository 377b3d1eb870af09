"""OrtValue: a tensor, sequence, map or optional outside a session, with or without NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InvalidInputError, MisuseError, UnsupportedOptionError
from ..ir.const import Buffer, Const
from ..ir.dtype import BY_NAME, BY_ONNX, STRING, DType
from ..ir.shape import numel, show
from ..ir.value import Nothing, SequenceValue, Value
from .arrays import as_array, from_array, need_numpy
from .device import check_cpu
from .names import value_name

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["OrtValue", "SparseTensor", "element_dtype"]


class OrtValue:
    """A value. Tensors share memory with what they were made from, as in onnxruntime.

        OrtValue.ortvalue_from_numpy(array)
        OrtValue.from_buffer(bytearray(24), "float32", (2, 3))      # without NumPy

    value: the value as the engine takes it. data_type: its type, where it doesn't show.
    """

    def __init__(self, value: Value, data_type: str = "") -> None:
        self.value = value
        self._data_type = data_type

    @classmethod
    def ortvalue_from_numpy(
        cls,
        numpy_obj: Array,
        /,
        device_type: str = "cpu",
        device_id: int = 0,
        vendor_id: int = -1,
    ) -> OrtValue:
        """A tensor over the array's memory, or over a copy if the array isn't contiguous.

        Raises InvalidInputError for what is not an array of one of ONNX's dtypes.
        """
        check_cpu(device_type)
        np = need_numpy("OrtValue.ortvalue_from_numpy")
        if not isinstance(numpy_obj, np.ndarray):
            raise MisuseError(f"a NumPy array is needed, not {type(numpy_obj).__name__}")
        return cls(from_array(numpy_obj))

    @classmethod
    def ortvalue_from_numpy_with_onnx_type(cls, data: Array, /, onnx_element_type: int) -> OrtValue:
        """A tensor over the array's memory, read as another dtype of the same size.

        Raises MisuseError where the sizes differ.
        """
        const = from_array(data)
        dtype = element_dtype(onnx_element_type)
        if dtype.itemsize != const.dtype.itemsize:
            raise MisuseError(
                f"{dtype.full} has {dtype.itemsize} bytes an element, the array"
                f" {const.dtype.itemsize}"
            )
        return cls(Const(dtype, const.shape, const.data))

    @classmethod
    def ortvalue_from_shape_and_type(
        cls,
        shape: Sequence[int],
        element_type: Any,
        device_type: str = "cpu",
        device_id: int = 0,
        vendor_id: int = -1,
    ) -> OrtValue:
        """A tensor of zeros.

        element_type: a NumPy dtype or its name, or ONNX's number. Raises MisuseError for strings
        and negative sizes.
        """
        check_cpu(device_type)
        dtype = element_dtype(element_type)
        sizes = tuple(int(n) for n in shape)
        if dtype == STRING or min(sizes, default=0) < 0:
            raise MisuseError(f"no memory can be set aside for {dtype}{show(sizes)}")
        return cls(Const(dtype, sizes, bytearray(numel(sizes) * dtype.itemsize)))

    @classmethod
    def from_buffer(cls, data: Any, dtype: Any, shape: Sequence[int]) -> OrtValue:
        """A tensor over memory that holds its elements in row-major order.

        data: whatever gives a contiguous buffer (bytes, bytearray, array, memoryview).
        dtype: a name ("float32", "f32") or ONNX's number.
        Raises InvalidInputError where the number of bytes is another.
        """
        kind, sizes = element_dtype(dtype), tuple(shape)
        view = memoryview(data).cast("B")
        if kind == STRING or view.nbytes != numel(sizes) * kind.itemsize:
            raise InvalidInputError(f"{view.nbytes} bytes can't be {kind.full}{show(sizes)}")
        return cls(Const(kind, sizes, view))

    @classmethod
    def from_strings(cls, texts: Sequence[str], shape: Sequence[int] | None = None) -> OrtValue:
        """A tensor of strings in row-major order, by default of rank 1."""
        sizes = (len(texts),) if shape is None else tuple(shape)
        if numel(sizes) != len(texts):
            raise InvalidInputError(f"{len(texts)} strings can't be string{show(sizes)}")
        return cls(Const.strings(sizes, tuple(texts)))

    @classmethod
    def from_sequence(cls, values: Sequence[OrtValue]) -> OrtValue:
        """A sequence."""
        return cls(SequenceValue(tuple(v.value for v in values)))

    @classmethod
    def from_dlpack(cls, data: Any, /) -> OrtValue:
        """A tensor that shares memory with another library's."""
        return cls.ortvalue_from_numpy(need_numpy("OrtValue.from_dlpack").from_dlpack(data))

    @classmethod
    def ort_value_from_sparse_tensor(cls, sparse_tensor: object) -> NoReturn:
        """Raises UnsupportedOptionError."""
        raise UnsupportedOptionError("sparse tensors are not supported as values")

    def as_sparse_tensor(self) -> NoReturn:
        """Raises UnsupportedOptionError."""
        raise UnsupportedOptionError("sparse tensors are not supported as values")

    def numpy(self) -> Array:
        """An array over the tensor's memory; MisuseError for other values.

        bfloat16 and narrower types are those of ml_dtypes.
        """
        return as_array(self._tensor())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        np = need_numpy("OrtValue.__array__")
        array: Array = np.array(self.numpy(), dtype=dtype, copy=copy)
        return array

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0

    def tobytes(self) -> bytes:
        """A copy of the tensor's elements; MisuseError for strings and other values."""
        return bytes(self._buffer())

    def texts(self) -> tuple[str, ...]:
        """The elements of a tensor of strings; MisuseError for other values."""
        const = self._tensor()
        if const.dtype != STRING:
            raise MisuseError(f"a {self.data_type()} holds no strings")
        return const.texts()

    def items(self) -> tuple[OrtValue, ...]:
        """The values in a sequence; MisuseError for other values."""
        if not isinstance(self.value, SequenceValue):
            raise MisuseError(f"a {self.data_type()} is not a sequence")
        return tuple(OrtValue(item) for item in self.value.items)

    def update_inplace(self, data: Array | OrtValue) -> None:
        """Overwrite the tensor's memory, and so that of the array that it was made from.

        Raises TypeError for what is neither an array nor an OrtValue, MisuseError for another
        dtype or number of elements, or where the memory can't be written.
        """
        if not isinstance(data, OrtValue):
            np = need_numpy("OrtValue.update_inplace")
            if not isinstance(data, np.ndarray):
                raise TypeError("data must be a numpy.ndarray or an OrtValue")
            data = OrtValue(from_array(data))
        new, old = data._tensor(), self._tensor()
        if new.dtype != old.dtype or numel(new.shape) != numel(old.shape):
            raise MisuseError(
                f"{new.dtype}{show(new.shape)} can't take the place of {old.dtype}{show(old.shape)}"
            )
        target = memoryview(self._buffer())
        if target.readonly:
            raise MisuseError("the memory of this value can only be read")
        target.cast("B")[:] = memoryview(data._buffer()).cast("B")

    def data_ptr(self) -> int:
        """The address of the first element; MisuseError for strings and other values."""
        view = memoryview(self._buffer())
        if view.readonly or not view.nbytes:
            address: int = need_numpy("the address").frombuffer(view, "u1").ctypes.data
            return address
        import ctypes  # slow to load, and rarely needed

        return ctypes.addressof(ctypes.c_char.from_buffer(view))

    def device_name(self) -> str:
        """'cpu'; MisuseError for values that are not tensors."""
        self._tensor()
        return "cpu"

    def shape(self) -> list[int]:
        """The sizes; MisuseError for values that are not tensors."""
        return list(self._tensor().shape)

    def data_type(self) -> str:
        """The type, such as 'tensor(int64)'."""
        return self._data_type or value_name(self.value)

    def element_type(self) -> int:
        """ONNX's number for the dtype of a tensor, or of a sequence's tensors."""
        value = self.value
        if isinstance(value, SequenceValue) and value.items:
            value = value.items[0]
        if not isinstance(value, Const):
            raise MisuseError(f"a {self.data_type()} has no element type")
        return value.dtype.onnx

    def tensor_size_in_bytes(self) -> int:
        """The size; MisuseError for strings and other values."""
        return len(memoryview(self._buffer()).cast("B"))

    def has_value(self) -> bool:
        """Whether this is not an empty optional."""
        return not isinstance(self.value, Nothing)

    def is_tensor(self) -> bool:
        """Whether the value is a tensor."""
        return isinstance(self.value, Const)

    def is_sparse_tensor(self) -> bool:
        """No value is one here."""
        return False

    def is_tensor_sequence(self) -> bool:
        """Whether the value is a sequence of tensors."""
        value = self.value
        return isinstance(value, SequenceValue) and all(isinstance(v, Const) for v in value.items)

    def _tensor(self) -> Const:
        if not isinstance(self.value, Const):
            raise MisuseError(f"a {self.data_type()} is not a tensor")
        return self.value

    def _buffer(self) -> Buffer:
        data = self._tensor().data
        if not isinstance(data, Buffer):
            raise MisuseError(f"a {self.data_type()} has no bytes")
        return data


class SparseTensor:
    """Sparse tensors are not supported as values: every way to make one raises."""

    @classmethod
    def sparse_coo_from_numpy(cls, *args: object) -> NoReturn:
        """Raises UnsupportedOptionError."""
        raise UnsupportedOptionError("sparse tensors are not supported as values")

    sparse_csr_from_numpy = sparse_coo_from_numpy


def element_dtype(given: Any) -> DType:
    """The dtype for ONNX's number, a name, or what NumPy takes for a dtype.

    Raises MisuseError for what is none.
    """
    if isinstance(given, int):
        found = BY_ONNX.get(given)
    elif isinstance(given, str) and given in BY_NAME:
        found = BY_NAME[given]
    else:
        dtype = need_numpy("a dtype").dtype(given)
        found = STRING if dtype.kind in "OUST" else BY_NAME.get(dtype.name)
    if found is None:
        raise MisuseError(f"{given!r} is not a dtype that tensors may have")
    return found
