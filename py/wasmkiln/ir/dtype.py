"""Element types, named as they are printed: `f32[1,512]`."""

from __future__ import annotations

from ..record import record

__all__ = [
    "BF16", "BOOL", "BY_NAME", "BY_ONNX", "C64", "C128", "F16", "F32", "F64", "I8", "I16",
    "I32", "I64", "NARROW", "STRING", "U8", "U16", "U32", "U64", "DType",
]  # fmt: skip


@record
class DType:
    """One ONNX element type.

    name: our short name. onnx: the number in TensorProto.DataType. itemsize: bytes per element.
    kind: 'f' float, 'i' signed, 'u' unsigned, 'b' bool, 's' string, 'c' complex, 'n' narrow: a
    code in a byte, which only conversions understand.
    full: the name that onnxruntime and NumPy use ("float32").
    code: the format character of `struct`, or '' where struct has none.
    """

    name: str
    onnx: int
    itemsize: int
    kind: str
    full: str
    code: str = ""

    __eq__ = object.__eq__  # there is one of each, and they are compared often
    __hash__ = object.__hash__

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    @property
    def is_float(self) -> bool:
        """Whether values are real floating-point numbers."""
        return self.kind == "f"

    @property
    def is_int(self) -> bool:
        """Whether values are signed or unsigned integers (bool is neither)."""
        return self.kind in "iu"

    @property
    def bits(self) -> int:
        """Storage bits per element."""
        return self.itemsize * 8


F32 = DType("f32", 1, 4, "f", "float32", "f")
U8 = DType("u8", 2, 1, "u", "uint8", "B")
I8 = DType("i8", 3, 1, "i", "int8", "b")
U16 = DType("u16", 4, 2, "u", "uint16", "H")
I16 = DType("i16", 5, 2, "i", "int16", "h")
I32 = DType("i32", 6, 4, "i", "int32", "i")
I64 = DType("i64", 7, 8, "i", "int64", "q")
STRING = DType("string", 8, 4, "s", "string")  # in linear memory, a number that stands for it
BOOL = DType("bool", 9, 1, "b", "bool", "?")
F16 = DType("f16", 10, 2, "f", "float16", "e")
F64 = DType("f64", 11, 8, "f", "float64", "d")
U32 = DType("u32", 12, 4, "u", "uint32", "I")
U64 = DType("u64", 13, 8, "u", "uint64", "Q")
C64 = DType("c64", 14, 8, "c", "complex64")
C128 = DType("c128", 15, 16, "c", "complex128")
BF16 = DType("bf16", 16, 2, "f", "bfloat16")

NARROW = (
    DType("f8e4m3fn", 17, 1, "n", "float8_e4m3fn"),
    DType("f8e4m3fnuz", 18, 1, "n", "float8_e4m3fnuz"),
    DType("f8e5m2", 19, 1, "n", "float8_e5m2"),
    DType("f8e5m2fnuz", 20, 1, "n", "float8_e5m2fnuz"),
    DType("u4", 21, 1, "n", "uint4"),
    DType("i4", 22, 1, "n", "int4"),
    DType("f4e2m1", 23, 1, "n", "float4_e2m1fn"),
    DType("f8e8m0", 24, 1, "n", "float8_e8m0fnu"),
    DType("u2", 25, 1, "n", "uint2"),
    DType("i2", 26, 1, "n", "int2"),
    DType("f6e2m3", 27, 1, "n", "float6_e2m3fn"),
    DType("f6e3m2", 28, 1, "n", "float6_e3m2fn"),
)

_ALL = (
    F32, U8, I8, U16, I16, I32, I64, STRING, BOOL, F16, F64, U32, U64, C64, C128, BF16, *NARROW,
)  # fmt: skip
BY_ONNX: dict[int, DType] = {t.onnx: t for t in _ALL}
BY_NAME: dict[str, DType] = {t.name: t for t in _ALL} | {t.full: t for t in _ALL}
