"""What kernels that move elements share: single elements, runs of bytes, nests of dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..val import Operand, Val

__all__ = ["Dim", "copy_bytes", "load_element", "move_element", "nest", "store_element"]

# Engines implement memory.copy by a call, which costs as much as copying about this many bytes.
LONG = 1024

Dim = tuple[Operand, Sequence[Operand]]
"""A dimension: its size, and for each pointer how many bytes a step takes."""


def load_element(address: Val, itemsize: int) -> Val:
    """An element's bits: a vector for 16 bytes, an i64 for 8, else an i32."""
    if itemsize == 16:
        return w.v128_load(address, align=1)
    if itemsize == 8:
        return w.i64_load(address)
    return {1: w.i32_load8_u, 2: w.i32_load16_u, 4: w.i32_load}[itemsize](address)


def store_element(f: Function, address: Val, bits: Val, itemsize: int) -> None:
    """Store an element's bits."""
    if itemsize == 16:
        f.v128_store(address, bits)
    elif itemsize == 8:
        f.i64_store(address, bits)
    else:
        {1: f.i32_store8, 2: f.i32_store16, 4: f.i32_store}[itemsize](address, bits)


def move_element(f: Function, target: Val, source: Val, itemsize: int) -> None:
    """Copy one element."""
    store_element(f, target, load_element(source, itemsize), itemsize)


def copy_bytes(f: Function, target: Val, source: Val, nbytes: Local) -> None:
    """Copy a run of bytes between buffers that don't overlap, whatever its length and alignment."""
    with f.if_(nbytes >= LONG):
        f.emit(w.memory_copy(target, source, nbytes))
    with f.else_():
        at = f.local(i32)
        with f.if_(nbytes >= 16):
            last = f.let(nbytes - 16)
            with f.for_range(at, 0, last, 16):
                f.v128_store(target + at, w.v128_load(source + at, align=1))
            # The last 16 bytes, of which some may have been copied already.
            f.v128_store(target + last, w.v128_load(source + last, align=1))
            f.free(last)
        with f.else_():
            f.set(at, 0)
            for size in (8, 4, 2, 1):
                with f.if_(nbytes & size):
                    move_element(f, target + at, source + at, size)
                    if size > 1:
                        f.add_to(at, size)
        f.free(at)


def nest(
    f: Function, dims: Sequence[Dim], pointers: Sequence[Local], body: Callable[..., None]
) -> None:
    """Loop over dimensions, outermost first; `body` gets the pointers of each iteration."""
    if not dims:
        body(*pointers)
        return
    (size, steps), *inner = dims
    i = f.local(i32)
    moved = [f.let(p) for p in pointers]
    with ExitStack() as stack:
        stack.enter_context(f.for_range(i, 0, size))
        nest(f, inner, moved, body)
        for p, step in zip(moved, steps, strict=True):
            f.add_to(p, step)
    f.free(i, *moved)
