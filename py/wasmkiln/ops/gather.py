"""Gather, GatherElements and GatherND: elements picked by indices."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.const import MAX_INLINE, Const
from ..ir.dtype import I32, I64
from ..ir.shape import normalize_axis, numel, show
from ..ir.types import TensorType
from ..program.kernels.gather import GatherElementsSpec, GatherNDSpec, GatherSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .indexing import offsets, row_strides, take
from .movement import StridedSlice, View

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Take", "check_indices", "element_walk", "index_in_range"]

# Bytes of a share worth giving to a thread.
GRAIN = 16384


def check_indices(indices: TensorType) -> None:
    """Raise ShapeError unless the indices are 32- or 64-bit integers."""
    if indices.dtype not in (I32, I64):
        raise ShapeError(f"indices are {indices.dtype}, neither i32 nor i64")


@register("Gather", since=1)
class Gather(Op):
    """out[o.., i.., r..] = x[o.., indices[i..], r..], where o.. are the dims before `axis`."""

    moves_only = True

    axis: int = 0

    def infer(self, x: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        """The indices' shape in place of the axis."""
        check_indices(indices)
        axis = normalize_axis(self.axis, x.rank)
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
        if x.shape[axis] == 0 and numel(shape):
            raise ShapeError(f"{x} has nothing to take along axis {axis}")
        return (TensorType(x.dtype, shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The picked elements, if they are few."""
        x, indices = inputs
        assert x is not None and indices is not None
        (t,) = self.infer(TensorType.of(x), TensorType.of(indices))
        if t.size > MAX_INLINE:
            return None
        if not t.size:
            return (Const(t.dtype, t.shape, b""),)
        axis = normalize_axis(self.axis, len(x.shape))
        size, inner = x.shape[axis], prod(x.shape[axis + 1 :])
        picked = [index_in_range(i, size) for i in indices.ints()]
        rows = [o * size + i for o in range(prod(x.shape[:axis])) for i in picked]
        return (take(x, t.shape, [r * inner + e for r in rows for e in range(inner)]),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A slice where one constant index is taken: it may be a view."""
        x, indices = inputs
        t, known = g.type(x), g.type(indices).value
        if known is None or known.shape not in ((), (1,)):
            return None
        axis = normalize_axis(self.axis, t.rank)
        at = index_in_range(known.ints()[0], t.shape[axis])
        starts = tuple(at if d == axis else 0 for d in range(t.rank))
        sizes = tuple(1 if d == axis else n for d, n in enumerate(t.shape))
        row = g.add(StridedSlice(starts=starts, steps=(1,) * t.rank, sizes=sizes), x)
        if known.shape:
            return (row,)
        return (g.add(View(shape=t.shape[:axis] + t.shape[axis + 1 :]), row),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all rows of the output."""
        (x, indices), (out,) = inputs, outputs
        assert x is not None and indices is not None
        axis = normalize_axis(self.axis, x.type.rank)
        shape, width = x.type.shape, x.type.dtype.itemsize
        inner = prod(shape[axis + 1 :])
        count = indices.type.size
        spec = GatherSpec(width if inner == 1 else 0, indices.type.dtype)
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(indices)]
        args += [count, shape[axis], inner * width]
        extent = prod(shape[:axis]) * count if inner else 0
        lw.call(spec, args, extent, max(1, GRAIN // max(1, inner * width)))


@register("Take", domain=INTERNAL)
class Take(Op):
    """The input with chosen indices of one axis, in the given order."""

    moves_only = True

    axis: int
    indices: tuple[int, ...]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """As many as there are indices along the axis."""
        return (
            TensorType(
                x.dtype, (*x.shape[: self.axis], len(self.indices), *x.shape[self.axis + 1 :])
            ),
        )

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The picked elements."""
        return Gather(axis=self.axis).evaluate(*inputs, self._const())

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same choice from a transposed input."""
        return Take(axis=perm.index(self.axis), indices=self.indices)

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gather."""
        (x,) = inputs
        return (g.add(Gather(axis=self.axis), x, g.const(self._const())),)

    def _const(self) -> Const:
        return Const.of(I32, (len(self.indices),), self.indices)


def index_in_range(index: int, size: int) -> int:
    """The index counted from the front; ShapeError if it is out of range."""
    if not -size <= index < size:
        raise ShapeError(f"index {index} is outside of an axis of size {size}")
    return index + size if index < 0 else index


@register("GatherElements", since=11)
class GatherElements(Op):
    """out[i, j, ..] = x[i, .., indices[i, j, ..], ..], the index standing at `axis`."""

    moves_only = True

    axis: int = 0

    def infer(self, x: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        """The indices' shape."""
        check_indices(indices)
        axis = normalize_axis(self.axis, x.rank)
        fits = indices.rank == x.rank and all(
            n <= m or d == axis for d, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True))
        )
        if not fits or (indices.size and not x.shape[axis]):
            raise ShapeError(f"indices {show(indices.shape)} do not fit {x} along axis {axis}")
        return (TensorType(x.dtype, indices.shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The picked elements."""
        x, indices = inputs
        assert x is not None and indices is not None
        self.infer(TensorType.of(x), TensorType.of(indices))
        axis = normalize_axis(self.axis, len(x.shape))
        strides = row_strides(x.shape)
        step = strides[axis]
        strides[axis] = 0
        walk = offsets(indices.shape, strides)
        size = x.shape[axis]
        picked = [
            o + index_in_range(i, size) * step for o, i in zip(walk, indices.ints(), strict=True)
        ]
        return (take(x, indices.shape, picked),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all elements of the output, merged to few dimensions."""
        (x, indices), (out,) = inputs, outputs
        assert x is not None and indices is not None
        axis = normalize_axis(self.axis, x.type.rank)
        width = x.type.dtype.itemsize
        dims = element_walk(indices.type.shape, x.type.shape, axis)
        step = row_strides(x.type.shape)[axis] * width
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(indices), x.type.shape[axis], step]
        args += [d[0] for d in dims]
        args += [d[1] * width for d in dims]
        spec = GatherElementsSpec(width, indices.type.dtype, len(dims))
        per_unit = indices.type.size // max(1, dims[0][0])
        lw.call(
            spec, args, dims[0][0] if indices.type.size else 0, max(1, 4096 // max(1, per_unit))
        )


def element_walk(
    indices: tuple[int, ...], data: tuple[int, ...], axis: int
) -> list[tuple[int, int]]:
    """(size, stride in the data without the axis) of the fewest dims that cover the indices."""
    strides = row_strides(data)
    strides[axis] = 0
    dims: list[tuple[int, int]] = []
    for size, stride in zip(indices, strides, strict=True):
        if size == 1:
            continue
        if dims and dims[-1][1] == stride * size:
            dims[-1] = (dims[-1][0] * size, stride)
        else:
            dims.append((size, stride))
    return dims or [(1, 0)]


@register("GatherND", since=11)
class GatherND(Op):
    """out[b.., i.., r..] = x[b.., indices[b.., i.., :], r..]: indices are coordinates."""

    moves_only = True

    batch_dims: int = 0

    def infer(self, x: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        """The indices' shape without its last dimension, then what the coordinates leave of x."""
        check_indices(indices)
        b = self.batch_dims
        if not indices.rank or not 0 <= b < min(x.rank, indices.rank):
            raise ShapeError(f"batch_dims {b} does not suit {x} and {indices}")
        k = indices.shape[-1]
        if k + b > x.rank or x.shape[:b] != indices.shape[:b]:
            raise ShapeError(f"{indices} does not index {x} with {b} batch dimensions")
        shape = (*indices.shape[:-1], *x.shape[b + k :])
        if numel(shape) and not prod(x.shape[b : b + k]):
            raise ShapeError(f"{x} has nothing to take")
        return (TensorType(x.dtype, shape),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all vectors of coordinates."""
        (x, indices), (out,) = inputs, outputs
        assert x is not None and indices is not None
        width, b = x.type.dtype.itemsize, self.batch_dims
        shape, k = x.type.shape, indices.type.shape[-1]
        inner = prod(shape[b + k :]) * width
        rows = prod(indices.type.shape[:-1])
        per_batch = max(1, rows // max(1, prod(shape[:b])))
        args: list[Word] = [lw.write(out), lw.read(x), lw.read(indices)]
        args += [per_batch, prod(shape[b:]) * width, inner]
        strides = row_strides(shape)
        for d in range(b, b + k):
            args += [shape[d], strides[d] * width]
        spec = GatherNDSpec(width if inner == width else 0, indices.type.dtype, k)
        lw.call(spec, args, rows if inner else 0, max(1, GRAIN // max(1, inner)))
