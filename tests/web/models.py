"""Small models for the page, as bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def small_model(bias: float, rows: int | str = 2, lead: tuple[int, ...] = ()) -> bytes:
    """y = relu(x + bias) for f32[*lead,rows,3]."""
    shape = (*lead, rows, 3)
    nodes = [helper.make_node("Add", ["x", "b"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    types = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    constant = helper.make_tensor("b", TensorProto.FLOAT, (1,), [bias])
    return encode(helper.make_graph(nodes, "small", types[:1], types[1:], [constant]))


def convolutional_model() -> bytes:
    """Two convolutions, one of them depthwise, a residual, pooling and a classifier; odd sizes."""
    random = np.random.default_rng(5)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        scale = 1 / np.sqrt(np.prod(shape[1:]) or 1)
        return numpy_helper.from_array((random.normal(size=shape) * scale).astype("f4"), name)

    constants = [
        weights("w1", 20, 3, 3, 3),
        weights("w2", 20, 1, 5, 5),
        weights("w3", 20, 20, 1, 1),
        weights("w4", 7, 20),
        weights("b4", 7),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], strides=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], group=20, pads=[2, 2, 2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Conv", ["r2", "w3"], ["c3"]),
        helper.make_node("Add", ["c3", "r1"], ["a3"]),
        helper.make_node("GlobalAveragePool", ["a3"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w4", "b4"], ["z"], transB=1),
        helper.make_node("Softmax", ["z"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 33, 29))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 7))
    return encode(helper.make_graph(nodes, "convolutional", [x], [y], constants))


def external_model() -> tuple[bytes, bytes, bytes]:
    """y = x @ w + b; w and b lie in two files, b in the second part of its."""
    w = np.arange(6, dtype=np.float32).reshape(3, 2)
    b = np.array([10, 20], np.float32)
    tensors = []
    for name, array, path, offset in (("w", w, "w.bin", 0), ("b", b, "sub/b.bin", 4)):
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        entries = {"location": path, "offset": str(offset), "length": str(array.nbytes)}
        for key, value in entries.items():
            tensor.external_data.append(onnx.StringStringEntryProto(key=key, value=value))
        tensors.append(tensor)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 3))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 2))
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"])
    model = encode(helper.make_graph([node], "external", [x], [y], tensors))
    return model, w.tobytes(), b"\0" * 4 + b.tobytes()


def encode(
    graph: onnx.GraphProto, opsets: Sequence[onnx.OperatorSetIdProto] | None = None
) -> bytes:
    """A model of this graph, as bytes; opset 17 unless said otherwise."""
    imports = opsets or [helper.make_opsetid("", 17)]
    data: bytes = helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()
    return data
