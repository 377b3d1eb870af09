"""Emit a `Finish`: bias and operands of the epilogue, vector by vector.

finisher = Finisher(f, target, finish, args, operand_word=8)
finisher.start(column)           # bias vector at a column, or zero
finisher.apply(acc, out, column) # the epilogue of a sum that will be stored at `out`

A `heavy` epilogue, such as one with an exponential, is code that should stand in a kernel once, not
for each accumulator: a kernel then stores its sums as they are, and finishes them in a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....ir.dtype import I32
from ....ir.expr import cast
from ....program.kernels.finish import Finish
from ...base import Target
from .. import asm as w
from ..expr import VectorExpr
from ..function import Function, Local
from ..val import Val

__all__ = ["Finisher"]

OUT_WORD, BIAS_WORD = 0, 1

# Distinct operations and leaves of an epilogue up to which it is spliced in at each accumulator.
LIGHT = 12


class Finisher:
    """The finish of a kernel whose argument words begin with `out bias`.

    Operands are read where they are needed: a vector that reaches beyond the last column takes what
    lies behind, which is readable, and whose result nobody stores.
    """

    def __init__(
        self, f: Function, target: Target, finish: Finish, args: Val, operand_word: int
    ) -> None:
        self.f = f
        self.finish = finish
        self._bias = f.let(w.i32_load(args, offset=4 * BIAS_WORD)) if finish.bias else None
        self._operands: list[Local] = []
        out = f.let(w.i32_load(args, offset=4 * OUT_WORD)) if "full" in finish.operands else None
        for i, mode in enumerate(finish.operands):
            word = w.i32_load(args, offset=4 * (operand_word + i))
            if mode == "scalar":
                self._operands.append(f.let(w.v128_load32_splat(word)))
            elif mode == "full":
                assert out is not None
                self._operands.append(f.let(word - out))
            else:
                self._operands.append(f.let(word))
        if out is not None:
            f.free(out)
        expr = finish.epilogue
        if expr is not None and finish.narrow:
            expr = cast(expr.args[0], I32)  # `store` narrows
        self._expr = VectorExpr(f, target, expr) if expr is not None else None
        self.follows_out = "full" in finish.operands
        # An operand like the output may lie in its memory: no sum may go there before it is read.
        self.heavy = (
            self._expr is not None
            and len(self._expr.uses) > LIGHT
            and not self.follows_out
            and not finish.narrow  # sums would not fit where the results go
        )

    def start(self, column: Val, vector: int = 0) -> Val:
        """The bias of 4 columns, `vector` vectors after `column` bytes; zero if there is none."""
        if self._bias is None:
            return w.f32x4_const(0)
        return w.v128_load(self._bias + column, offset=16 * vector, align=4)

    def light(self, total: Val, out: Val, column: Val, vector: int = 0) -> Val:
        """What to store at once: the sum itself if the epilogue is heavy."""
        return total if self.heavy else self.apply(total, out, column, vector)

    def store(self, to: Local, values: Sequence[Val]) -> None:
        """Store the results of neighbouring vectors: any number, or of narrow ones one or two."""
        if not self.finish.narrow:
            for v, value in enumerate(values):
                self.f.v128_store(to, value, offset=16 * v)
            return
        dtype = self.finish.result
        packed = w.i16x8_narrow_i32x4_s(values[0], values[-1])
        if dtype.itemsize == 1:
            narrow = w.i8x16_narrow_i16x8_s if dtype.kind == "i" else w.i8x16_narrow_i16x8_u
            half = self.f.let(packed)
            packed = narrow(half, half)
            self.f.free(half)
        nbytes = 4 * dtype.itemsize * len(values)
        if nbytes == 16:
            self.f.v128_store(to, packed)
        else:
            self.f.emit(getattr(w, f"v128_store{8 * nbytes}_lane")(to, packed, 0))

    def apply(self, total: Val, out: Val, column: Val, vector: int = 0) -> Val:
        """What to store of 4 sums at `out` + 16 * vector, at `column` + 16 * vector in the row.

        `out` matters only if the finisher `follows_out`.
        """
        if self._expr is None:
            return total
        values = [total]
        for mode, operand in zip(self.finish.operands, self._operands, strict=True):
            if mode == "scalar":
                values.append(operand)
            else:
                base = out if mode == "full" else column
                values.append(w.v128_load(operand + base, offset=16 * vector, align=4))
        return self._expr(*values)
