"""What all kernels begin with and loop with: their signature, argument words, fused multiply-add.

f = kernel(m, spec.name)
a, out, n, alpha = load_args(f, "a out n alpha:f32")
_, begin, end, thread = f.params
"""

from __future__ import annotations

from ..base import Target
from . import asm as w
from .function import Function, Local
from .isa import f32, i32
from .module import Module
from .val import Val

KERNEL_PARAMS = (i32, i32, i32, i32)  # args, begin, end, thread


def kernel(m: Module, name: str) -> Function:
    """Start a kernel, a function of `(args, begin, end, thread)`."""
    return m.function(name, KERNEL_PARAMS)


def load_args(f: Function, names: str) -> tuple[Local, ...]:
    """Load the argument words into locals, in their order; `name:f32` is the bits of a float."""
    args = f.params[0]
    made = []
    for i, word in enumerate(names.split()):
        name, _, kind = word.partition(":")
        local = f.local(f32 if kind == "f32" else i32, name)
        load = w.f32_load if kind == "f32" else w.i32_load
        f.set(local, load(args, offset=4 * i))
        made.append(local)
    return tuple(made)


def madd(target: Target, a: Val, b: Val, c: Val) -> Val:
    """a * b + c on four floats: rounded once with relaxed SIMD (where there is FMA), else twice."""
    if target.simd == "relaxed":
        return w.f32x4_relaxed_madd(a, b, c)
    return w.f32x4_add(w.f32x4_mul(a, b), c)


def nmadd(target: Target, a: Val, b: Val, c: Val) -> Val:
    """c - a * b on four floats, like `madd`."""
    if target.simd == "relaxed":
        return w.f32x4_relaxed_nmadd(a, b, c)
    return w.f32x4_sub(c, w.f32x4_mul(a, b))
