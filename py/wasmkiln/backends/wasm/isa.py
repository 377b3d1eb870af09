"""The WebAssembly instructions we emit, as a table from the spec's name to opcode and types.

Names are the spec's with every dot written as an underscore: `f32x4.relaxed_madd` is
`f32x4_relaxed_madd`, `i32.atomic.rmw.add` is `i32_atomic_rmw_add`. Instructions that structure
control or name an index (block, br, local.get, call ...) are not here: `function.py` owns them.

The table is written as runs of consecutive opcodes that share a signature, one letter per type:
i = i32, l = i64, f = f32, d = f64, v = v128; "-" skips an opcode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class ValType:
    """A Wasm value type; compare with `is`."""

    __slots__ = ("byte", "name", "nbytes")

    def __init__(self, name: str, code: int, nbytes: int) -> None:
        self.name = name
        self.byte = bytes((code,))
        self.nbytes = nbytes

    def __repr__(self) -> str:
        return self.name


i32 = ValType("i32", 0x7F, 4)
i64 = ValType("i64", 0x7E, 8)
f32 = ValType("f32", 0x7D, 4)
f64 = ValType("f64", 0x7C, 8)
v128 = ValType("v128", 0x7B, 16)

LETTER = {"i": i32, "l": i64, "f": f32, "d": f64, "v": v128}


class Instruction(NamedTuple):
    """One instruction: how it is encoded, what it pops and what it pushes.

    `access` is the number of bytes a memory instruction touches (its natural alignment), else 0.
    `lanes` is the number of lanes of an instruction with a lane immediate, else 0.
    """

    opcode: bytes
    operands: tuple[ValType, ...]
    result: ValType | None
    access: int = 0
    lanes: int = 0


def uleb(n: int) -> bytes:
    """Encode a non-negative integer as unsigned LEB128."""
    if n < 128:
        return bytes((n,))
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def sleb(n: int) -> bytes:
    """Encode an integer as signed LEB128."""
    if -64 <= n < 64:
        return bytes((n & 127,))
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n & 127)
    return bytes(out)


_COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
_FCOMPARE = "eq ne lt gt le ge"
_INTEGER = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
_FUNARY = "abs neg ceil floor trunc nearest sqrt"
_FBINARY = "add sub mul div min max copysign"

# (signature, first opcode, prefix of the names, names)
_NUMERIC = (
    ("i:i", 0x45, "i32", "eqz"),
    ("ii:i", 0x46, "i32", _COMPARE),
    ("l:i", 0x50, "i64", "eqz"),
    ("ll:i", 0x51, "i64", _COMPARE),
    ("ff:i", 0x5B, "f32", _FCOMPARE),
    ("dd:i", 0x61, "f64", _FCOMPARE),
    ("i:i", 0x67, "i32", "clz ctz popcnt"),
    ("ii:i", 0x6A, "i32", _INTEGER),
    ("l:l", 0x79, "i64", "clz ctz popcnt"),
    ("ll:l", 0x7C, "i64", _INTEGER),
    ("f:f", 0x8B, "f32", _FUNARY),
    ("ff:f", 0x92, "f32", _FBINARY),
    ("d:d", 0x99, "f64", _FUNARY),
    ("dd:d", 0xA0, "f64", _FBINARY),
    ("l:i", 0xA7, "i32", "wrap_i64"),
    ("f:i", 0xA8, "i32", "trunc_f32_s trunc_f32_u"),
    ("d:i", 0xAA, "i32", "trunc_f64_s trunc_f64_u"),
    ("i:l", 0xAC, "i64", "extend_i32_s extend_i32_u"),
    ("f:l", 0xAE, "i64", "trunc_f32_s trunc_f32_u"),
    ("d:l", 0xB0, "i64", "trunc_f64_s trunc_f64_u"),
    ("i:f", 0xB2, "f32", "convert_i32_s convert_i32_u"),
    ("l:f", 0xB4, "f32", "convert_i64_s convert_i64_u"),
    ("d:f", 0xB6, "f32", "demote_f64"),
    ("i:d", 0xB7, "f64", "convert_i32_s convert_i32_u"),
    ("l:d", 0xB9, "f64", "convert_i64_s convert_i64_u"),
    ("f:d", 0xBB, "f64", "promote_f32"),
    ("f:i", 0xBC, "i32", "reinterpret_f32"),
    ("d:l", 0xBD, "i64", "reinterpret_f64"),
    ("i:f", 0xBE, "f32", "reinterpret_i32"),
    ("l:d", 0xBF, "f64", "reinterpret_i64"),
    ("i:i", 0xC0, "i32", "extend8_s extend16_s"),
    ("l:l", 0xC2, "i64", "extend8_s extend16_s extend32_s"),
)

# prefix byte 0xfc
_SATURATING = (
    ("f:i", 0, "i32", "trunc_sat_f32_s trunc_sat_f32_u"),
    ("d:i", 2, "i32", "trunc_sat_f64_s trunc_sat_f64_u"),
    ("f:l", 4, "i64", "trunc_sat_f32_s trunc_sat_f32_u"),
    ("d:l", 6, "i64", "trunc_sat_f64_s trunc_sat_f64_u"),
)

# prefix byte 0xfd
_VECTOR = (
    ("vv:v", 0x0E, "i8x16", "swizzle"),
    ("i:v", 0x0F, "i8x16", "splat"),
    ("i:v", 0x10, "i16x8", "splat"),
    ("i:v", 0x11, "i32x4", "splat"),
    ("l:v", 0x12, "i64x2", "splat"),
    ("f:v", 0x13, "f32x4", "splat"),
    ("d:v", 0x14, "f64x2", "splat"),
    ("vv:v", 0x23, "i8x16", _COMPARE),
    ("vv:v", 0x2D, "i16x8", _COMPARE),
    ("vv:v", 0x37, "i32x4", _COMPARE),
    ("vv:v", 0x41, "f32x4", _FCOMPARE),
    ("vv:v", 0x47, "f64x2", _FCOMPARE),
    ("v:v", 0x4D, "v128", "not"),
    ("vv:v", 0x4E, "v128", "and andnot or xor"),
    ("vvv:v", 0x52, "v128", "bitselect"),
    ("v:i", 0x53, "v128", "any_true"),
    ("v:v", 0x5E, "f32x4", "demote_f64x2_zero"),
    ("v:v", 0x5F, "f64x2", "promote_low_f32x4"),
    ("v:v", 0x60, "i8x16", "abs neg popcnt"),
    ("v:i", 0x63, "i8x16", "all_true bitmask"),
    ("vv:v", 0x65, "i8x16", "narrow_i16x8_s narrow_i16x8_u"),
    ("v:v", 0x67, "f32x4", "ceil floor trunc nearest"),
    ("vi:v", 0x6B, "i8x16", "shl shr_s shr_u"),
    ("vv:v", 0x6E, "i8x16", "add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"),
    ("v:v", 0x74, "f64x2", "ceil floor"),
    ("vv:v", 0x76, "i8x16", "min_s min_u max_s max_u - avgr_u"),
    ("v:v", 0x7A, "f64x2", "trunc"),
    ("v:v", 0x7C, "i16x8", "extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u"),
    ("v:v", 0x7E, "i32x4", "extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u"),
    ("v:v", 0x80, "i16x8", "abs neg"),
    ("vv:v", 0x82, "i16x8", "q15mulr_sat_s"),
    ("v:i", 0x83, "i16x8", "all_true bitmask"),
    ("vv:v", 0x85, "i16x8", "narrow_i32x4_s narrow_i32x4_u"),
    ("v:v", 0x87, "i16x8", "extend_low_i8x16_s extend_high_i8x16_s"),
    ("v:v", 0x89, "i16x8", "extend_low_i8x16_u extend_high_i8x16_u"),
    ("vi:v", 0x8B, "i16x8", "shl shr_s shr_u"),
    ("vv:v", 0x8E, "i16x8", "add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"),
    ("v:v", 0x94, "f64x2", "nearest"),
    ("vv:v", 0x95, "i16x8", "mul min_s min_u max_s max_u - avgr_u"),
    ("vv:v", 0x9C, "i16x8", "extmul_low_i8x16_s extmul_high_i8x16_s"),
    ("vv:v", 0x9E, "i16x8", "extmul_low_i8x16_u extmul_high_i8x16_u"),
    ("v:v", 0xA0, "i32x4", "abs neg"),
    ("v:i", 0xA3, "i32x4", "all_true bitmask"),
    ("v:v", 0xA7, "i32x4", "extend_low_i16x8_s extend_high_i16x8_s"),
    ("v:v", 0xA9, "i32x4", "extend_low_i16x8_u extend_high_i16x8_u"),
    ("vi:v", 0xAB, "i32x4", "shl shr_s shr_u"),
    ("vv:v", 0xAE, "i32x4", "add - - sub - - - mul min_s min_u max_s max_u dot_i16x8_s"),
    ("vv:v", 0xBC, "i32x4", "extmul_low_i16x8_s extmul_high_i16x8_s"),
    ("vv:v", 0xBE, "i32x4", "extmul_low_i16x8_u extmul_high_i16x8_u"),
    ("v:v", 0xC0, "i64x2", "abs neg"),
    ("v:i", 0xC3, "i64x2", "all_true bitmask"),
    ("v:v", 0xC7, "i64x2", "extend_low_i32x4_s extend_high_i32x4_s"),
    ("v:v", 0xC9, "i64x2", "extend_low_i32x4_u extend_high_i32x4_u"),
    ("vi:v", 0xCB, "i64x2", "shl shr_s shr_u"),
    ("vv:v", 0xCE, "i64x2", "add - - sub - - - mul eq ne lt_s gt_s le_s ge_s"),
    ("vv:v", 0xDC, "i64x2", "extmul_low_i32x4_s extmul_high_i32x4_s"),
    ("vv:v", 0xDE, "i64x2", "extmul_low_i32x4_u extmul_high_i32x4_u"),
    ("v:v", 0xE0, "f32x4", "abs neg - sqrt"),
    ("vv:v", 0xE4, "f32x4", "add sub mul div min max pmin pmax"),
    ("v:v", 0xEC, "f64x2", "abs neg - sqrt"),
    ("vv:v", 0xF0, "f64x2", "add sub mul div min max pmin pmax"),
    ("v:v", 0xF8, "i32x4", "trunc_sat_f32x4_s trunc_sat_f32x4_u"),
    ("v:v", 0xFA, "f32x4", "convert_i32x4_s convert_i32x4_u"),
    ("v:v", 0xFC, "i32x4", "trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero"),
    ("v:v", 0xFE, "f64x2", "convert_low_i32x4_s convert_low_i32x4_u"),
    ("vv:v", 0x100, "i8x16", "relaxed_swizzle"),
    ("v:v", 0x101, "i32x4", "relaxed_trunc_f32x4_s relaxed_trunc_f32x4_u"),
    ("v:v", 0x103, "i32x4", "relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero"),
    ("vvv:v", 0x105, "f32x4", "relaxed_madd relaxed_nmadd"),
    ("vvv:v", 0x107, "f64x2", "relaxed_madd relaxed_nmadd"),
    ("vvv:v", 0x109, "i8x16", "relaxed_laneselect"),
    ("vvv:v", 0x10A, "i16x8", "relaxed_laneselect"),
    ("vvv:v", 0x10B, "i32x4", "relaxed_laneselect"),
    ("vvv:v", 0x10C, "i64x2", "relaxed_laneselect"),
    ("vv:v", 0x10D, "f32x4", "relaxed_min relaxed_max"),
    ("vv:v", 0x10F, "f64x2", "relaxed_min relaxed_max"),
    ("vv:v", 0x111, "i16x8", "relaxed_q15mulr_s relaxed_dot_i8x16_i7x16_s"),
    ("vvv:v", 0x113, "i32x4", "relaxed_dot_i8x16_i7x16_add_s"),
)

# (signature, opcode, name, bytes accessed); prefix none
_MEMORY = (
    ("i:i", 0x28, "i32_load", 4),
    ("i:l", 0x29, "i64_load", 8),
    ("i:f", 0x2A, "f32_load", 4),
    ("i:d", 0x2B, "f64_load", 8),
    ("i:i", 0x2C, "i32_load8_s", 1),
    ("i:i", 0x2D, "i32_load8_u", 1),
    ("i:i", 0x2E, "i32_load16_s", 2),
    ("i:i", 0x2F, "i32_load16_u", 2),
    ("i:l", 0x30, "i64_load8_s", 1),
    ("i:l", 0x31, "i64_load8_u", 1),
    ("i:l", 0x32, "i64_load16_s", 2),
    ("i:l", 0x33, "i64_load16_u", 2),
    ("i:l", 0x34, "i64_load32_s", 4),
    ("i:l", 0x35, "i64_load32_u", 4),
    ("ii:", 0x36, "i32_store", 4),
    ("il:", 0x37, "i64_store", 8),
    ("if:", 0x38, "f32_store", 4),
    ("id:", 0x39, "f64_store", 8),
    ("ii:", 0x3A, "i32_store8", 1),
    ("ii:", 0x3B, "i32_store16", 2),
    ("il:", 0x3C, "i64_store8", 1),
    ("il:", 0x3D, "i64_store16", 2),
    ("il:", 0x3E, "i64_store32", 4),
)

# prefix 0xfd
_VECTOR_MEMORY = (
    ("i:v", 0x00, "v128_load", 16),
    ("i:v", 0x01, "v128_load8x8_s", 8),
    ("i:v", 0x02, "v128_load8x8_u", 8),
    ("i:v", 0x03, "v128_load16x4_s", 8),
    ("i:v", 0x04, "v128_load16x4_u", 8),
    ("i:v", 0x05, "v128_load32x2_s", 8),
    ("i:v", 0x06, "v128_load32x2_u", 8),
    ("i:v", 0x07, "v128_load8_splat", 1),
    ("i:v", 0x08, "v128_load16_splat", 2),
    ("i:v", 0x09, "v128_load32_splat", 4),
    ("i:v", 0x0A, "v128_load64_splat", 8),
    ("iv:", 0x0B, "v128_store", 16),
    ("i:v", 0x5C, "v128_load32_zero", 4),
    ("i:v", 0x5D, "v128_load64_zero", 8),
)

# prefix 0xfe; i32 and i64 with their narrow forms follow each other in this order
_ATOMIC_SIZES = (
    ("i", "", 4),
    ("l", "", 8),
    ("i", "8", 1),
    ("i", "16", 2),
    ("l", "8", 1),
    ("l", "16", 2),
    ("l", "32", 4),
)

_RMW = "add sub and or xor xchg cmpxchg"


_Run = tuple[str, int, str, str]
_Access = tuple[str, int, str, int]
_Entry = tuple[str, Instruction]


def _signature(text: str) -> tuple[tuple[ValType, ...], ValType | None]:
    operands, result = text.split(":")
    return tuple(LETTER[c] for c in operands), LETTER[result] if result else None


def _runs(table: tuple[_Run, ...], prefix: bytes) -> Iterator[_Entry]:
    for signature, opcode, family, names in table:
        operands, result = _signature(signature)
        for name in names.split():
            if name != "-":
                code = prefix + uleb(opcode) if prefix else bytes((opcode,))
                yield f"{family}_{name}", Instruction(code, operands, result)
            opcode += 1


def _memory(table: tuple[_Access, ...], prefix: bytes) -> Iterator[_Entry]:
    for signature, opcode, name, access in table:
        yield name, Instruction(prefix + bytes((opcode,)), *_signature(signature), access)


def _lanes() -> Iterator[_Entry]:
    for i, bits in enumerate((8, 16, 32, 64)):
        lanes, nbytes = 128 // bits, bits // 8
        yield (
            f"v128_load{bits}_lane",
            Instruction(bytes((0xFD, 0x54 + i)), (i32, v128), v128, nbytes, lanes),
        )
        yield (
            f"v128_store{bits}_lane",
            Instruction(bytes((0xFD, 0x58 + i)), (i32, v128), None, nbytes, lanes),
        )
    opcode = 0x15
    for shape, scalar, suffixes in (
        ("i8x16", i32, ("_s", "_u")),
        ("i16x8", i32, ("_s", "_u")),
        ("i32x4", i32, ("",)),
        ("i64x2", i64, ("",)),
        ("f32x4", f32, ("",)),
        ("f64x2", f64, ("",)),
    ):
        lanes = int(shape[shape.index("x") + 1 :])
        for suffix in suffixes:
            yield (
                f"{shape}_extract_lane{suffix}",
                Instruction(bytes((0xFD, opcode)), (v128,), scalar, 0, lanes),
            )
            opcode += 1
        yield (
            f"{shape}_replace_lane",
            Instruction(bytes((0xFD, opcode)), (v128, scalar), v128, 0, lanes),
        )
        opcode += 1


def _atomics() -> Iterator[_Entry]:
    yield "memory_atomic_notify", Instruction(b"\xfe\x00", (i32, i32), i32, 4)
    yield "memory_atomic_wait32", Instruction(b"\xfe\x01", (i32, i32, i64), i32, 4)
    yield "memory_atomic_wait64", Instruction(b"\xfe\x02", (i32, i64, i64), i32, 8)
    yield "atomic_fence", Instruction(b"\xfe\x03\x00", (), None)
    for i, (letter, bits, access) in enumerate(_ATOMIC_SIZES):
        t, unsigned = LETTER[letter], "_u" if bits else ""
        yield (
            f"{t}_atomic_load{bits}{unsigned}",
            Instruction(bytes((0xFE, 0x10 + i)), (i32,), t, access),
        )
        yield (
            f"{t}_atomic_store{bits}",
            Instruction(bytes((0xFE, 0x17 + i)), (i32, t), None, access),
        )
        for j, op in enumerate(_RMW.split()):
            operands = (i32, t, t) if op == "cmpxchg" else (i32, t)
            code = bytes((0xFE, 0x1E + 7 * j + i))
            yield f"{t}_atomic_rmw{bits}_{op}{unsigned}", Instruction(code, operands, t, access)


def _table() -> dict[str, Instruction]:
    table = dict(_runs(_NUMERIC, b""))
    table.update(_runs(_SATURATING, b"\xfc"))
    table.update(_runs(_VECTOR, b"\xfd"))
    table.update(_memory(_MEMORY, b""))
    table.update(_memory(_VECTOR_MEMORY, b"\xfd"))
    table.update(_lanes())
    table.update(_atomics())
    table["memory_size"] = Instruction(b"\x3f\x00", (), i32)
    table["memory_grow"] = Instruction(b"\x40\x00", (i32,), i32)
    table["memory_copy"] = Instruction(b"\xfc\x0a\x00\x00", (i32, i32, i32), None)
    table["memory_fill"] = Instruction(b"\xfc\x0b\x00", (i32, i32, i32), None)
    return table


INSTRUCTIONS: dict[str, Instruction] = _table()
