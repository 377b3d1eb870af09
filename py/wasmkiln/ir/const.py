"""Constant tensors: small ones hold their bytes, large ones only say where the bytes lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import isfinite

from ..errors import ShapeError, UnsupportedOperatorError
from ..record import record
from .dtype import BF16, BOOL, STRING, DType
from .shape import Shape, numel

__all__ = ["MAX_INLINE", "Buffer", "Const", "Scalar", "Span", "pack_values"]

# Tensors up to this many elements are held inline, and their values may be used while compiling.
MAX_INLINE = 1024

Scalar = int | float | bool
Buffer = bytes | bytearray | memoryview


@record
class Span:
    """A slice of one of the model's files, which stays where it is until the model is loaded."""

    file: int
    offset: int
    nbytes: int


@record
class Const:
    """A row-major, little-endian constant tensor; strings are held as they are.

    While a model runs, its values are of this type too, and their bytes may be in other buffers.
    """

    dtype: DType
    shape: Shape
    data: Span | Buffer | tuple[str, ...]

    @staticmethod
    def of(dtype: DType, shape: Shape, values: Sequence[Scalar]) -> Const:
        """A constant with the given values in row-major order."""
        if len(values) != numel(shape):
            raise ValueError(f"{len(values)} values for shape {shape}")
        return Const(dtype, shape, pack_values(dtype, values))

    @staticmethod
    def strings(shape: Shape, texts: Sequence[str]) -> Const:
        """A constant of strings in row-major order."""
        if len(texts) != numel(shape):
            raise ValueError(f"{len(texts)} strings for shape {shape}")
        return Const(STRING, shape, tuple(texts))

    @staticmethod
    def scalar(dtype: DType, value: Scalar) -> Const:
        """A constant of rank 0."""
        return Const(dtype, (), pack_values(dtype, (value,)))

    @property
    def is_inline(self) -> bool:
        """Whether the bytes are at hand, so that `values` may be called."""
        return not isinstance(self.data, Span)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor."""
        return numel(self.shape) * self.dtype.itemsize

    def values(self) -> tuple[Scalar, ...]:
        """All elements in row-major order, as Python numbers. The constant must be inline."""
        if not (self.dtype.code or self.dtype == BF16):
            raise UnsupportedOperatorError(f"a constant of {self.dtype} where numbers are expected")
        assert isinstance(self.data, Buffer)
        n = numel(self.shape)
        if self.dtype == BF16:
            words = struct.unpack(f"<{n}H", self.data)
            wide = struct.pack(f"<{n}I", *(w << 16 for w in words))
            return struct.unpack(f"<{n}f", wide)
        return struct.unpack(f"<{n}{self.dtype.code}", self.data)

    def frozen(self) -> Const:
        """The same constant, which can be a key."""
        if isinstance(self.data, (bytearray, memoryview)):
            return Const(self.dtype, self.shape, bytes(self.data))
        return self

    def texts(self) -> tuple[str, ...]:
        """All elements of a constant of strings."""
        assert isinstance(self.data, tuple)
        return self.data

    def ints(self) -> tuple[int, ...]:
        """All elements as integers; floats must be finite. The constant must be inline."""
        values = self.values()
        if self.dtype.kind not in "iub" and not all(map(isfinite, values)):
            raise ShapeError(f"{values} where integers are expected")
        return tuple(int(v) for v in values)

    def item(self) -> Scalar:
        """The only element."""
        (value,) = self.values()
        return value

    def reshaped(self, shape: Shape) -> Const:
        """The same elements under another shape of equal size."""
        return Const(self.dtype, shape, self.data)


def pack_values(dtype: DType, values: Sequence[Scalar]) -> bytes:
    """The bytes of values as stored in memory; integers wrap, floats round to nearest even."""
    n = len(values)
    if dtype.is_int:
        try:
            return struct.pack(f"<{n}{dtype.code}", *values)
        except struct.error:  # struct refuses what is out of range, or no integer
            mask = (1 << dtype.bits) - 1
            return b"".join((int(v) & mask).to_bytes(dtype.itemsize, "little") for v in values)
    if dtype == BOOL:
        return bytes(bool(v) for v in values)
    if dtype.kind == "n":
        return bytes(int(v) for v in values)
    if dtype.kind == "c":
        parts = [part for v in values for part in (complex(v).real, complex(v).imag)]
        return struct.pack(f"<{2 * n}{'f' if dtype.itemsize == 8 else 'd'}", *parts)
    if dtype == BF16:
        words = struct.unpack(f"<{n}I", pack_values_f32(values))
        halves = (
            (w >> 16) | 0x40
            if (w & 0x7FFFFFFF) > 0x7F800000
            else (w + 0x7FFF + (w >> 16 & 1)) >> 16
            for w in words
        )
        return struct.pack(f"<{n}H", *(h & 0xFFFF for h in halves))
    if dtype.code == "f":
        return pack_values_f32(values)
    if not dtype.code:
        raise UnsupportedOperatorError(f"numbers of {dtype} are not supported")
    try:
        return struct.pack(f"<{n}{dtype.code}", *values)
    except OverflowError:  # struct refuses what rounds to infinity in f16
        return b"".join(_pack_half(float(v)) for v in values)


def pack_values_f32(values: Sequence[Scalar]) -> bytes:
    """The bytes of values as f32; what is too large becomes infinity."""
    try:
        return struct.pack(f"<{len(values)}f", *values)
    except OverflowError:
        return b"".join(_pack_single(float(v)) for v in values)


def _pack_single(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _pack_half(value: float) -> bytes:
    try:
        return struct.pack("<e", value)
    except OverflowError:
        return struct.pack("<e", float("inf") if value > 0 else float("-inf"))
