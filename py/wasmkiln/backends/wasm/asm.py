"""Typed assembler: every instruction as a Python function from values to a value.

    from . import asm as w
    y = w.f32x4_add(w.v128_load(p, offset=16), w.f32x4_const(0.5))

Functions carry the spec's names (isa.py) and take their operands in the spec's order, then the
immediates: a lane, or the 16 lanes of a shuffle, then `offset` and `align` (in bytes) of a memory
access. Types that disagree raise `AsmError`. A Python number is promoted to a constant where a
scalar is expected.

Functions are made when first asked for, so importing this module stays cheap. Values are in val.py,
functions with locals and control in function.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .isa import INSTRUCTIONS, Instruction, ValType, f32, f64, i32, i64, uleb, v128
from .val import (
    AsmError,
    Operand,
    Val,
    coerce,
    f32_const,
    f32x4_const,
    f64_const,
    f64x2_const,
    i8x16_const,
    i16x8_const,
    i32_const,
    i32x4_const,
    i64_const,
    i64x2_const,
    v128_const,
)

__all__ = [
    "AsmError",
    "Operand",
    "Val",
    "ValType",
    "coerce",
    "f32",
    "f32_const",
    "f32x4_const",
    "f64",
    "f64_const",
    "f64x2_const",
    "i8x16_const",
    "i16x8_const",
    "i32",
    "i32_const",
    "i32x4_const",
    "i64",
    "i64_const",
    "i64x2_const",
    "if_else",
    "select",
    "v128",
    "v128_const",
]


def select(a: Val, b: Operand, cond: Operand) -> Val:
    """`a` if `cond` is not zero, else `b`; both are evaluated."""
    if a.type is None:
        raise AsmError("select: operand 0 is a statement")
    code = a.code + coerce(b, a.type, "select", 1).code + coerce(cond, i32, "select", 2).code
    # v128 needs the typed form of the instruction
    return Val(a.type, code + (b"\x1c\x01\x7b" if a.type is v128 else b"\x1b"))


def if_else(cond: Operand, a: Val, b: Operand) -> Val:
    """`a` if `cond` is not zero, else `b`; only the chosen one is evaluated."""
    if a.type is None:
        raise AsmError("if_else: operand 1 is a statement")
    code = coerce(cond, i32, "if_else", 0).code + b"\x04" + a.type.byte + a.code
    return Val(a.type, code + b"\x05" + coerce(b, a.type, "if_else", 2).code + b"\x0b")


def __getattr__(name: str) -> Callable[..., Val]:
    """Make the function of an instruction when it is first asked for."""
    instruction = INSTRUCTIONS.get(name)
    if name == "i8x16_shuffle":
        function: Callable[..., Val] = _shuffle
    elif instruction is None:
        raise AttributeError(f"no instruction {name!r}")
    elif instruction.access:
        function = _memory_op(name, instruction)
    elif instruction.lanes:
        function = _lane_op(name, instruction)
    else:
        function = _plain_op(name, instruction)
    globals()[name] = function
    return function


def _plain_op(name: str, ins: Instruction) -> Callable[..., Val]:
    opcode, result, operands = ins.opcode, ins.result, ins.operands

    def op(*args: Operand) -> Val:
        return Val(result, _operands(name, operands, args) + opcode)

    return op


def _operands(name: str, types: tuple[ValType, ...], args: Sequence[Operand]) -> bytes:
    if len(args) != len(types):
        raise AsmError(f"{name}: takes {len(types)} operands, got {len(args)}")
    code = b""
    for i, expected in enumerate(types):
        arg = args[i]
        code += (
            arg.code
            if isinstance(arg, Val) and arg.type is expected
            else coerce(arg, expected, name, i).code
        )
    return code


def _lane(name: str, ins: Instruction, lane: int) -> bytes:
    if not 0 <= lane < ins.lanes:
        raise AsmError(f"{name}: lane {lane} is not one of {ins.lanes}")
    return bytes((lane,))


def _lane_op(name: str, ins: Instruction) -> Callable[..., Val]:
    def op(*args: Operand | int) -> Val:
        lane = args[-1]
        if type(lane) is not int:
            raise AsmError(f"{name}: the last argument is the lane, got {lane!r}")
        return Val(
            ins.result,
            _operands(name, ins.operands, args[:-1]) + ins.opcode + _lane(name, ins, lane),
        )

    return op


def _memory_op(name: str, ins: Instruction) -> Callable[..., Val]:
    """Make an access.

    A positive constant in the sum of the address becomes part of the offset, so that the rest of
    the address must not be negative by itself: a wrap-around between the two is not preserved.
    """
    rest, natural, atomic = ins.operands[1:], ins.access, ins.opcode[0] == 0xFE

    def op(addr: Operand, *args: Operand, offset: int = 0, align: int | None = None) -> Val:
        addr = coerce(addr, i32, name)
        code = addr.code
        if addr.addend > 0 and addr.base:
            code, offset = addr.base, offset + addr.addend
        lane = b""
        if ins.lanes:
            lane, args = _lane(name, ins, int(args[-1]) if type(args[-1]) is int else -1), args[:-1]
        align = natural if align is None else align
        if align > natural or align & align - 1 or align < 1 or (atomic and align != natural):
            raise AsmError(f"{name}: alignment {align} does not suit an access of {natural} bytes")
        if not 0 <= offset <= 0xFFFFFFFF:
            raise AsmError(f"{name}: offset {offset} does not fit 32 bits unsigned")
        code += _operands(name, rest, args) + ins.opcode
        return Val(ins.result, code + bytes((align.bit_length() - 1,)) + uleb(offset) + lane)

    return op


def _shuffle(a: Val, b: Val, lanes: Sequence[int]) -> Val:
    """Pick 16 bytes out of the 32 of `a` and `b`."""
    if len(lanes) != 16 or not all(0 <= x < 32 for x in lanes):
        raise AsmError(f"i8x16_shuffle: needs 16 lanes below 32, got {tuple(lanes)}")
    return Val(v128, _operands("i8x16_shuffle", (v128, v128), (a, b)) + b"\xfd\x0d" + bytes(lanes))
