"""Typed values: a Wasm type and the bytes of code that push one value of it.

    (p + 4 * i).code      # the bytes of local.get p, local.get i, i32.const 4, i32.mul, i32.add

Composing values composes bytes; nothing is emitted until a `Function` (function.py) takes it.
Because a `Val` is code and not a place, using it twice evaluates it twice: keep what is costly in a
local (`f.let`), and mind that it reads locals when it runs, not when it is built.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ...errors import WasmkilnError
from .isa import INSTRUCTIONS, ValType, f32, f64, i32, i64, sleb, v128


class AsmError(WasmkilnError, TypeError):
    """A kernel is put together wrongly: operand types, lanes, offsets or nesting disagree."""


class Val:
    """A value on the Wasm stack: its type (None for a statement) and the code that pushes it.

    i32 and i64 have the operators `+ - * & | ^ << >> // %` and `< <= > >=`, all **unsigned** where
    it matters; the signed ones have names: `a.shr_s(b)`, `a.div_s(b)`, `a.rem_s(b)`, `a.lt_s(b)`,
    `a.le_s(b)`, `a.gt_s(b)`, `a.ge_s(b)`. f32 and f64 have `+ - * /`, unary `-` and comparisons.
    Equality is `a.eq(b)`, `a.ne(b)` for all scalars, as `==` must stay Python's. Vectors have no
    operators: their lanes have no type here.

    Values are immutable. `base` and `addend` split an i32 sum into code and a constant, so that
    constants fold.
    """

    __slots__ = ("addend", "base", "code", "type")

    def __init__(
        self, type: ValType | None, code: bytes, base: bytes | None = None, addend: int = 0
    ) -> None:
        self.type = type
        self.code = code
        self.base = base
        self.addend = addend

    def __repr__(self) -> str:
        return f"<{self.type or 'statement'} {self.code.hex(' ')}>"

    def __bool__(self) -> bool:
        raise AsmError(
            "a Wasm value has no truth value while the code is written; use f.if_ or select"
        )

    def const(self) -> int | None:
        """Give the number when this is an i32 constant, else None."""
        return self.addend if self.base == b"" else None

    def __add__(self, other: Operand) -> Val:
        return _add(self, other) if self.type is i32 else _arith("add", self, other)

    def __radd__(self, other: Operand) -> Val:
        return _add(self, other) if self.type is i32 else _arith("add", other, self, self)

    def __sub__(self, other: Operand) -> Val:
        if self.type is i32:
            known = (
                other if type(other) is int else other.const() if isinstance(other, Val) else None
            )
            if known is not None:
                return _add(self, -known)
        return _arith("sub", self, other)

    def __rsub__(self, other: Operand) -> Val:
        return _arith("sub", other, self, self)

    def __mul__(self, other: Operand) -> Val:
        if self.type is i32:
            other = coerce(other, i32, "i32_mul")
            a, b = self.const(), other.const()
            if a is not None and b is not None:
                return i32_const(a * b)
            if a == 1 or b == 1:
                return other if a == 1 else self
        return _arith("mul", self, other)

    def __rmul__(self, other: Operand) -> Val:
        return self.__mul__(other) if self.type is i32 else _arith("mul", other, self, self)

    def __truediv__(self, other: Operand) -> Val:
        return _arith("div", self, other)

    def __rtruediv__(self, other: Operand) -> Val:
        return _arith("div", other, self, self)

    def __neg__(self) -> Val:
        if self.type is i32 or self.type is i64:
            return _arith("sub", 0, self, self)
        return _arith("neg", self)

    def __floordiv__(self, other: Operand) -> Val:
        return _arith("div_u", self, other)

    def __mod__(self, other: Operand) -> Val:
        return _arith("rem_u", self, other)

    def __and__(self, other: Operand) -> Val:
        return _arith("and", self, other)

    def __or__(self, other: Operand) -> Val:
        return _arith("or", self, other)

    def __xor__(self, other: Operand) -> Val:
        return _arith("xor", self, other)

    def __lshift__(self, other: Operand) -> Val:
        value = self.const()
        return (
            i32_const(value << other)
            if value is not None and type(other) is int
            else _arith("shl", self, other)
        )

    def __rshift__(self, other: Operand) -> Val:
        return _arith("shr_u", self, other)

    def __lt__(self, other: Operand) -> Val:
        return _compare("lt", self, other)

    def __le__(self, other: Operand) -> Val:
        return _compare("le", self, other)

    def __gt__(self, other: Operand) -> Val:
        return _compare("gt", self, other)

    def __ge__(self, other: Operand) -> Val:
        return _compare("ge", self, other)

    def eq(self, other: Operand) -> Val:
        """1 where both scalars are equal."""
        return (
            self.eqz()
            if type(other) is int and other == 0 and self.type in (i32, i64)
            else _arith("eq", self, other)
        )

    def ne(self, other: Operand) -> Val:
        """1 where the scalars differ."""
        return _arith("ne", self, other)

    def eqz(self) -> Val:
        """1 where this integer is zero, and so the negation of a condition."""
        return _arith("eqz", self)

    def lt_s(self, other: Operand) -> Val:
        """Signed `<`."""
        return _arith("lt_s", self, other)

    def le_s(self, other: Operand) -> Val:
        """Signed `<=`."""
        return _arith("le_s", self, other)

    def gt_s(self, other: Operand) -> Val:
        """Signed `>`."""
        return _arith("gt_s", self, other)

    def ge_s(self, other: Operand) -> Val:
        """Signed `>=`."""
        return _arith("ge_s", self, other)

    def shr_s(self, other: Operand) -> Val:
        """Signed `>>`."""
        return _arith("shr_s", self, other)

    def div_s(self, other: Operand) -> Val:
        """Signed division, truncating."""
        return _arith("div_s", self, other)

    def rem_s(self, other: Operand) -> Val:
        """Signed remainder, with the sign of the dividend."""
        return _arith("rem_s", self, other)


Operand = Val | int | float


def _arith(op: str, a: Operand, b: Operand | None = None, typed: Val | None = None) -> Val:
    """Apply the instruction `op` of the type of `typed` (else of `a`)."""
    owner = typed if typed is not None else a
    name = f"{owner.type if isinstance(owner, Val) else type(owner).__name__}_{op}"
    instruction = INSTRUCTIONS.get(name)
    if instruction is None:
        raise AsmError(f"{name}: no such instruction; vectors are combined by their functions")
    code = coerce(a, instruction.operands[0], name, 0).code
    if b is not None:
        code += coerce(b, instruction.operands[1], name, 1).code
    return Val(instruction.result, code + instruction.opcode)


def _compare(op: str, a: Val, b: Operand) -> Val:
    return _arith(op + "_u" if a.type is i32 or a.type is i64 else op, a, b)


def _add(a: Val, b: Operand) -> Val:
    """i32 sum with its constants gathered at the end of the code."""
    b = coerce(b, i32, "i32_add", 1)
    base_a = a.code if a.base is None else a.base
    base_b = b.code if b.base is None else b.base
    addend = _wrap(a.addend + b.addend)
    base = base_a + base_b + b"\x6a" if base_a and base_b else base_a or base_b
    if not base:
        return i32_const(addend)
    return Val(i32, base + b"\x41" + sleb(addend) + b"\x6a" if addend else base, base, addend)


def _wrap(n: int) -> int:
    return (n + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def coerce(value: Operand, expected: ValType, user: str, position: int = 0) -> Val:
    """Check that a value has the expected type, promoting a Python number to a constant."""
    if isinstance(value, Val):
        if value.type is expected:
            return value
        given: object = value.type or "a statement"
    elif expected is i32 and type(value) is int:
        return i32_const(value)
    elif expected is i64 and type(value) is int:
        return i64_const(value)
    elif expected is f32 and type(value) in (int, float):
        return f32_const(value)
    elif expected is f64 and type(value) in (int, float):
        return f64_const(value)
    else:
        given = f"Python's {value!r}"
    raise AsmError(f"{user}: operand {position} must be {expected}, got {given}")


def i32_const(value: int) -> Val:
    """An i32 constant, given as a signed or an unsigned number."""
    if not -0x80000000 <= value <= 0xFFFFFFFF:
        raise AsmError(f"i32_const: {value} does not fit 32 bits")
    value = _wrap(value)
    return Val(i32, b"\x41" + sleb(value), b"", value)


def i64_const(value: int) -> Val:
    """An i64 constant, given as a signed or an unsigned number."""
    if not -(1 << 63) <= value < 1 << 64:
        raise AsmError(f"i64_const: {value} does not fit 64 bits")
    return Val(i64, b"\x42" + sleb(value - (1 << 64) if value >= 1 << 63 else value))


def f32_const(value: float) -> Val:
    """An f32 constant, rounded to nearest; beyond its range, an infinity."""
    return Val(f32, b"\x43" + _f32_bytes(value))


def f64_const(value: float) -> Val:
    """An f64 constant."""
    return Val(f64, b"\x44" + struct.pack("<d", value))


def _f32_bytes(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:  # struct refuses what rounds to infinity
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def v128_const(value: bytes) -> Val:
    """A vector constant, given as its 16 bytes in memory order."""
    if len(value) != 16:
        raise AsmError(f"v128_const: a vector has 16 bytes, got {len(value)}")
    return Val(v128, b"\xfd\x0c" + value)


def _splat_int(value: int | Sequence[int], nbytes: int) -> Val:
    values = (value,) * (16 // nbytes) if isinstance(value, int) else value
    mask = (1 << 8 * nbytes) - 1
    return v128_const(b"".join((x & mask).to_bytes(nbytes, "little") for x in values))


def i8x16_const(value: int | Sequence[int]) -> Val:
    """A vector constant of one integer in all lanes, or of 16 integers."""
    return _splat_int(value, 1)


def i16x8_const(value: int | Sequence[int]) -> Val:
    """A vector constant of one integer in all lanes, or of 8 integers."""
    return _splat_int(value, 2)


def i32x4_const(value: int | Sequence[int]) -> Val:
    """A vector constant of one integer in all lanes, or of 4 integers."""
    return _splat_int(value, 4)


def i64x2_const(value: int | Sequence[int]) -> Val:
    """A vector constant of one integer in all lanes, or of 2 integers."""
    return _splat_int(value, 8)


def f32x4_const(value: float | Sequence[float]) -> Val:
    """A vector constant of one number in all lanes, or of 4 numbers."""
    values = (value,) * 4 if isinstance(value, (int, float)) else value
    return v128_const(b"".join(map(_f32_bytes, values)))


def f64x2_const(value: float | Sequence[float]) -> Val:
    """A vector constant of one number in all lanes, or of 2 numbers."""
    values = (value,) * 2 if isinstance(value, (int, float)) else value
    return v128_const(b"".join(struct.pack("<d", x) for x in values))
