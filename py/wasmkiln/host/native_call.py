"""Calls of an exported function whose parameters are i32, without wasmtime's conversions.

Its own call asks for the function's type and makes an object of each argument, at every call:
50 us, where a small model runs for 2.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi

__all__ = ["bind"]


def bind(store: wasmtime.Store, function: Any, count: int) -> Callable[..., None]:
    """The function as one of `count` integers.

    Raises wasmtime's Trap or WasmtimeError when it is called. Not for several threads at once.
    """
    args = (ffi.wasmtime_val_raw_t * count)()
    trap = ctypes.POINTER(ffi.wasm_trap_t)()
    where, what, out = ctypes.byref(function._func), args, ctypes.byref(trap)
    call, context = ffi.wasmtime_func_call_unchecked, store._context()

    def run(*values: int) -> None:
        for slot, value in zip(args, values, strict=True):
            slot.i32 = value
        error = call(context, where, what, count, out)
        if error:
            raise wasmtime.WasmtimeError._from_ptr(error)
        if trap:
            raise _taken(trap)

    return run


def _taken(trap: Any) -> wasmtime.Trap:
    """The trap as an exception, and the pointer to it ready for the next."""
    raised = wasmtime.Trap._from_ptr(ctypes.cast(trap, ctypes.POINTER(ffi.wasm_trap_t)))
    ctypes.memset(ctypes.byref(trap), 0, ctypes.sizeof(trap))
    return raised
