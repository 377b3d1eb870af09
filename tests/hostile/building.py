"""How models that ask for too much are put together; importing `bombs` makes them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["BOMBS", "FLOAT", "HUGE", "INT64", "add", "ints", "model", "node", "use"]

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
HUGE = 2**62
Array = np.ndarray[Any, Any]

BOMBS: dict[str, Callable[[], onnx.ModelProto]] = {}


def model(
    nodes: Sequence[onnx.NodeProto],
    consts: dict[str, Any] | None = None,
    shape: Sequence[int | str] = (2, 3),
    output: str = "y",
    opset: int = 21,
    functions: Sequence[onnx.FunctionProto] = (),
    dtype: int = FLOAT,
) -> onnx.ModelProto:
    """A model of one input `x`; lists and arrays in `consts` become initializers."""
    weights = [numpy_helper.from_array(np.asarray(v), n) for n, v in (consts or {}).items()]
    inputs = [helper.make_tensor_value_info("x", dtype, shape)]
    outputs = [onnx.ValueInfoProto(name=output)]
    outputs[0].type.tensor_type.elem_type = FLOAT
    graph = helper.make_graph(nodes, "bomb", inputs, outputs, weights)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=10)


def node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    """A node; inputs and outputs in one string each, '-' for an absent one."""
    names = ["" if n == "-" else n for n in inputs.split()]
    return helper.make_node(op, names, outputs.split(), **attributes)


def add(name: str, *nodes: onnx.NodeProto, **how: Any) -> None:
    """Add a model to the collection."""
    BOMBS[name] = lambda: model(nodes, **how)


def ints(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, "int64")


def use(value: str) -> onnx.NodeProto:
    """Makes a value, whatever its dtype, part of the output."""
    return node("Shape", value, "y")
