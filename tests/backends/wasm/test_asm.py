"""The assembler: opcodes against an independent assembler, composition, control, and its errors."""

from __future__ import annotations

import numpy as np
import pytest
import wasmtime
from wasmkiln.backends.wasm import asm as w
from wasmkiln.backends.wasm.asm import f32, i32, i64, v128
from wasmkiln.backends.wasm.function import Function
from wasmkiln.backends.wasm.isa import INSTRUCTIONS, sleb, uleb
from wasmkiln.backends.wasm.module import Module

from tests.backends.wasm.harness import Sandbox


def spelled(name: str) -> str:
    """The spec's name: `i32_atomic_rmw8_add_u` is `i32.atomic.rmw8.add_u`."""
    head, tail = name.split("_", 1)
    if tail.startswith("atomic_"):
        tail = tail.replace("atomic_", "atomic.", 1)
        if tail.startswith("atomic.rmw"):
            tail = tail.replace("_", ".", 1)
    return f"{head}.{tail}"


def given(name: str) -> tuple[tuple[object, ...], dict[str, int], str]:
    """Immediates for a call of ours, and the same as text."""
    if name == "i8x16_shuffle":
        return (tuple(range(3, 19)),), {}, " ".join(map(str, range(3, 19)))
    ins = INSTRUCTIONS[name]
    lane = f" {ins.lanes - 1}" if ins.lanes else ""
    lanes = (ins.lanes - 1,) if ins.lanes else ()
    if ins.access:
        return lanes, {"offset": 200}, f"offset=200 align={ins.access}{lane}"
    return lanes, {}, lane


@pytest.mark.parametrize("name", [*INSTRUCTIONS, "i8x16_shuffle"])
def test_each_instruction_is_what_another_assembler_makes_of_its_name(name: str) -> None:
    ins = INSTRUCTIONS.get(name)
    operands = ins.operands if ins else (v128, v128)
    result = ins.result if ins else v128
    immediates, keywords, text = given(name)
    m = Module(1, 1, shared=True)
    f = m.function("f", operands, (result,) if result else (), export=True)
    value = getattr(w, name)(*f.params, *immediates, **keywords)
    f.return_(value) if result else f.emit(value)
    params = " ".join(f"(param {t})" for t in operands)
    gets = " ".join(f"local.get {i}" for i in range(len(operands)))
    wat = f"""(module (import "env" "memory" (memory 1 1 shared))
      (func (export "f") {params} {f"(result {result})" if result else ""}
        {gets} {spelled(name)} {text} {"return" if result else ""}))"""
    assert m.build(names=False) == bytes(wasmtime.wat2wasm(wat))


def test_the_whole_instruction_set_is_there() -> None:
    counts = {b"\xfc": 10, b"\xfd": 236 + 20 - 2, b"\xfe": 67}  # less v128.const, shuffle
    for prefix, count in counts.items():
        assert sum(i.opcode[:1] == prefix for i in INSTRUCTIONS.values()) == count


def test_six_lines_make_a_function() -> None:
    m = Module()
    f = m.function("scale", (i32, i32, f32), export=True)
    p, n, factor = f.params
    i = f.local(i32, "i")
    with f.for_range(i, 0, n):
        f.f32_store(p + 4 * i, w.f32_load(p + 4 * i) * factor)

    box = Sandbox(m)
    array = box.put(np.arange(5, dtype="f4"))
    box.call("scale", array, 5, 2.5)
    assert box.get(array, "f4", 5).tolist() == [0, 2.5, 5, 7.5, 10]


def returns(value: w.Val, params: tuple[w.ValType, ...] = ()) -> Function:
    """A module's only function, giving one value."""
    assert value.type is not None
    f = Module().function("f", params, (value.type,), export=True)
    f.return_(value)
    return f


def run(value: w.Val, *args: int | float, params: tuple[w.ValType, ...] = ()) -> object:
    return Sandbox(returns(value, params).module).call("f", *args)


A, B = Module().function("", (i32, i32)).params


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (A + B, 4), (A - B, 10), (A * B, -21), (A & B, 5), (A | B, -1), (A ^ B, -6), (A << 2, 28),
        (B >> 28, 15), (B.shr_s(1), -2), (B // A, (2**32 - 3) // 7), (B % A, (2**32 - 3) % 7),
        (B.div_s(2), -1), (B.rem_s(2), -1), (A < B, 1), (A > B, 0), (A <= 7, 1), (A >= 8, 0),
        (A.lt_s(B), 0), (A.gt_s(B), 1), (A.le_s(B), 0), (A.ge_s(B), 1), (A.eq(7), 1), (A.ne(7), 0),
        (A.eqz(), 0), (-A, -7), (5 - A, -2), (5 + A, 12), (3 * A, 21), (A.eq(0), 0),
    ],
)  # fmt: skip
def test_integer_operators(value: w.Val, expected: int) -> None:
    assert run(value, 7, -3, params=(i32, i32)) == expected


