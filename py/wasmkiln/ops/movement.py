"""The primitives of data movement: View, Transpose, ExpandTo, StridedSlice and Iota.

Public operators whose parameters come as inputs expand into these, whose parameters are fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from ..errors import DataDependentError, ShapeError
from ..ir.const import MAX_INLINE, Const
from ..ir.dtype import I64
from ..ir.shape import Shape, numel, show
from ..ir.types import TensorType
from ..program.kernels.copy import IotaSpec
from ..program.lowering import Lowering
from ..program.program import Slot
from .base import INTERNAL, Op, register
from .copying import lower_copy
from .indexing import broadcast_strides, offsets, row_strides, take

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = [
    "ExpandTo", "Iota", "StridedSlice", "Transpose", "View", "constant_ints", "filled", "permute",
]  # fmt: skip


def constant_ints(t: TensorType, what: str) -> tuple[int, ...]:
    """The elements of an input that must be known while compiling."""
    if t.value is None:
        raise DataDependentError(f"{what} depends on data computed at run time", t)
    return t.value.ints()


def permute(items: Sequence[int], perm: Sequence[int]) -> tuple[int, ...]:
    """The items in the order of a permutation: result i is item perm[i]."""
    return tuple(items[p] for p in perm)


def filled(g: GraphBuilder, value: Const, shape: Shape) -> str:
    """A tensor with one value everywhere: a small constant, or a scalar expanded at run time."""
    if numel(shape) <= MAX_INLINE:
        assert isinstance(value.data, bytes)
        return g.const(Const(value.dtype, shape, value.data * numel(shape)))
    return g.add(ExpandTo(shape=shape), g.const(value.reshaped((1,) * len(shape))))


@register("View", domain=INTERNAL)
class View(Op):
    """The input's memory under another shape of equal size."""

    moves_only = True
    shape: Shape

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The given shape."""
        if prod(self.shape) != x.size:
            raise ShapeError(f"{x} does not have the elements of {show(self.shape)}")
        return (TensorType(x.dtype, self.shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The same bytes."""
        (x,) = inputs
        if x is None:
            return None
        self.infer(TensorType.of(x))
        return (x.reshaped(self.shape),)

    def view(self, *inputs: TensorType | None) -> int | None:
        """All of the input."""
        return 0


