"""Elements of any dtype as scalars, the first bytes of a vector, and runs of vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....errors import UnsupportedOperatorError
from ....ir.dtype import DType
from .. import asm as w
from ..function import Function, Local
from ..val import Operand, Val

__all__ = ["Store", "load_scalar", "store_bytes", "store_scalar", "sweep"]


def load_scalar(dtype: DType, address: Operand, offset: int = 0) -> Val:
    """An element as `legalize.lane` has it: narrow integers extended, halves as bits."""
    size = dtype.itemsize
    if size > 8:
        raise UnsupportedOperatorError(f"elements of {dtype} are not supported")
    if dtype.is_float and size >= 4:
        return (w.f32_load if size == 4 else w.f64_load)(address, offset=offset)
    if size == 8:
        return w.i64_load(address, offset=offset)
    if size == 4:
        return w.i32_load(address, offset=offset)
    sign = "s" if dtype.kind == "i" else "u"
    load: Val = getattr(w, f"i32_load{8 * size}_{sign}")(address, offset=offset)
    return load


def store_scalar(f: Function, dtype: DType, address: Operand, value: Val) -> None:
    """Store an element, given as `legalize.lane` has it."""
    size = dtype.itemsize
    if dtype.is_float and size >= 4:
        (f.f32_store if size == 4 else f.f64_store)(address, value)
    elif size == 8:
        f.i64_store(address, value)
    else:
        {4: f.i32_store, 2: f.i32_store16, 1: f.i32_store8}[size](address, value)


def store_bytes(f: Function, address: Val, vector: Val, nbytes: Val) -> None:
    """Store the first `nbytes` bytes of a vector; all of it if there are 16 or more."""
    left, p, v = f.let(nbytes), f.let(address), f.let(vector)
    with f.if_(left.ge_s(16)):
        f.v128_store(p, v)
    with f.else_():
        for size in (8, 4, 2, 1):
            with f.if_(left & size):
                f.emit(getattr(w, f"v128_store{8 * size}_lane")(p, v, 0))
                if size > 1:
                    rest = [(size + byte) % 16 for byte in range(16)]
                    f.set(v, w.i8x16_shuffle(v, v, rest))
                    f.add_to(p, size)
    f.free(left, p, v)


Store = Callable[[Val, Val, int], None]
"""store(address, vector, v): store the v-th vector of a body at address + 16 * v."""


def sweep(
    f: Function,
    nbytes: Local,
    body: Callable[[Local, int, Store], None],
    widths: Sequence[int] = (4, 1),
) -> None:
    """Cover a run of bytes by vectors: body(offset, width, store) takes `width` vectors at once.

    What is left at the end of a run of 16 bytes or more is covered by a vector that overlaps the
    one before it, so a body must not read what it has written. A shorter run is stored in part.
    """

    def whole(address: Val, vector: Val, v: int) -> None:
        f.v128_store(address, vector, offset=16 * v)

    def partial(address: Val, vector: Val, v: int) -> None:
        store_bytes(f, address, vector, nbytes)

    at = f.let(0)
    for width in widths:
        with f.while_(at.le_s(nbytes - 16 * width)):
            body(at, width, whole)
            f.add_to(at, 16 * width)
    with f.if_(at < nbytes):
        f.set(at, w.select(nbytes - 16, w.i32_const(0), nbytes >= 16))
        body(at, 1, partial)
    f.free(at)
