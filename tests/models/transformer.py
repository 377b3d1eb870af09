"""Transformer encoders as PyTorch exports them, with seeded weights.

LayerNorm and GELU are decomposed, heads are split by Shape -> Gather -> Concat -> Reshape chains,
ids and mask are int64.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Encoder", "encoder"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Encoder:
    """What to build.

    float_ids: ids come as one float input, and all tokens are attended to.
    norm: 'pow' or 'mul' for the square, '_attribute' after it where ReduceMean has its axes as an
    attribute, '_reciprocal' where the division is a product with a reciprocal.
    symbolic: batch and sequence are declared by name only.
    scale: 'div' or 'mul' for the scores, or 'query' where queries are scaled instead.
    """

    layers: int = 2
    hidden: int = 48
    heads: int = 4
    inner: int = 96
    sequence: int = 7
    batch: int = 1
    vocabulary: int = 50
    opset: int = 17
    norm: str = "pow_attribute"
    scale: str = "div"
    float_ids: bool = False
    symbolic: bool = False


def encoder(config: Encoder, seed: int = 0) -> onnx.ModelProto:
    """The model: inputs ids and mask [batch, sequence], output [batch, sequence, hidden]."""
    return _Writer(config, np.random.default_rng(seed)).model()


@dataclass
class _Writer:
    config: Encoder
    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def model(self) -> onnx.ModelProto:
        c = self.config
        shape = ("batch", "sequence") if c.symbolic else (c.batch, c.sequence)
        if c.float_ids:
            inputs = [helper.make_tensor_value_info("ids", TensorProto.FLOAT, shape)]
            absolute = self.add("Abs", "ids")
            ids = self.add("Cast", self.add("Mul", absolute, self.scalar(7.0)), to=7)
            mask = self.add("Cast", self.add("GreaterOrEqual", absolute, self.scalar(0.0)), to=7)
        else:
            inputs = [
                helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("ids", "mask")
            ]
            ids, mask = "ids", "mask"
        x = self.norm(self.embed(ids))
        bias = self.mask_bias(mask)
        for _ in range(c.layers):
            x = self.norm(self.add("Add", self.attention(x, bias), x))
            x = self.norm(self.add("Add", self.feed_forward(x), x))
        self.nodes.append(helper.make_node("Identity", [x], ["out"]))
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, (*shape, c.hidden))
        graph = helper.make_graph(self.nodes, "encoder", inputs, [out], self.weights)
        opsets = [helper.make_opsetid("", c.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def constant(self, value: Array) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def normal(self, *shape: int, scale: float = 1.0) -> str:
        return self.constant(self.random.normal(0, scale, shape).astype(np.float32))

    def embed(self, ids: str) -> str:
        c = self.config
        words = self.add("Gather", self.normal(c.vocabulary, c.hidden), ids)
        count = self.add("Gather", self.add("Shape", ids), self.constant(np.array(1)), axis=0)
        all_positions = self.constant(np.arange(512, dtype=np.int64)[None])
        ends = self.add("Unsqueeze", count, self.ints(0))
        positions = self.add("Slice", all_positions, self.ints(0), ends, self.ints(1))
        return self.add("Add", words, self.add("Gather", self.normal(512, c.hidden), positions))

    def mask_bias(self, mask: str) -> str:
        wide = self.add("Unsqueeze", self.add("Unsqueeze", mask, self.ints(1)), self.ints(2))
        away = self.add("Sub", self.scalar(1.0), self.add("Cast", wide, to=1))
        return self.add("Mul", away, self.scalar(-3.4028234663852886e38))

    def linear(self, x: str, rows: int, columns: int) -> str:
        y = self.add("MatMul", x, self.normal(rows, columns, scale=rows**-0.5))
        return self.add("Add", self.normal(columns, scale=0.1), y)

    def norm(self, x: str) -> str:
        c = self.config
        centred = self.add("Sub", x, self.mean(x))
        if c.norm.startswith("pow"):
            square = self.add("Pow", centred, self.scalar(2.0))
        else:
            square = self.add("Mul", centred, centred)
        variance = self.add("Add", self.mean(square), self.scalar(1e-12))
        deviation = self.add("Sqrt", variance)
        if c.norm.endswith("reciprocal"):
            y = self.add("Mul", centred, self.add("Reciprocal", deviation))
        else:
            y = self.add("Div", centred, deviation)
        scaled = self.add("Mul", y, self.normal(c.hidden))
        return self.add("Add", scaled, self.normal(c.hidden))

    def mean(self, x: str) -> str:
        if "attribute" in self.config.norm:
            return self.add("ReduceMean", x, axes=[-1])
        return self.add("ReduceMean", x, self.ints(-1))

    def split_heads(self, x: str, perm: tuple[int, ...]) -> str:
        """[batch, sequence, hidden] to [batch, sequence, heads, size], transposed."""
        c = self.config
        shape = self.add("Shape", x)
        sizes = [self.add("Gather", shape, self.constant(np.array(i)), axis=0) for i in (0, 1)]
        parts = [self.add("Unsqueeze", s, self.ints(0)) for s in sizes]
        last = self.ints(c.heads), self.ints(c.hidden // c.heads)
        wanted = self.add("Concat", *parts, *last, axis=0)
        return self.add("Transpose", self.add("Reshape", x, wanted), perm=perm)

    def attention(self, x: str, bias: str) -> str:
        c = self.config
        root = float((c.hidden // c.heads) ** 0.5)
        q = self.split_heads(self.linear(x, c.hidden, c.hidden), (0, 2, 1, 3))
        k = self.split_heads(self.linear(x, c.hidden, c.hidden), (0, 2, 3, 1))
        v = self.split_heads(self.linear(x, c.hidden, c.hidden), (0, 2, 1, 3))
        if c.scale == "query":
            q = self.add("Mul", q, self.scalar(1 / root))
        scores = self.add("MatMul", q, k)
        if c.scale == "div":
            scores = self.add("Div", scores, self.scalar(root))
        elif c.scale == "mul":
            scores = self.add("Mul", scores, self.scalar(1 / root))
        p = self.add("Softmax", self.add("Add", scores, bias), axis=-1)
        heads = self.add("Transpose", self.add("MatMul", p, v), perm=(0, 2, 1, 3))
        joined = self.add("Reshape", heads, self.ints(0, 0, c.hidden))
        return self.linear(joined, c.hidden, c.hidden)

    def feed_forward(self, x: str) -> str:
        c = self.config
        y = self.linear(x, c.hidden, c.inner)
        erf = self.add("Erf", self.add("Div", y, self.scalar(2.0**0.5)))
        gelu = self.add("Mul", y, self.add("Add", erf, self.scalar(1.0)))
        gelu = self.add("Mul", gelu, self.scalar(0.5))
        return self.linear(gelu, c.inner, c.hidden)
