"""Forest, the internal operator that tree ensembles become."""

from __future__ import annotations

from ..errors import ShapeError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import U8
from ..ir.types import TensorType
from ..program.kernels.forest import ForestFold, ForestSpec, Test
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .forest_tables import Tables

__all__ = ["fold_trees"]

# Rows worth giving to a thread: a hundred trees take about a microsecond for each.
GRAIN = 16


@register("Forest", domain=INTERNAL)
class Forest(Op):
    """The folded weights of the leaves that each row reaches, and which targets have any.

    inputs: x [N, F]; nodes, leaves and roots as ForestSpec has them.
    """

    targets: int
    trees: int
    test: Test
    fold: ForestFold
    marks: bool

    def infer(
        self, x: TensorType, nodes: TensorType, leaves: TensorType, roots: TensorType
    ) -> tuple[TensorType, ...]:
        """[N, targets], once or twice."""
        scores = TensorType(x.dtype, (x.shape[0], self.targets))
        return (scores, scores) if self.marks else (scores,)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over all rows."""
        slots = [s for s in inputs if s is not None]
        rows, features = slots[0].type.shape
        dtype = slots[0].type.dtype
        single = self.targets == 1
        spec = ForestSpec(dtype, self.test, self.fold, single, self.marks)
        marks = lw.write(outputs[1]) if self.marks else 0
        args: list[Word] = [lw.update(outputs[0]), marks, *map(lw.read, slots)]
        args += [self.trees, features * dtype.itemsize, self.targets]
        lw.call(spec, args, rows, GRAIN)


def fold_trees(
    g: GraphBuilder, x: str, tables: Tables, targets: int, fold: ForestFold, marks: bool
) -> tuple[str, str]:
    """Scores [N, targets] of rows [N, F], and '' or which targets have one, as 1.0."""
    t = g.type(x)
    if t.shape[1] < tables.features:
        raise ShapeError(f"the trees test {tables.features} features, and the input is {t}")
    trees = len(tables.roots) // 4
    op = Forest(targets=targets, trees=trees, test=tables.test, fold=fold, marks=marks)
    parts = (tables.nodes, tables.leaves or bytes(4), tables.roots)
    inputs = (x, *(g.const(Const(U8, (len(part),), part), "trees") for part in parts))
    scores, *rest = g.add_all(op, inputs, n_outputs=1 + marks)
    return scores, rest[0] if rest else ""
