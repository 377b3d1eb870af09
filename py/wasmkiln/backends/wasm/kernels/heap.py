"""Heaps of indices: a parent comes before its children in an order that a function gives."""

from __future__ import annotations

from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..module import Module
from ..val import Val

__all__ = ["emit_sift", "swap"]


def emit_sift(m: Module, name: str, before: Function) -> Function:
    """(heap, n, root, context...): let the root sink until no child comes before it.

    before: (context..., a, b) -> whether index a comes before index b.
    """
    context = len(before.signature[0]) - 2
    f = m.function(f"{name}_sift", (i32,) * (3 + context))
    heap, n, root, *given = f.params
    child, at = f.local(i32), f.local(i32)

    def is_before(a: Val, b: Val) -> Val:
        return f.call(before, *given, w.i32_load(a), w.i32_load(b))

    with f.loop() as again:
        f.set(child, root * 2 + 1)
        with f.if_(child >= n):
            f.return_()
        f.set(at, heap + child * 4)
        with f.if_((child + 1) < n), f.if_(is_before(at + 4, at)):
            f.add_to(child, 1)
            f.add_to(at, 4)
        with f.if_(is_before(at, heap + root * 4)):
            swap(f, heap + root * 4, at)
            f.set(root, child)
            f.br(again)
    return f


def swap(f: Function, a: Val | Local, b: Val | Local) -> None:
    """Exchange two words; the addresses are evaluated twice."""
    kept = f.let(w.i32_load(a))
    f.i32_store(a, w.i32_load(b))
    f.i32_store(b, kept)
    f.free(kept)
