"""Calls into wasmtime: integers of both signs go in, and traps come out, again and again."""

from __future__ import annotations

import pytest
import wasmtime
from wasmkiln.errors import InternalError
from wasmkiln.host import default_host
from wasmkiln.host.native_call import bind


def function(text: str) -> tuple[wasmtime.Store, wasmtime.Memory, wasmtime.Func]:
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, wasmtime.wat2wasm(text))
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory, found = exports["memory"], exports["f"]
    assert isinstance(memory, wasmtime.Memory) and isinstance(found, wasmtime.Func)
    return store, memory, found


TEXT = """(module (memory (export "memory") 1)
  (func (export "f") (param i32 i32)
    (if (i32.eqz (local.get 0)) (then unreachable))
    (i32.store (local.get 0) (local.get 1))))"""


def test_values_and_traps() -> None:
    store, memory, found = function(TEXT)
    call = bind(store, found, 2)
    for value in (7, -1, -(1 << 31), (1 << 31) - 1):
        call(16, value)
        assert memory.read(store, 16, 20) == value.to_bytes(4, "little", signed=True)
        for _ in range(2):
            with pytest.raises(wasmtime.Trap, match="unreachable"):
                call(0, value)
    with pytest.raises(wasmtime.Trap, match="out of bounds"):
        call(-4, 1)
    with pytest.raises(ValueError, match="shorter"):
        call(1)


def test_a_trap_in_a_model_is_a_defect_of_ours() -> None:
    instance = default_host().open(1, False, 65536, 1 << 20)
    wat = """(module (import "env" "memory" (memory 1))
      (func (export "run") (param i32 i32 i32 i32 i32 i32) unreachable))"""
    instance.install(bytes(wasmtime.wat2wasm(wat)))
    for _ in range(2):
        with pytest.raises(InternalError, match="the emitted code failed"):
            instance.step(0, 0, 1)
    instance.release()
