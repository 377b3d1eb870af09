"""A language model as onnxruntime-genai builds one: weights of 4 bits, a cache, any length."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from wasmkiln import InferenceSession

Array = np.ndarray[Any, Any]

LAYERS, HEADS, SHARED, SIZE, INNER, WORDS, ROOM = 2, 4, 2, 32, 96, 40, 32
WIDTH, BLOCK = HEADS * SIZE, 32


class Writer:
    """Nodes and seeded weights."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(9)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, op_type: str, inputs: str, outputs: str, **attributes: Any) -> str:
        """Add a node, of onnxruntime where it has attributes of the domain, and name its output."""
        names = ["" if n == "-" else n for n in inputs.split()]
        results = ["" if n == "-" else n for n in outputs.split()]
        self.nodes.append(helper.make_node(op_type, names, results, **attributes))
        return results[0]

    def weight(self, name: str, array: Array) -> str:
        """Add an initializer."""
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def normal(self, name: str, *shape: int, scale: float = 0.1) -> str:
        """Add random floats."""
        return self.weight(name, (self.random.normal(0, scale, shape)).astype(np.float32))

    def linear(self, x: str, name: str, n: int, k: int) -> str:
        """A product with weights of 4 bits."""
        codes = self.random.integers(0, 256, (n, k // BLOCK, BLOCK // 2), np.uint8)
        zeros = self.random.integers(0, 256, (n, -(-k // BLOCK // 2)), np.uint8)
        parts = [self.weight(f"{name}.codes", codes)]
        parts.append(self.normal(f"{name}.scales", n, k // BLOCK, scale=0.02))
        parts.append(self.weight(f"{name}.zeros", zeros))
        return self.node("MatMulNBits", f"{x} {' '.join(parts)}", name, domain="com.microsoft",
                         K=k, N=n, bits=4, block_size=BLOCK)  # fmt: skip

    def lengths(self) -> None:
        """How many words there are: of each row, and of the mask."""
        one = self.weight("one", np.array([1], np.int64))
        self.node("ReduceSum", f"mask {one}", "count", keepdims=0)
        self.node("Sub", f"count {one}", "last")
        self.node("Cast", "last", "lengths", to=TensorProto.INT32)
        self.node("Shape", "mask", "mask_shape")
        self.node("Gather", f"mask_shape {self.weight('at', np.array(1))}", "whole")
        self.node("Cast", "whole", "total", to=TensorProto.INT32)

    def layer(self, i: int, x: str, residual: str) -> tuple[str, str]:
        """Attention and a gated layer; the output and the residual."""
        width = (HEADS + 2 * SHARED) * SIZE
        qkv = self.linear(x, f"qkv{i}", width, WIDTH)
        self.node(
            "GroupQueryAttention", f"{qkv} - - past{i}.key past{i}.value lengths total cos sin",
            f"heads{i} present{i}.key present{i}.value", domain="com.microsoft", num_heads=HEADS,
            kv_num_heads=SHARED, do_rotary=1, local_window_size=-1,
        )  # fmt: skip
        y, residual = self.skip(self.linear(f"heads{i}", f"o{i}", WIDTH, WIDTH), residual, f"a{i}")
        gate = self.linear(y, f"gate{i}", INNER, WIDTH)
        self.node("Sigmoid", gate, f"sigmoid{i}")
        self.node("Mul", f"{gate} sigmoid{i}", f"silu{i}")
        up = self.linear(y, f"up{i}", INNER, WIDTH)
        self.node("Mul", f"silu{i} {up}", f"inner{i}")
        return self.skip(self.linear(f"inner{i}", f"down{i}", WIDTH, INNER), residual, f"m{i}")

    def skip(self, x: str, residual: str, name: str) -> tuple[str, str]:
        """The normalized sum, and the sum."""
        scale = self.normal(f"{name}.norm", WIDTH, scale=1.0)
        self.node("SkipSimplifiedLayerNormalization", f"{residual} {x} {scale}",
                  f"{name}.y - - {name}.sum", domain="com.microsoft", epsilon=1e-5)  # fmt: skip
        return f"{name}.y", f"{name}.sum"


def decoder() -> onnx.ModelProto:
    """ids, mask and caches in; logits and caches out."""
    w = Writer()
    w.lengths()
    angles = np.arange(ROOM)[:, None] / 100.0 ** (np.arange(SIZE // 2) / SIZE)
    w.weight("cos", np.cos(angles).astype(np.float32))
    w.weight("sin", np.sin(angles).astype(np.float32))
    w.weight("table", w.random.integers(0, 256, (WORDS, WIDTH // 2), np.uint8))
    w.normal("table.scales", WORDS, WIDTH // BLOCK)
    residual = w.node("GatherBlockQuantized", "table ids table.scales", "embedded",
                      domain="com.microsoft", block_size=BLOCK, bits=4)  # fmt: skip
    x = w.node("SimplifiedLayerNormalization", f"embedded {w.normal('first', WIDTH, scale=1.0)}",
               "x", epsilon=1e-5, axis=-1)  # fmt: skip
    cache: list[str | int | None] = ["batch", SHARED, "past", SIZE]
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])]
    inputs.append(helper.make_tensor_value_info("mask", TensorProto.INT64, ["batch", "all"]))
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)]
    for i in range(LAYERS):
        x, residual = w.layer(i, x, residual)
        for part in ("key", "value"):
            name = f"past{i}.{part}"
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, cache))
            outputs.append(helper.make_tensor_value_info(f"present{i}.{part}", 1, None))
    w.node("Identity", w.linear(x, "head", WORDS, WIDTH), "logits")
    graph = helper.make_graph(w.nodes, "decoder", inputs, outputs, w.weights)
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def test_a_prompt_and_the_words_after_it() -> None:
    data = decoder().SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    native = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in native.get_inputs()][2:]
    empty = np.zeros((1, SHARED, 0, SIZE), np.float32)
    feeds: dict[str, Array] = {"ids": np.array([[3, 1, 4, 1, 5]]), **dict.fromkeys(names, empty)}
    with InferenceSession(data) as session:
        total = 0
        for _ in range(4):
            total += feeds["ids"].shape[1]
            feeds["mask"] = np.ones((1, total), np.int64)
            expected: list[Any] = native.run(None, feeds)
            for a, b in zip(session.run(None, feeds), expected, strict=True):
                np.testing.assert_allclose(a, b, 1e-3, 1e-4)
            word = int(expected[0][0, -1].argmax())
            feeds = {"ids": np.array([[word]]), **dict(zip(names, expected[1:], strict=True))}
