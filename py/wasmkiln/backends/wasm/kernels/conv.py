"""Convolution as a product whose rows of A are patches of the input (see program/kernels/conv.py).

for each block of output pixels:
    for each pixel and tap: a pointer into the input, or to zeros in the padding
        (copied: for each pixel, the patch as a row of K floats)
    for each group, for each panel of its weights: the tiles of the block (tile.py)
"""

from __future__ import annotations

from ....program.kernels.conv import ConvSpec
from ....program.kernels.gemm import HEAD_WORDS, NR
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel
from ..module import Module
from .gemm import minimum
from .patches import patches_function, pointers_function
from .tile import (
    K_WORD,
    N_WORD,
    OUT_STEP_WORD,
    PANEL_BYTES,
    TAPS_WORD,
    rows_function,
    word,
)

__all__ = ["emit_conv"]

_WORDS = "x b zero m panels block by_panels scratch share rows_at pixel group_step"


def emit_conv(spec: ConvSpec, m: Module, target: Target) -> Function:
    """Blocks of pixels, and in each all panels of the range."""
    gather = patches_function(m) if spec.copied else pointers_function(m)
    rows = rows_function(m, target, spec.finish, pointers=not spec.copied)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    c = _Conv(f, spec, rows)
    by_panels, zero = c.args["by_panels"], w.i32_const(0)
    pixel = f.let(w.select(zero, begin, by_panels))
    pixels = f.let(w.select(c.args["m"], end, by_panels))
    left = f.local(i32, "left")
    with f.for_range(pixel, pixel, pixels, c.args["block"]):
        f.set(left, minimum(c.args["block"], pixels - pixel))
        f.call(gather, c.geometry, c.table, pixel, left)
        f.set(c.q, w.select(begin, zero, by_panels))
        f.set(c.q_end, w.select(end, c.panels, by_panels))
        c.block(pixel, left)
    return f


class _Conv:
    def __init__(self, f: Function, spec: ConvSpec, rows: Function) -> None:
        self.f, self.spec, self.rows = f, spec, rows
        args = f.params[0]
        first = HEAD_WORDS + len(spec.finish.operands)
        self.args = {
            name: f.let(word(args, first + i), name) for i, name in enumerate(_WORDS.split())
        }
        self.geometry = f.let(args + 4 * first)
        self.out = f.let(word(args, 0))
        self.out_step, self.n = f.let(word(args, OUT_STEP_WORD)), f.let(word(args, N_WORD))
        self.tail = f.let(self.args["scratch"] + f.params[3] * self.args["share"])
        self.table = f.let(self.tail + self.args["rows_at"])
        k = word(args, K_WORD) if spec.copied else word(args, K_WORD) * word(args, TAPS_WORD)
        self.panel_bytes = f.let(k * PANEL_BYTES)
        groups = self.args["pixel"] // self.args["group_step"]
        self.panels = f.let(groups * self.args["panels"])
        self.q, self.q_end = f.local(i32, "q"), f.local(i32, "q_end")
        self.p, self.group = f.local(i32, "p"), f.local(i32, "group")
        self.b, self.c = f.local(i32, "b"), f.local(i32, "c")
        self.column = f.local(i32, "column")

    def block(self, pixel: Local, left: Local) -> None:
        """Panels [q, q_end) of all groups for the pixels of a block."""
        f, args = self.f, self.args
        f.set(self.group, self.q // args["panels"])
        f.set(self.p, self.q - self.group * args["panels"])
        f.set(self.b, args["b"] + self.q * self.panel_bytes)
        f.set(self.column, (self.group * self.n + self.p * NR) * 4)
        f.set(self.c, self.out + pixel * self.out_step)
        with f.while_(self.q < self.q_end):
            f.add_to(self.p, 1)
            f.add_to(self.q, 1)
            tail = w.select(self.tail, w.i32_const(0), self.p * NR > self.n)
            out = self.c + self.column
            last = self.b if self.spec.copied else self.group * args["group_step"]
            f.call(self.rows, f.params[0], self.table, self.b, out, self.column, left, tail, last)
            f.add_to(self.b, self.panel_bytes)
            f.add_to(self.column, PANEL_BYTES)
            with f.if_(self.p.eq(args["panels"])):
                f.set(self.p, 0)
                f.add_to(self.group, 1)
                f.set(self.column, self.group * self.n * 4)
