"""Random small models of operators that passes move, join and fuse."""

from __future__ import annotations

from math import prod
from random import Random

import numpy as np
import onnx

from tests.ops.check import Array, build, node

__all__ = ["RandomModel"]

MAX_SIZE = 20000
MAX_RANK = 6
UNARY = ("Relu", "Sigmoid", "Tanh", "Neg", "Abs", "HardSwish")
REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceSumSquare")


class RandomModel:
    """A model made of up to 16 random steps from one input; equal seeds make equal models."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.consts: dict[str, Array] = {}
        rank = self.random.choice([3, 4, 4, 4, 5])
        self.shapes = {"x": tuple(self.random.choice([1, 2, 3, 4, 6]) for _ in range(rank))}
        self.feeds = {"x": self.floats(*self.shapes["x"])}
        steps = [self.transpose, self.reshape, self.convolve, self.unary, self.binary, self.scale]
        steps += [
            self.reduce,
            self.softmax,
            self.pad,
            self.slice,
            self.multiply,
            self.concat,
            self.pool,
        ]
        while len(self.nodes) < 4 or (self.random.random() < 0.9 and len(self.nodes) < 16):
            value = self.random.choice(list(self.shapes)[-4:])
            self.random.choice(steps)(value, self.shapes[value])

    def model(self) -> onnx.ModelProto:
        """The model; values that no node uses are its outputs."""
        used = {name for n in self.nodes for name in n.input}
        outputs = [v for v in self.shapes if v not in used]
        return build(self.nodes, {**self.feeds, **self.consts}, self.consts.keys(), outputs)

    def floats(self, *shape: int) -> Array:
        """Random numbers around 0."""
        return (self.rng.standard_normal(shape) * 0.5).astype(np.float32)

    def const(self, value: Array | list[int]) -> str:
        """The name of a new initializer."""
        name = f"c{len(self.consts)}"
        self.consts[name] = np.array(value, np.int64) if isinstance(value, list) else value
        return name

    def add(self, op: str, inputs: str, shape: tuple[int, ...], **attributes: object) -> None:
        """Add a node, unless its output would be large."""
        if prod(shape) <= MAX_SIZE and len(shape) <= MAX_RANK:
            output = f"v{len(self.nodes)}"
            self.nodes.append(node(op, inputs, output, **attributes))
            self.shapes[output] = shape

    def transpose(self, v: str, shape: tuple[int, ...]) -> None:
        """Any permutation."""
        perm = self.random.sample(range(len(shape)), len(shape))
        if perm:
            self.add("Transpose", v, tuple(shape[p] for p in perm), perm=perm)

    def reshape(self, v: str, shape: tuple[int, ...]) -> None:
        """A dimension split in two, or two neighbours joined."""
        dims, at = list(shape), self.random.randrange(max(1, len(shape)))
        if dims and self.random.random() < 0.5:
            factor = self.random.choice([f for f in (1, 2, 3) if dims[at] % f == 0])
            parts = [factor, dims[at] // factor]
            dims[at : at + 1] = parts if self.random.random() < 0.5 else parts[::-1]
        else:
            dims[at : at + 2] = [prod(dims[at : at + 2])] if dims else []
        self.add("Reshape", f"{v} {self.const(dims)}", tuple(dims))

    def convolve(self, v: str, shape: tuple[int, ...]) -> None:
        """A convolution of 1 or 3 taps along each axis, of the same size."""
        spatial = len(shape) - 2
        if not 1 <= spatial <= 3:
            return
        filters, taps = self.random.choice([2, 4, 6]), self.random.choice([1, 1, 3])
        w = self.const(self.floats(filters, shape[1], *[taps] * spatial) / (shape[1] * taps))
        bias = f" {self.const(self.floats(filters))}" if self.random.random() < 0.5 else ""
        out = (shape[0], filters, *shape[2:])
        self.add("Conv", f"{v} {w}{bias}", out, pads=[taps // 2] * (2 * spatial))

    def unary(self, v: str, shape: tuple[int, ...]) -> None:
        """An activation."""
        self.add(self.random.choice(UNARY), v, shape)

    def binary(self, v: str, shape: tuple[int, ...]) -> None:
        """Arithmetic with any value that broadcasts."""
        for other in self.random.sample(list(self.shapes), len(self.shapes)):
            try:
                out = np.broadcast_shapes(shape, self.shapes[other])
            except ValueError:
                continue
            self.add(self.random.choice(("Add", "Sub", "Mul", "Max")), f"{v} {other}", out)
            return

    def scale(self, v: str, shape: tuple[int, ...]) -> None:
        """Arithmetic with a constant along some axes."""
        some = [d if self.random.random() < 0.5 else 1 for d in shape]
        c = self.const(self.floats(*some[self.random.randrange(len(some) + 1) :]))
        self.add(self.random.choice(("Add", "Mul")), f"{v} {c}", shape)

    def reduce(self, v: str, shape: tuple[int, ...]) -> None:
        """A reduction over one or two axes, kept or not."""
        if len(shape) > 1:
            axes = sorted(self.random.sample(range(len(shape)), self.random.randint(1, 2)))
            keep = self.random.random() < 0.5
            out = tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)
            op = self.random.choice(REDUCTIONS)
            self.add(op, f"{v} {self.const(axes)}", out, keepdims=int(keep))

    def softmax(self, v: str, shape: tuple[int, ...]) -> None:
        """Along any axis."""
        if shape:
            self.add("Softmax", v, shape, axis=self.random.randrange(len(shape)))

    def pad(self, v: str, shape: tuple[int, ...]) -> None:
        """A border of zeros at some sides."""
        widths = [self.random.choice([0, 0, 1]) for _ in range(2 * len(shape))]
        if shape:
            ends = widths[len(shape) :]
            out = tuple(b + d + e for b, d, e in zip(widths, shape, ends, strict=False))
            self.add("Pad", f"{v} {self.const(widths)}", out)

    def slice(self, v: str, shape: tuple[int, ...]) -> None:
        """All but the first of an axis."""
        axis = self.random.randrange(max(1, len(shape)))
        if shape and shape[axis] > 1:
            given = " ".join(self.const([i]) for i in (1, 9999, axis))
            out = (*shape[:axis], shape[axis] - 1, *shape[axis + 1 :])
            self.add("Slice", f"{v} {given}", out)

    def multiply(self, v: str, shape: tuple[int, ...]) -> None:
        """A product with a constant matrix."""
        if len(shape) > 1:
            w = self.const(self.floats(shape[-1], 5) / shape[-1])
            self.add("MatMul", f"{v} {w}", (*shape[:-1], 5))

    def concat(self, v: str, shape: tuple[int, ...]) -> None:
        """With a value that differs in one axis at most, maybe itself."""
        axis = self.random.randrange(max(1, len(shape)))

        def fits(other: tuple[int, ...]) -> bool:
            pairs = enumerate(zip(shape, other, strict=False))
            return len(other) == len(shape) and all(i == axis or a == b for i, (a, b) in pairs)

        if shape:
            other = self.random.choice([u for u, s in self.shapes.items() if fits(s)])
            out = (*shape[:axis], shape[axis] + self.shapes[other][axis], *shape[axis + 1 :])
            self.add("Concat", f"{v} {other}", out, axis=axis)

    def pool(self, v: str, shape: tuple[int, ...]) -> None:
        """A global average, or a maximum of small windows."""
        spatial = len(shape) - 2
        if not 1 <= spatial <= 3:  # onnxruntime pools no more axes
            return
        if self.random.random() < 0.5:
            self.add("GlobalAveragePool", v, (*shape[:2], *[1] * spatial))
        elif min(shape[2:]) > 1:
            out = (*shape[:2], *(d - 1 for d in shape[2:]))
            self.add("MaxPool", v, out, kernel_shape=[2] * spatial)
