"""ScatterElements and ScatterND: a copy of a tensor, some elements of which are replaced."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, DType
from ..ir.evaluate import evaluate
from ..ir.expr import Expr, arg, call
from ..ir.shape import normalize_axis, show
from ..ir.types import TensorType
from ..program.kernels.scatter import ScatterElementsSpec, ScatterNDSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import Op, register
from .copying import lower_copy
from .gather import check_indices, element_walk, index_in_range
from .indexing import offsets, row_strides

__all__: list[str] = []

_REDUCTIONS = {"add": "add", "mul": "mul", "max": "max", "min": "min"}


def _reduction(name: str, dtype: DType) -> Expr | None:
    """What the new element is made of: the old one and the update; None for just the update."""
    if name == "none":
        return None
    if dtype.kind in "nc":
        raise UnsupportedOperatorError(f"computing with {dtype} is not supported")
    if name not in _REDUCTIONS:
        raise UnsupportedOperatorError(f"reduction {name!r} is not supported")
    op = _REDUCTIONS[name]
    if dtype == BOOL:
        op = {"add": "or", "max": "or"}.get(op, "and")
    return call(op, arg(0, dtype), arg(1, dtype))


def _checked(x: TensorType, indices: TensorType, updates: TensorType) -> tuple[TensorType, ...]:
    check_indices(indices)
    if updates.dtype != x.dtype:
        raise ShapeError(f"updates are {updates.dtype}, the data is {x.dtype}")
    return (TensorType(x.dtype, x.shape),)


def _copied(lw: Lowering, x: Slot, out: Slot) -> None:
    strides = row_strides(x.type.shape)
    lower_copy(lw, x, out, x.type.shape, strides, strides)


class _ScatterElements(Op):
    """out[i, .., indices[i, j, ..], ..] = updates[i, j, ..], the index standing at `axis`."""

    moves_only = True

    axis: int = 0
    reduction: str = "none"

    def infer(
        self, x: TensorType, indices: TensorType, updates: TensorType
    ) -> tuple[TensorType, ...]:
        """The data's type."""
        axis = normalize_axis(self.axis, x.rank)
        _reduction(self.reduction, x.dtype)
        fits = indices.rank == x.rank and all(
            n <= m or d == axis for d, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True))
        )
        if indices.shape != updates.shape or not fits or (indices.size and not x.size):
            raise ShapeError(
                f"indices {show(indices.shape)} and updates {show(updates.shape)} do not suit {x}"
            )
        return _checked(x, indices, updates)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The changed elements."""
        x, indices, updates = inputs
        assert x is not None and indices is not None and updates is not None
        self.infer(*map(TensorType.of, (x, indices, updates)))
        axis = normalize_axis(self.axis, len(x.shape))
        strides = row_strides(x.shape)
        step, strides[axis] = strides[axis], 0
        out = list(x.values())
        reduce = _reduction(self.reduction, x.dtype)
        walk = offsets(indices.shape, strides)
        for o, i, value in zip(walk, indices.ints(), updates.values(), strict=True):
            at = o + index_in_range(i, x.shape[axis]) * step
            out[at] = value if reduce is None else evaluate(reduce, (out[at], value))
        return (Const.of(x.dtype, x.shape, out),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A copy of the data, then one call over all updates."""
        (x, indices, updates), (out,) = inputs, outputs
        assert x is not None and indices is not None and updates is not None
        _copied(lw, x, out)
        shape, width = x.type.shape, x.type.dtype.itemsize
        axis = normalize_axis(self.axis, len(shape))
        dims = element_walk(indices.type.shape, shape, axis)
        args: list[Word] = [lw.update(out), lw.read(updates), lw.read(indices)]
        args += [shape[axis], row_strides(shape)[axis] * width]
        args += [d[0] for d in dims]
        args += [d[1] * width for d in dims]
        reduce = _reduction(self.reduction, x.type.dtype)
        spec = ScatterElementsSpec(width, indices.type.dtype, len(dims), reduce)
        extent = dims[0][0] if indices.type.size else 0
        lw.call(spec, args, extent, max(1, extent))


@register("Scatter", since=9)
class Scatter(_ScatterElements):
    """The former name of ScatterElements."""


@register("ScatterElements", since=11)
class ScatterElements(_ScatterElements):
    """The data with updates at the places that indices give along an axis."""


@register("ScatterND", since=11)
class ScatterND(Op):
    """out[indices[i.., :], r..] = updates[i.., r..]: indices are vectors of coordinates."""

    moves_only = True

    reduction: str = "none"

    def infer(
        self, x: TensorType, indices: TensorType, updates: TensorType
    ) -> tuple[TensorType, ...]:
        """The data's type."""
        _reduction(self.reduction, x.dtype)
        k = indices.shape[-1] if indices.rank else x.rank + 1
        if k > x.rank or updates.shape != (*indices.shape[:-1], *x.shape[k:]):
            raise ShapeError(
                f"indices {show(indices.shape)} and updates {show(updates.shape)} do not suit {x}"
            )
        if updates.size and not x.size:
            raise ShapeError(f"{x} has no place for updates")
        return _checked(x, indices, updates)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The changed elements."""
        x, indices, updates = inputs
        assert x is not None and indices is not None and updates is not None
        self.infer(*map(TensorType.of, (x, indices, updates)))
        if not updates.data:
            return (x,)
        k = indices.shape[-1]
        strides, inner = row_strides(x.shape), prod(x.shape[k:])
        out, values, coordinates = list(x.values()), updates.values(), indices.ints()
        reduce = _reduction(self.reduction, x.dtype)
        for r in range(prod(indices.shape[:-1])):
            row = coordinates[r * k : (r + 1) * k]
            start = sum(
                index_in_range(i, n) * s for i, n, s in zip(row, x.shape, strides, strict=False)
            )
            for e in range(inner):
                old, value = out[start + e], values[r * inner + e]
                out[start + e] = value if reduce is None else evaluate(reduce, (old, value))
        return (Const.of(x.dtype, x.shape, out),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A copy of the data, then one call over all updates."""
        (x, indices, updates), (out,) = inputs, outputs
        assert x is not None and indices is not None and updates is not None
        _copied(lw, x, out)
        shape, width, k = x.type.shape, x.type.dtype.itemsize, indices.type.shape[-1]
        strides = row_strides(shape)
        args: list[Word] = [lw.update(out), lw.read(updates), lw.read(indices)]
        args.append(prod(shape[k:]) * width)
        for d in range(k):
            args += [shape[d], strides[d] * width]
        spec = ScatterNDSpec(width, indices.type.dtype, k, _reduction(self.reduction, x.type.dtype))
        rows = prod(indices.type.shape[:-1]) if updates.type.size else 0
        lw.call(spec, args, rows, max(1, rows))
