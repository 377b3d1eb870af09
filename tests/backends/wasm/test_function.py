"""The function builder: control, locals, calls, and modules as bytes."""

from __future__ import annotations

import pytest
from wasmkiln.backends.wasm import asm as w
from wasmkiln.backends.wasm.asm import AsmError, f32, i32, v128
from wasmkiln.backends.wasm.function import Function
from wasmkiln.backends.wasm.module import Module

from tests.backends.wasm.harness import Sandbox


def function(*params: w.ValType) -> Function:
    return Module().function("f", params, (i32,), export=True)


def run(f: Function, *args: int) -> int:
    result: int = Sandbox(f.module).call("f", *args)
    return result


@pytest.mark.parametrize("step", [1, 3, -2])
@pytest.mark.parametrize("start", [-3, 0, 4])
@pytest.mark.parametrize("stop", [-3, 0, 1, 4, 9])
def test_for_range_counts_like_python(start: int, stop: int, step: int) -> None:
    for constant in (True, False):
        f = function(i32, i32)
        total, i = f.local(i32), f.local(i32)
        first, last = (start, stop) if constant else (f.param(0), f.param(1))
        with f.for_range(i, first, last, step):
            f.set(total, total * 7 + i)
        f.return_(total)
        expected = 0
        for k in range(start, stop, step):
            expected = expected * 7 + k
        assert run(f, start, stop) == (expected + 2**31) % 2**32 - 2**31


def test_unsigned_ranges_pass_the_middle_of_memory() -> None:
    f = function()
    turns, p = f.local(i32), f.local(i32)
    with f.for_range(p, 0x7FFFFFF0, 0x80000010, 16, signed=False):
        f.add_to(turns, 1)
    f.return_(turns)
    assert run(f) == 2


def test_while_and_the_label_that_leaves() -> None:
    f = function(i32)
    n, steps = f.param(0), f.local(i32)
    with f.while_(n.ne(1)) as out:
        f.br_if(out, steps >= 1000)
        with f.if_(n % 2):
            f.set(n, 3 * n + 1)
        with f.else_():
            f.set(n, n >> 1)
        f.add_to(steps, 1)
    f.return_(steps)
    assert [run(f, 1), run(f, 6), run(f, 27), run(f, 0)] == [0, 8, 111, 1000]


def test_blocks_loops_and_branches() -> None:
    f = function(i32)
    n, total = f.param(0), f.local(i32)
    with f.block() as done, f.loop() as again:
        f.br_if(done, n.eqz())
        f.set(total, total + n)
        f.set(n, n - 1)
        f.br(again)
    f.return_(total)
    assert run(f, 10) == 55


def test_calls_direct_and_through_the_table() -> None:
    m = Module()
    signature = ((i32,), (i32,))
    double = m.function("double", *signature)
    double.return_(double.param(0) * 2)
    square = m.function("square", *signature)
    square.return_(square.param(0) * square.param(0))
    store = m.function("store", (i32, i32))
    store.i32_store(store.param(0), store.param(1))
    assert [m.table_index(square), m.table_index(double), m.table_index(square)] == [0, 1, 0]
    f = m.function("f", (i32, i32), (i32,), export=True)
    f.call(store, 64, f.call_indirect(signature, f.param(0), f.param(1)))
    f.return_(w.i32_load(64) + f.call(double, 100))
    assert run(f, 0, 5) == 225
    assert run(f, 1, 5) == 210


def test_locals_are_kept_reused_and_typed() -> None:
    f = function(i32)
    a = f.let(f.param(0) + 1, "a")
    f.free(a)
    assert f.local(i32) is a
    assert f.local(i32) is not a
    assert f.local(v128) is not a
    value = f.let(2.5)
    assert value.type is f32
    f.return_(f.tee(a, a + 1) + a)
    assert run(f, 40) == 84


def test_internal_functions_are_made_once() -> None:
    m = Module()
    made = [m.once("helper", lambda: m.function("helper")) for _ in range(2)]
    assert made[0] is made[1]
    assert len(m.functions) == 1


def test_equal_calls_build_equal_bytes() -> None:
    def build() -> bytes:
        f = function(i32)
        f.local(f32)
        f.return_(f.param(0))
        f.module.table_index(f)
        return f.module.build()

    assert build() == build()
    assert b"name" in build()


def test_nested_else_belongs_to_its_own_if() -> None:
    f = function(i32, i32)
    a, b = f.params
    with f.if_(a):
        with f.if_(b):
            f.return_(3)
        with f.else_():
            f.return_(2)
    with f.else_():
        f.return_(1)
    f.unreachable()
    assert [run(f, 1, 1), run(f, 1, 0), run(f, 0, 1)] == [3, 2, 1]


def test_errors_of_nesting_and_types() -> None:
    f = function(i32)
    with pytest.raises(AsmError, match="f: else_ must follow its if_"), f.else_():
        pass
    with pytest.raises(AsmError, match="f: a value of i32 would be left on the stack"):
        f.emit(f.param(0))
    with pytest.raises(AsmError, match="f: set x: operand 0 must be f32, got i32"):
        f.set(f.local(f32, "x"), f.param(0))
    with pytest.raises(AsmError, match="f: returns 1 values, got 0"):
        f.return_()
    with (
        pytest.raises(AsmError, match="f: if: operand 0 must be i32, got Python's False"),
        f.if_(f.param(0) == f.local(i32)),
    ):
        pass
    with pytest.raises(AsmError, match="f: takes 1 arguments, got 2"):
        f.call(f, 1, 2)
    with f.block() as inner:
        pass
    with pytest.raises(AsmError, match="f: branch to a label that is closed"):
        f.br(inner)
    open_block = f.block()
    open_block.__enter__()
    with pytest.raises(AsmError, match="f: 1 blocks are still open"):
        f.body()
