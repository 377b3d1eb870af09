"""Builds ONNX graphs node by node, with seeded weights (He et al. 2015) for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["FLOAT", "INT64", "Maker"]

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Shape = Sequence[int | str]


class Maker:
    """A graph being built. The same calls give the same bytes."""

    def __init__(self, name: str, seed: int = 0, opset: int = 17) -> None:
        self._name = name
        self._rng = np.random.default_rng(seed)
        self._opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Shape, dtype: int = FLOAT) -> str:
        """An input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))
        return name

    def const(self, value: Any, dtype: Any = np.float32) -> str:
        """A constant."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        """A constant int64 vector, such as a shape."""
        return self.const(values, np.int64)

    def weight(self, *shape: int, fan_in: int, gain: float = 2.0) -> str:
        """Normal weights of variance gain / fan_in."""
        scale = np.float32(np.sqrt(gain / fan_in))
        return self.const(self._rng.standard_normal(shape, np.float32) * scale)

    def bias(self, size: int) -> str:
        """Small normal biases."""
        return self.const(self._rng.standard_normal(size, np.float32) * np.float32(0.05))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output."""
        return self.nodes(op, 1, *inputs, **attributes)[0]

    def nodes(
        self,
        op: str,
        outputs: int,
        *inputs: str,
        domain: str = "",
        extra: Mapping[str, int] | None = None,
        **attributes: Any,
    ) -> list[str]:
        """A node with several outputs."""
        name = f"{op.lower()}{len(self._nodes)}"
        out = [f"{name}_{i}" for i in range(outputs)] if outputs > 1 else [name]
        named: dict[str, Any] = {**attributes, **(extra or {})}
        node = helper.make_node(op, inputs, out, name, domain=domain, **named)
        self._nodes.append(node)
        return out

    def conv(
        self,
        x: str,
        channels: tuple[int, int],
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: str = "",
        gain: float = 2.0,
    ) -> str:
        """A convolution as exporters leave it: BatchNormalization folded, padded to keep sizes."""
        given, made = channels
        pad = (kernel - 1) // 2
        fan_in = given // groups * kernel * kernel
        w = self.weight(made, given // groups, kernel, kernel, fan_in=fan_in, gain=gain)
        y = self.node(
            "Conv", x, w, self.bias(made),
            kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups,
        )  # fmt: skip
        return self.act(y, act)

    def act(self, x: str, kind: str) -> str:
        """An activation by name: relu, relu6, hardswish, silu, sigmoid, or '' for none."""
        if kind == "":
            return x
        if kind == "relu6":
            return self.node("Clip", x, self.const(0.0), self.const(6.0))
        if kind == "silu":
            return self.node("Mul", x, self.node("Sigmoid", x))
        names = {"relu": "Relu", "hardswish": "HardSwish", "sigmoid": "Sigmoid", "tanh": "Tanh"}
        return self.node(names[kind], x)

    def gemm(self, x: str, given: int, made: int, act: str = "") -> str:
        """A fully connected layer of an exporter: weights [made, given]."""
        w = self.weight(made, given, fan_in=given, gain=2.0 if act == "relu" else 1.0)
        return self.act(self.node("Gemm", x, w, self.bias(made), transB=1), act)

    def dense(self, x: str, given: int, made: int) -> str:
        """A fully connected layer on the last axis of a tensor: MatMul and Add."""
        product = self.node("MatMul", x, self.weight(given, made, fan_in=given, gain=1.0))
        return self.node("Add", self.bias(made), product)

    def pooled(self, x: str) -> str:
        """Global average, flattened to rows."""
        return self.node("Flatten", self.node("GlobalAveragePool", x), axis=1)

    def finish(self, output: str, shape: Shape, domains: Sequence[str] = ()) -> onnx.ModelProto:
        """The model with its one output."""
        made = [helper.make_tensor_value_info(output, FLOAT, list(shape))]
        graph = helper.make_graph(self._nodes, self._name, self._inputs, made, self._weights)
        opsets = [helper.make_opsetid("", self._opset)]
        opsets += [helper.make_opsetid(domain, 1) for domain in domains]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=8, producer_name="wasmkiln bench"
        )
        return model
