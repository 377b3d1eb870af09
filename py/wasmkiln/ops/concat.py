"""Concat and Split: tensors joined along an axis, or cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import MAX_INLINE, Const
from ..ir.shape import normalize_axis, show
from ..ir.types import TensorType
from ..program.lowering import Lowering
from ..program.program import Slot
from .base import INTERNAL, Op, register
from .blocks import cut, join
from .copying import lower_copy
from .indexing import row_strides
from .movement import StridedSlice, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Concat", "Join"]


@register("Concat", since=4)
class Concat(Op):
    """The inputs one after the other along an axis."""

    moves_only = True

    axis: int

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The first input's shape with the sum of the sizes along the axis."""
        if not inputs:
            raise ShapeError("there are no inputs")
        first = inputs[0]
        axis = normalize_axis(self.axis, first.rank)
        for t in inputs:
            same = t.rank == first.rank and all(
                a == b or d == axis
                for d, (a, b) in enumerate(zip(t.shape, first.shape, strict=True))
            )
            if not same or t.dtype != first.dtype:
                raise ShapeError(f"{first} and {t} can't be joined along axis {axis}")
        total = sum(t.shape[axis] for t in inputs)
        return (TensorType(first.dtype, (*first.shape[:axis], total, *first.shape[axis + 1 :])),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The joined bytes, if they are few."""
        consts = [c for c in inputs if c is not None]
        (t,) = self.infer(*map(TensorType.of, consts))
        if t.size > MAX_INLINE:
            return None
        return (join(consts, normalize_axis(self.axis, t.rank)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Without inputs that are empty; a single one is the result itself."""
        full = [i for i in inputs if g.type(i).size]
        if len(full) == 1 or len(inputs) == 1:
            return ((full or list(inputs))[0],)
        return (g.add(self, *full),) if 0 < len(full) < len(inputs) else None

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same join of transposed inputs."""
        return Concat(axis=perm.index(normalize_axis(self.axis, len(perm))))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A copy for each input."""
        (out,) = outputs
        target = row_strides(out.type.shape)
        axis = normalize_axis(self.axis, out.type.rank)
        at = 0
        for x in inputs:
            assert x is not None
            shape = x.type.shape
            lower_copy(lw, x, out, shape, row_strides(shape), target, 0, at * target[axis])
            at += shape[axis]


@register("Join", domain=INTERNAL)
class Join(Concat):
    """Concat along an axis, whose inputs have been written to their parts of each row."""

    def row(self, *inputs: TensorType) -> tuple[tuple[int, ...], int]:
        """Where each input's part of a row begins, and the row's length, in bytes."""
        sizes = [t.shape[self.axis] * t.dtype.itemsize for t in inputs]
        return tuple(sum(sizes[:i]) for i in range(len(sizes))), sum(sizes)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """It stays."""
        return None

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """Nothing is left to do."""


@register("Concat", since=1)
class Concat1(Concat):
    """The inputs one after the other along an axis, by default along that of channels."""

    axis: int = 1


def _cut(g: GraphBuilder, x: str, axis: int, sizes: tuple[int, ...]) -> tuple[str, ...]:
    """Neighbouring slices along an axis."""
    shape = g.shape(x)
    steps = (1,) * len(shape)
    outputs, at = [], 0
    for size in sizes:
        starts = tuple(at if d == axis else 0 for d in range(len(shape)))
        part = (*shape[:axis], size, *shape[axis + 1 :])
        if size == shape[axis]:
            outputs.append(x)
        else:
            outputs.append(g.add(StridedSlice(starts=starts, steps=steps, sizes=part), x))
        at += size
    return tuple(outputs)


class _Split(Op):
    """What the versions of Split share; they differ in where the sizes come from."""

    moves_only = True

    axis: int = 0
    n_outputs: int = 1

    def _sizes(self, x: TensorType, given: tuple[int, ...] | None, even: bool) -> tuple[int, ...]:
        """The outputs' sizes along the axis: as given, or equal ones (the last may be smaller)."""
        total = x.shape[normalize_axis(self.axis, x.rank)]
        if given is None:
            n = self.n_outputs
            if even and total % n:
                raise ShapeError(f"{total} can't be split into {n} equal parts")
            part = -(-total // n)
            given = tuple(max(0, min(part, total - i * part)) for i in range(n))
        if sum(given) != total or min(given, default=0) < 0 or len(given) != self.n_outputs:
            raise ShapeError(
                f"sizes {given} don't split {show(x.shape)} into {self.n_outputs} "
                f"along axis {self.axis}"
            )
        return given

    def _types(self, x: TensorType, sizes: tuple[int, ...]) -> tuple[TensorType, ...]:
        axis = normalize_axis(self.axis, x.rank)
        return tuple(TensorType(x.dtype, (*x.shape[:axis], n, *x.shape[axis + 1 :])) for n in sizes)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The parts' bytes."""
        x = inputs[0]
        assert x is not None
        types = self.infer(*(TensorType.of(c) if c else None for c in inputs))
        axis = normalize_axis(self.axis, len(x.shape))
        return cut(x, axis, tuple(t.shape[axis] for t in types))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Slices, which are views where the input's rows are cut as a whole."""
        types = self.infer(*(g.type(i) if i else None for i in inputs))
        axis = normalize_axis(self.axis, len(g.shape(inputs[0])))
        return _cut(g, inputs[0], axis, tuple(t.shape[axis] for t in types))


@register("Split", since=1)
class Split1(_Split):
    """x cut along an axis into parts whose sizes are an attribute or an input, or equal."""

    split: tuple[int, ...] | None = None

    def infer(self, x: TensorType, split: TensorType | None = None) -> tuple[TensorType, ...]:
        """One type a part."""
        given = self.split if split is None else constant_ints(split, "the list of sizes")
        return self._types(x, self._sizes(x, given, even=True))


@register("Split", since=2)
class Split2(_Split):
    """x cut along an axis into parts whose sizes are an attribute, or equal."""

    split: tuple[int, ...] | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """One type a part."""
        return self._types(x, self._sizes(x, self.split, even=True))


@register("Split", since=13)
class Split13(_Split):
    """x cut along an axis into parts whose sizes are an input, or equal."""

    def infer(self, x: TensorType, split: TensorType | None = None) -> tuple[TensorType, ...]:
        """One type a part."""
        given = None if split is None else constant_ints(split, "the list of sizes")
        return self._types(x, self._sizes(x, given, even=True))


@register("Split", since=18)
class Split(_Split):
    """x cut along an axis into parts of given sizes, or num_outputs equal ones but the last."""

    num_outputs: int | None = None

    def infer(self, x: TensorType, split: TensorType | None = None) -> tuple[TensorType, ...]:
        """One type a part."""
        if split is not None and self.num_outputs is not None:
            raise UnsupportedOperatorError("both the input 'split' and num_outputs are given")
        given = None if split is None else constant_ints(split, "the list of sizes")
        return self._types(x, self._sizes(x, given, even=False))