@pytest.mark.parametrize("t", [f32, w.f64])
def test_float_operators(t: w.ValType) -> None:
    a, b = Module().function("", (t, t)).params
    cases = [
        (a + b, 3.5),
        (a - b, 2.5),
        (a * 2, 6.0),
        (a / b, 6.0),
        (-a, -3.0),
        (1 / b, 2.0),
        (2 - a, -1.0),
    ]
    for value, expected in cases:
        assert run(value, 3.0, 0.5, params=(t, t)) == expected
    assert run(a < b, 3.0, 0.5, params=(t, t)) == 0
    assert run(a.eq(3), 3.0, 0.5, params=(t, t)) == 1


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (A + 4 + 4, A + 8),
        (A + 4 - 4, A),
        (4 + (A + B), A + B + 4),
        ((A + 4) + (B + 8), A + B + 12),
        (w.i32_const(3) * 4 + 2, w.i32_const(14)),
        (A * 1, A),
        (w.i32_const(0xFFFFFFFF), w.i32_const(-1)),
        (w.v128_load(A + 16, offset=8), w.v128_load(A, offset=24)),
    ],
)
def test_constants_fold(value: w.Val, same: w.Val) -> None:
    assert value.code == same.code


def test_a_negative_constant_of_an_address_is_added_not_folded() -> None:
    assert w.i32_load(A - 4, offset=4).code == (A - 4).code + b"\x28\x02\x04"


@pytest.mark.parametrize(
    "n", [0, 1, 63, 64, 127, 128, 16384, -1, -64, -65, -128, 2**31 - 1, -(2**31)]
)
def test_leb128_reads_back(n: int) -> None:
    raw, value, shift = sleb(n), 0, 0
    for byte in raw:
        value |= (byte & 127) << shift
        shift += 7
    assert value - (1 << shift if raw[-1] & 64 else 0) == n
    if n >= 0:
        assert sum((byte & 127) << 7 * i for i, byte in enumerate(uleb(n))) == n


def test_conditional_values() -> None:
    for value in (w.select(A + 0, B, A > 5), w.if_else(A > 5, A + 0, B)):
        assert run(value, 7, 3, params=(i32, i32)) == 7
        assert run(value, 4, 3, params=(i32, i32)) == 3
    chosen = w.select(w.f32x4_const(2), w.f32x4_const(3), A)
    assert run(w.f32x4_extract_lane(chosen, 3), 0, params=(i32,)) == 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: w.f32x4_add(w.f32x4_const(1), A), "f32x4_add: operand 1 must be v128, got i32"),
        (lambda: A + w.f32_const(1), "i32_add: operand 1 must be i32, got f32"),
        (lambda: A + 1.5, "i32_add: operand 1 must be i32, got Python's 1.5"),
        (lambda: A + True, "i32_add: operand 1 must be i32, got Python's True"),
        (lambda: w.i32_load(), "missing 1 required positional argument: 'addr'"),
        (lambda: w.i32_add(A), "i32_add: takes 2 operands, got 1"),
        (lambda: w.i32_load(w.i64_const(4)), "i32_load: operand 0 must be i32, got i64"),
        (lambda: w.v128_load(A, align=32), "v128_load: alignment 32 does not suit an access of 16"),
        (lambda: w.i32_atomic_load(A, align=1), "alignment 1 does not suit"),
        (lambda: w.i32_load(A, offset=-4), "i32_load: offset -4"),
        (lambda: w.f32x4_extract_lane(w.f32x4_const(0), 4), "extract_lane: lane 4 is not one of 4"),
        (lambda: w.i8x16_shuffle(w.f32x4_const(0), w.f32x4_const(0), [0]), "needs 16 lanes"),
        (lambda: w.v128_const(b"123"), "v128_const: a vector has 16 bytes, got 3"),
        (lambda: w.i32_const(1 << 32), "i32_const: 4294967296 does not fit"),
        (lambda: w.f32x4_const(1) + w.f32x4_const(1), "v128_add: no such instruction"),
        (lambda: bool(A < B), "no truth value"),
    ],
)  # fmt: skip
def test_errors_name_the_instruction_and_both_types(build: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        build()  # type: ignore[operator]


def test_unknown_instructions_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="f32x4_frobnicate"):
        _ = w.f32x4_frobnicate


def test_i64_constants_take_both_ranges() -> None:
    assert w.i64_const(2**64 - 1).code == w.i64_const(-1).code
    assert run(w.i64_const(2**63) + 1) == -(2**63) + 1
    assert run(w.i32_wrap_i64(i64_sum())) == 12


def i64_sum() -> w.Val:
    a = w.i64_const(5)
    assert a.type is i64
    return a + 7
