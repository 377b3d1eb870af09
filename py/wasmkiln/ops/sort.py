"""TopK."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import BOOL, I64, STRING
from ..ir.shape import normalize_axis
from ..ir.types import TensorType
from ..program.kernels.sort import TopKSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .movement import constant_ints

__all__ = ["BestK"]

# Elements worth giving to a thread.
GRAIN = 2048


@register("BestK", domain=INTERNAL)
class BestK(Op):
    """The k best elements along an axis, best first, and their indices."""

    k: int
    axis: int
    largest: bool

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """k along the axis."""
        axis = normalize_axis(self.axis, x.rank)
        if not 0 <= self.k <= x.shape[axis]:
            raise ShapeError(f"k is {self.k}, axis {axis} of {x} has {x.shape[axis]} elements")
        if x.dtype in (BOOL, STRING):
            raise UnsupportedOperatorError(f"{x.dtype} has no order")
        shape = (*x.shape[:axis], self.k, *x.shape[axis + 1 :])
        return TensorType(x.dtype, shape), TensorType(I64, shape)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The elements in plain Python."""
        (x,) = inputs
        if x is None:
            return None
        t, i = self.infer(TensorType.of(x))
        axis = normalize_axis(self.axis, t.rank)
        r, inner = x.shape[axis], prod(x.shape[axis + 1 :])
        values = x.values()
        found, chosen = [0] * t.size, [values[0] if values else 0] * t.size
        for line in range(t.size // max(1, self.k)):
            outer, rest = divmod(line, max(1, inner))
            row = values[outer * r * inner + rest : (outer + 1) * r * inner : inner]
            keys = [(v != v, 0 if v != v else v) for v in row]  # NaN is the greatest
            order = sorted(range(r), key=keys.__getitem__, reverse=self.largest)[: self.k]
            places = slice(outer * self.k * inner + rest, (outer + 1) * self.k * inner, inner)
            found[places] = order
            chosen[places] = [row[o] for o in order]
        return Const.of(t.dtype, t.shape, chosen), Const.of(I64, i.shape, found)

    def permuted(self, perm: tuple[int, ...]) -> Op:
        """The same along the axis' new place."""
        return self.with_(axis=list(perm).index(self.axis))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all lines."""
        (x,), (values, indices) = inputs, outputs
        assert x is not None
        axis = normalize_axis(self.axis, x.type.rank)
        r, inner = x.type.shape[axis], prod(x.type.shape[axis + 1 :])
        scratch, share = lw.scratch(4 * self.k)
        args: list[Word] = [lw.write(values), lw.write(indices), lw.read(x)]
        args += [r, self.k, inner, scratch, share]
        spec = TopKSpec(x.type.dtype, self.largest)
        lines = x.type.size // max(1, r) if self.k else 0
        lw.call(spec, args, lines, max(1, GRAIN // max(1, r)))


@register("TopK", since=1)
class TopK1(Op):
    """The k largest elements, k being an attribute."""

    k: int
    axis: int = -1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """k along the axis, twice."""
        return BestK(k=self.k, axis=self.axis, largest=True).infer(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A BestK."""
        axis = normalize_axis(self.axis, g.type(inputs[0]).rank)
        return g.add_all(BestK(k=self.k, axis=axis, largest=True), inputs, n_outputs=2)


class _TopK(Op):
    """What the versions share whose k is an input."""

    axis: int = -1

    def _best(self, x: TensorType, k: TensorType) -> BestK:
        counts = constant_ints(k, "k")
        if len(counts) != 1:
            raise ShapeError(f"k is {k}, one number is expected")
        axis = normalize_axis(self.axis, x.rank)
        return BestK(k=counts[0], axis=axis, largest=getattr(self, "largest", True))

    def infer(self, x: TensorType, k: TensorType) -> tuple[TensorType, ...]:
        """k along the axis, twice."""
        return self._best(x, k).infer(x)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The elements in plain Python."""
        x, k = inputs
        assert x is not None and k is not None
        return self._best(TensorType.of(x), TensorType.of(k)).evaluate(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A BestK, whose order also suits those who do not ask for one."""
        x, k = inputs
        return g.add_all(self._best(g.type(x), g.type(k)), (x,), n_outputs=2)


@register("TopK", since=10)
class TopK10(_TopK):
    """The k largest elements."""


@register("TopK", since=11)
class TopK(_TopK):
    """The k largest or smallest elements."""

    largest: bool = True
    sorted: bool = True
