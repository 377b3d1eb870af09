"""Random graphs that stress fusion and the memory plan, beyond those of the passes' own test.

Values are used again long after they were fused away, views lie on views, slices are joined again,
and any value in the middle may be an output as well.
"""

from __future__ import annotations

import numpy as np
import onnx

from tests.differential.draw import Case, Draw
from tests.ops.check import Array, build, node
from tests.passes.random_models import RandomModel

__all__ = ["mixture", "patchwork"]


def mixture(d: Draw) -> Case:
    """A model of the passes' own test, with some of its inner values as outputs."""
    made = RandomModel(d.random.randrange(1 << 20))
    proto = made.model()
    known = {o.name for o in proto.graph.output}
    for name in made.shapes:
        if name not in known and name != "x" and d.random.randrange(5) == 0:
            proto.graph.output.append(onnx.ValueInfoProto(name=name))
    return Case(proto, made.feeds, rtol=1e-3, atol=1e-4)


def patchwork(d: Draw) -> Case:
    """One shape throughout: diamonds, slices joined again, views, in-place chains."""
    rows, columns = d.whole(1, 9), 2 * d.whole(1, 9)
    feeds = {"a": d.array([rows, columns]), "b": d.array([rows, columns])}
    work = _Patchwork(d, rows, columns, list(feeds))
    for _ in range(d.whole(2, 14)):
        d.one(work.binary, work.binary, work.unary, work.halves, work.views, work.turn, work.rows)()
    outputs = d.random.sample(work.values[2:], min(len(work.values) - 2, d.whole(1, 5)))
    if work.values[-1] not in outputs:
        outputs.append(work.values[-1])
    arrays = {**feeds, **work.consts}
    model = build(work.nodes, arrays, work.consts.keys(), outputs)
    return Case(model, feeds, rtol=1e-3, atol=1e-5)


class _Patchwork:
    """Nodes over values of one shape; `values` are in order of computation."""

    def __init__(self, d: Draw, rows: int, columns: int, values: list[str]) -> None:
        self.d, self.rows_, self.columns, self.values = d, rows, columns, values
        self.nodes: list[onnx.NodeProto] = []
        self.consts: dict[str, Array] = {}
        self.serial = 0

    def pick(self) -> str:
        """A recent value more often than an old one."""
        return self.d.one(self.values[-1], self.values[-1], *self.values)

    def add(self, op: str, inputs: str, n: int = 1, **attributes: object) -> list[str]:
        """A node with new outputs."""
        names = [f"t{self.serial + i}" for i in range(n)]
        self.serial += n
        self.nodes.append(node(op, inputs, " ".join(names), **attributes))
        return names

    def const(self, values: Array | list[int]) -> str:
        """A new initializer."""
        name = f"c{len(self.consts)}"
        self.consts[name] = np.asarray(values)
        return name

    def unary(self) -> None:
        """A bounded function."""
        op = self.d.one("Relu", "Tanh", "Sigmoid", "Neg", "Abs", "HardSwish", "Softmax")
        self.values += self.add(op, self.pick())

    def binary(self) -> None:
        """Of two values, maybe the same one."""
        op = self.d.one("Add", "Sub", "Max", "Min", "Mul")
        total = self.add(op, f"{self.pick()} {self.pick()}")
        self.values += self.add("Tanh", total[0]) if op == "Mul" else total

    def halves(self) -> None:
        """Split, work on one half, join in any order."""
        left, right = self.add("Split", self.pick(), 2, axis=1, num_outputs=2)
        if self.d.maybe():
            (left,) = self.add("Relu", left)
        if self.d.maybe():
            left, right = right, left
        self.values += self.add("Concat", f"{left} {right}", axis=1)

    def views(self) -> None:
        """There and back through other shapes."""
        half = self.const([self.rows_, 2, self.columns // 2])
        back = self.const([self.rows_, self.columns])
        (x,) = self.add("Reshape", f"{self.pick()} {half}")
        if self.d.maybe():
            (x,) = self.add("Transpose", x, perm=[0, 2, 1])
        if self.d.maybe():
            (x,) = self.add("Unsqueeze", f"{x} {self.const([0])}")
        self.values += self.add("Reshape", f"{x} {back}")

    def turn(self) -> None:
        """A product with a constant square matrix, from either side."""
        if self.d.maybe():
            w = self.const(self.d.array([self.columns, self.columns]) / self.columns)
            self.values += self.add("MatMul", f"{self.pick()} {w}")
        else:
            w = self.const(self.d.array([self.rows_, self.rows_]) / self.rows_)
            self.values += self.add("MatMul", f"{w} {self.pick()}")

    def rows(self) -> None:
        """Rows taken in another order, or scattered back into a value."""
        order = self.const(self.d.rng.permutation(self.rows_))
        if self.d.maybe():
            self.values += self.add("Gather", f"{self.pick()} {order}", axis=0)
        else:
            index = self.const(
                self.d.rng.permutation(self.rows_)[: self.d.whole(1, self.rows_), None]
            )
            (some,) = self.add("GatherND", f"{self.pick()} {index}")
            self.values += self.add("ScatterND", f"{self.pick()} {index} {some}")
