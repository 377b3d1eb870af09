"""Small ONNX models for tests of whole sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


def model(
    nodes: Sequence[Any],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape | None],
    weights: dict[str, np.ndarray[Any, Any]] | None = None,
    opset: int = 17,
    dtype: int = TensorProto.FLOAT,
) -> bytes:
    """The bytes of a model whose inputs and outputs have one dtype."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(n, dtype, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, dtype, s) for n, s in outputs.items()],
        [numpy_helper.from_array(v, n) for n, v in (weights or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 8
    return bytes(made.SerializeToString())


def small_net(seed: int = 0) -> bytes:
    """Conv, residual Add, pooling and a classifier, with a symbolic batch."""
    rng = np.random.default_rng(seed)
    weights = {
        "w1": rng.normal(0, 0.4, (8, 3, 3, 3)).astype(np.float32),
        "b1": rng.normal(0, 0.1, 8).astype(np.float32),
        "w2": rng.normal(0, 0.2, (8, 8, 1, 1)).astype(np.float32),
        "w3": rng.normal(0, 0.3, (8, 5)).astype(np.float32),
        "b3": rng.normal(0, 0.1, 5).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "w2"], ["c"], "mix"),
        helper.make_node("Add", ["c", "b"], ["d"], "residual"),
        helper.make_node("GlobalAveragePool", ["d"], ["e"], "pool"),
        helper.make_node("Flatten", ["e"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["g"], "fc"),
        helper.make_node("Softmax", ["g"], ["y"], "softmax"),
    ]
    return model(nodes, {"x": ["N", 3, 9, 7]}, {"y": ["N", 5]}, weights)


def wide_net() -> bytes:
    """A product with a matrix that is large enough to be halved, and a small bias."""
    random = np.random.default_rng(2)
    weights = {
        "w": random.normal(0, 0.1, (64, 96)).astype(np.float32),
        "b": random.normal(0, 1, 96).astype(np.float32),
    }
    product = helper.make_node("Gemm", ["x", "w", "b"], ["y"])
    return model([product], {"x": (2, 64)}, {"y": (2, 96)}, weights)
