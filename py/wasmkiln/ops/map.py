"""Map: the internal operator that all elementwise operators become."""

from __future__ import annotations

from ..errors import UnsupportedOperatorError
from ..ir.expr import Expr
from ..ir.shape import Shape, broadcast
from ..ir.types import TensorType
from ..program.kernels.map import MapSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register

__all__ = ["Map", "merge_dims"]

# A share of a flat map worth giving to a thread, in elements: waking one costs about as much.
GRAIN = 4096


@register("Map", domain=INTERNAL)
class Map(Op):
    """out[i] = expr(in0[i], in1[i], ...), the inputs broadcast to each other."""

    moves_only = True
    expr: Expr

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The broadcast shape; the dtype of the expression."""
        if any(t.dtype.kind in "nc" for t in inputs):
            _check_moves(self.expr)
        for i, dtype in self.expr.arguments.items():
            if inputs[i].dtype != dtype:
                raise UnsupportedOperatorError(f"{inputs[i]} is not supported, only {dtype}")
        return (TensorType(self.expr.dtype, broadcast(*(t.shape for t in inputs))),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One map kernel over the merged dimensions."""
        slots = [s for s in inputs if s is not None]
        (out,) = outputs
        sizes, strides = merge_dims(out.type.shape, [s.type.shape for s in slots])
        inner = tuple("b" if s[-1] == 0 else "c" for s in strides)
        args: list[Word] = [lw.write(out), *(lw.read(s) for s in slots), *sizes]
        for slot, stride in zip(slots, strides, strict=True):
            args.extend(step * slot.type.dtype.itemsize for step in stride[:-1])
        spec = MapSpec(
            self.expr, tuple(s.type.dtype for s in slots), out.type.dtype, len(sizes), inner
        )
        same = [(out, s) for s in slots if s.type.shape == out.type.shape]
        if len(sizes) == 1:
            lw.call(spec, args, sizes[0], GRAIN, same, unit=16)
        else:
            per_row = max(1, out.type.size // max(1, sizes[0]))
            lw.call(spec, args, sizes[0], max(1, GRAIN // per_row), same, unit=1)


def _check_moves(e: Expr) -> None:
    """UnsupportedOperatorError unless complex numbers are only chosen from, or from zero."""
    is_moved = e.op in ("arg", "select") or (e.op == "const" and not e.value)
    if e.dtype.kind in "nc" and not (is_moved and e.dtype.itemsize == 8):
        raise UnsupportedOperatorError(f"computing with {e.dtype} is not supported")
    for a in e.args:
        _check_moves(a)


def merge_dims(shape: Shape, inputs: list[Shape]) -> tuple[list[int], list[list[int]]]:
    """Fewest dimensions for a broadcast loop nest: sizes, and each input's strides in elements.

    Dimensions of size 1 vanish; neighbours merge where each input runs through both without a
    jump, or is repeated along both. At least one dimension is left.
    """
    full = [_element_strides(s, shape) for s in inputs]
    sizes: list[int] = []
    strides: list[list[int]] = [[] for _ in inputs]
    for d, size in enumerate(shape):
        if size == 1:
            continue
        if sizes and all(k[-1] == f[d] * size for k, f in zip(strides, full, strict=True)):
            sizes[-1] *= size
            for kept, f in zip(strides, full, strict=True):
                kept[-1] = f[d]
        else:
            sizes.append(size)
            for kept, f in zip(strides, full, strict=True):
                kept.append(f[d])
    if not sizes:
        return [1], [[1] for _ in inputs]
    return sizes, strides


def _element_strides(shape: Shape, to: Shape) -> list[int]:
    """Strides of a row-major tensor broadcast to a shape; 0 along repeated dimensions."""
    out = [0] * len(to)
    step = 1
    for i in range(1, len(shape) + 1):
        if shape[-i] != 1:
            out[-i] = step
            step *= shape[-i]
    return out
