"""Sequences: lists of tensors of one dtype, which live outside of linear memory."""

from __future__ import annotations

from ..errors import LimitError, ShapeError
from ..ir.const import Const
from ..ir.dtype import I32, I64
from ..ir.graph import Graph
from ..ir.shape import Shape, normalize_axis
from ..ir.types import TensorType
from ..ir.value import SequenceValue, Value
from .base import register
from .blocks import cut, join
from .hosted import HostOp, on_host, position, sequence, show_value, tensor

__all__ = ["SequenceMap"]

MAX_ITEMS = 1 << 20  # a tensor without elements may have an axis of any size
ONE, LAST = Const.scalar(I64, 1), Const.scalar(I64, -1)


def _of_one_kind(items: tuple[Value, ...]) -> SequenceValue:
    """A sequence of the items, which must be alike."""
    first = items[0] if items else None
    for item in items:
        same = type(item) is type(first)
        if same and isinstance(item, Const) and isinstance(first, Const):
            same = item.dtype == first.dtype
        if not same:
            raise ShapeError(f"{show_value(first)} and {show_value(item)} can't be in one sequence")
    return SequenceValue(items)


@register("SequenceEmpty", since=11)
class SequenceEmpty(HostOp):
    """A sequence without items."""

    dtype: int = 1

    def infer(self) -> tuple[TensorType, ...]:
        """Refuses: a sequence has no type."""
        on_host()

    def evaluate(self) -> tuple[Value, ...]:
        """It carries no dtype."""
        return (SequenceValue(()),)


@register("SequenceConstruct", since=11)
class SequenceConstruct(HostOp):
    """A sequence of the inputs."""

    def infer(self, first: TensorType, *more: TensorType) -> tuple[TensorType, ...]:
        """Refuses: a sequence has no type."""
        on_host()

    def evaluate(self, *items: Value) -> tuple[Value, ...]:
        """The inputs, if they are of one dtype."""
        return (_of_one_kind(tuple(tensor(item, "an input") for item in items)),)


@register("SequenceLength", since=11)
class SequenceLength(HostOp):
    """How many items a sequence has."""

    def infer(self, items: TensorType) -> tuple[TensorType, ...]:
        """A scalar."""
        return (TensorType(I64, ()),)

    def evaluate(self, items: Value) -> tuple[Value, ...]:
        """The number."""
        return (Const.scalar(I64, len(sequence(items, "the input").items)),)


@register("SequenceAt", since=11)
class SequenceAt(HostOp):
    """The item at a position; negative ones count from the end."""

    def infer(self, items: TensorType, at: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the items' shapes may differ."""
        on_host()

    def evaluate(self, items: Value, at: Value) -> tuple[Value, ...]:
        """The item."""
        given = sequence(items, "the input").items
        return (given[position(at, len(given), len(given) - 1)],)


@register("SequenceInsert", since=11)
class SequenceInsert(HostOp):
    """The sequence with one more tensor in front of a position, or at the end."""

    def infer(
        self, items: TensorType, item: TensorType, at: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """Refuses: a sequence has no type."""
        on_host()

    def evaluate(self, items: Value, item: Value, at: Value | None = None) -> tuple[Value, ...]:
        """A new sequence."""
        given = sequence(items, "the input").items
        n = len(given)
        place = n if at is None else position(at, n, n)
        new = tensor(item, "what is inserted")
        _of_one_kind((*given[:1], new))  # those that were there are alike
        return (SequenceValue((*given[:place], new, *given[place:])),)


@register("SequenceErase", since=11)
class SequenceErase(HostOp):
    """The sequence without the item at a position, or without its last one."""

    def infer(self, items: TensorType, at: TensorType | None = None) -> tuple[TensorType, ...]:
        """Refuses: a sequence has no type."""
        on_host()

    def evaluate(self, items: Value, at: Value | None = None) -> tuple[Value, ...]:
        """A new sequence."""
        given = sequence(items, "the input").items
        place = position(LAST if at is None else at, len(given), len(given) - 1)
        return (SequenceValue((*given[:place], *given[place + 1 :])),)


@register("SplitToSequence", since=11)
class SplitToSequence(HostOp):
    """The slices of a tensor along an axis.

    split: the sizes of all slices, or one number for the size of all but the last. Without it
    slices have size 1, and lose the axis if keepdims is 0.
    """

    axis: int = 0
    keepdims: bool = True

    def infer(self, x: TensorType, split: TensorType | None = None) -> tuple[TensorType, ...]:
        """Refuses: a sequence has no type."""
        on_host()

    def evaluate(self, x: Value, split: Value | None = None) -> tuple[Value, ...]:
        """Copies of the slices."""
        whole = tensor(x, "the input")
        axis = normalize_axis(self.axis, len(whole.shape))
        total = whole.shape[axis]
        sizes = _sizes(ONE if split is None else tensor(split, "split"), total)
        parts = cut(whole, axis, sizes)
        if split is None and not self.keepdims:
            shape = (*whole.shape[:axis], *whole.shape[axis + 1 :])
            parts = tuple(p.reshaped(shape) for p in parts)
        return (SequenceValue(parts),)


def _sizes(split: Const, total: int) -> tuple[int, ...]:
    if split.dtype not in (I32, I64) or len(split.shape) > 1:
        raise ShapeError(f"split is {show_value(split)}, an i32 or i64 or a list is expected")
    sizes = split.ints()
    if not split.shape:
        (size,) = sizes
        if size < 1:
            raise ShapeError(f"{total} can't be split into parts of size {size}")
        starts = range(0, total, size)
        if len(starts) > MAX_ITEMS:
            raise LimitError(f"an axis of size {total} would become {len(starts)} slices")
        return tuple(min(size, total - at) for at in starts)
    if min(sizes, default=0) < 0 or sum(sizes) != total:
        raise ShapeError(f"sizes {sizes} do not split an axis of size {total}")
    return sizes


@register("ConcatFromSequence", since=11)
class ConcatFromSequence(HostOp):
    """The items one after the other along an axis, which is a new one if new_axis is 1."""

    axis: int
    new_axis: bool = False

    def infer(self, items: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the items decide the shape."""
        on_host()

    def evaluate(self, items: Value) -> tuple[Value, ...]:
        """The joined items."""
        parts = [tensor(i, "an item") for i in sequence(items, "the input").items]
        if not parts:
            raise ShapeError("the sequence is empty, and so nothing tells the shape of the result")
        first = parts[0]
        axis = normalize_axis(self.axis, len(first.shape) + self.new_axis)
        kept = slice(0, 0) if self.new_axis else slice(axis, axis + 1)  # the dims that may differ
        for c in parts:
            same = len(c.shape) == len(first.shape) and c.dtype == first.dtype
            if not same or _without(c.shape, kept) != _without(first.shape, kept):
                raise ShapeError(
                    f"{show_value(first)} and {show_value(c)} can't be joined along axis {axis}"
                )
        if self.new_axis:
            shape = (*first.shape[:axis], 1, *first.shape[axis:])
            parts = [c.reshaped(shape) for c in parts]
        return (join(parts, axis),)


def _without(shape: Shape, dims: slice) -> Shape:
    return (*shape[: dims.start], *shape[dims.stop :])


@register("SequenceMap", since=17)
class SequenceMap(HostOp):
    """The body for each item of a sequence, and for the items of other sequences in step.

    inputs: a sequence, then sequences, or tensors that each run of the body gets as they are.
    """

    body: Graph

    def infer(self, items: TensorType, *more: TensorType) -> tuple[TensorType, ...]:
        """Refuses: a sequence has no type."""
        on_host()