@register("Transpose", since=1)
class Transpose(Op):
    """The input with its dimensions permuted: output dimension i is input dimension perm[i]."""

    moves_only = True

    perm: tuple[int, ...] | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The permuted shape."""
        perm = self.order(x.rank)
        if sorted(perm) != list(range(x.rank)):
            raise ShapeError(f"perm {perm} does not permute the dimensions of {show(x.shape)}")
        return (TensorType(x.dtype, permute(x.shape, perm)),)

    def order(self, rank: int) -> tuple[int, ...]:
        """The permutation; by default dimensions are reversed."""
        return tuple(range(rank - 1, -1, -1)) if self.perm is None else self.perm

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The permuted elements."""
        (x,) = inputs
        if x is None:
            return None
        shape = self.infer(TensorType.of(x))[0].shape
        strides = permute(row_strides(x.shape), self.order(len(shape)))
        return (take(x, shape, offsets(shape, strides)),)

    def view(self, *inputs: TensorType | None) -> int | None:
        """The input's memory, if only dimensions of size 1 change places."""
        (x,) = inputs
        assert x is not None
        moved = [p for p in self.order(x.rank) if x.shape[p] != 1]
        return 0 if moved == sorted(moved) or x.size == 0 else None

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same transposition between tensors that are transposed by `perm` themselves."""
        own = self.order(len(perm))
        return Transpose(perm=tuple(perm.index(own[p]) for p in perm))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A strided copy."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        strides = permute(row_strides(x.type.shape), self.order(x.type.rank))
        lower_copy(lw, x, out, out.type.shape, strides, row_strides(out.type.shape))


@register("ExpandTo", domain=INTERNAL)
class ExpandTo(Op):
    """The input repeated along dimensions of size 1 to a shape of the same rank."""

    moves_only = True

    shape: Shape

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The given shape."""
        pairs = zip(x.shape, self.shape, strict=False)
        if x.rank != len(self.shape) or any(d not in (1, s) for d, s in pairs):
            raise ShapeError(f"{x} does not expand to {show(self.shape)}")
        return (TensorType(x.dtype, self.shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The repeated elements, if they are few."""
        (x,) = inputs
        if x is None or numel(self.shape) > MAX_INLINE:
            return None
        strides = broadcast_strides(x.shape, self.shape)
        return (take(x, self.shape, offsets(self.shape, strides)),)

    def view(self, *inputs: TensorType | None) -> int | None:
        """The input's memory, if nothing is repeated."""
        (x,) = inputs
        assert x is not None
        return 0 if x.shape == self.shape else None

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same expansion of a transposed input."""
        return ExpandTo(shape=permute(self.shape, perm))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A copy with strides of 0."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        strides = broadcast_strides(x.type.shape, self.shape)
        lower_copy(lw, x, out, self.shape, strides, row_strides(self.shape))


@register("StridedSlice", domain=INTERNAL)
class StridedSlice(Op):
    """`sizes[d]` elements of each dimension, from `starts[d]` on, `steps[d]` (maybe < 0) apart."""

    moves_only = True

    starts: tuple[int, ...]
    steps: tuple[int, ...]
    sizes: Shape

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The sizes; all elements must lie inside of the input."""
        for d, start, step, size in zip(x.shape, self.starts, self.steps, self.sizes, strict=True):
            last = start + step * (size - 1)
            if size and not (0 <= start < d and 0 <= last < d):
                raise ShapeError(f"slice {start}..{last} is outside of {show(x.shape)}")
        return (TensorType(x.dtype, self.sizes),)

    def _walk(self, shape: Shape) -> tuple[list[int], int]:
        """Strides of the walk through the input, and where it starts, in elements."""
        rows = row_strides(shape)
        start = sum(s * r for s, r in zip(self.starts, rows, strict=True))
        return [s * r for s, r in zip(self.steps, rows, strict=True)], start if prod(
            self.sizes
        ) else 0

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The chosen elements."""
        (x,) = inputs
        if x is None:
            return None
        strides, start = self._walk(x.shape)
        return (take(x, self.sizes, offsets(self.sizes, strides, start)),)

    def view(self, *inputs: TensorType | None) -> int | None:
        """A piece of the input's memory, if the elements lie there one after the other."""
        (x,) = inputs
        assert x is not None
        strides, start = self._walk(x.shape)
        dense = row_strides(self.sizes)
        for size, stride, expected in zip(self.sizes, strides, dense, strict=True):
            if size > 1 and stride != expected:
                return None
        # Kernels expect buffers aligned to a vector's elements only, so any offset will do.
        return start * x.dtype.itemsize

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same slice of a transposed input."""
        parts = (permute(v, perm) for v in (self.starts, self.steps, self.sizes))
        return StridedSlice(**dict(zip(("starts", "steps", "sizes"), parts, strict=True)))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A strided copy."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        strides, start = self._walk(x.type.shape)
        lower_copy(lw, x, out, self.sizes, strides, row_strides(self.sizes), start)


@register("Iota", domain=INTERNAL)
class Iota(Op):
    """0, 1, 2, ... in i64."""

    count: int

    def infer(self) -> tuple[TensorType, ...]:
        """A vector."""
        return (TensorType(I64, (self.count,)),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The numbers, if they are few."""
        if self.count > MAX_INLINE:
            return None
        return (Const.of(I64, (self.count,), range(self.count)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call."""
        lw.call(IotaSpec(), [lw.write(outputs[0])], self.count, 4096)
