"""Writes a model down for TensorFlow.js, as somebody who knows it would by hand.

The ONNX graph, folded by onnxruntime's basic optimisations, becomes a list of calls: convolutions
in NHWC and matrix products fused with their bias and activation, everything else one operator each.
The weights are the same, so that the results can be compared. page/tfjs.js carries it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from bench.task import Task

__all__ = ["NoProgramError", "translate"]

Array = np.ndarray[Any, Any]

# Operators that TensorFlow.js has under a name of its own, whatever the layout.
PLAIN = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow",
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Erf": "erf", "Exp": "exp",
    "Sqrt": "sqrt", "HardSigmoid": "hardSigmoid", "HardSwish": "hardSwish",
}  # fmt: skip
FUSABLE = {"Relu": "relu", "Clip": "relu6", "Sigmoid": "sigmoid"}


class NoProgramError(Exception):
    """The model has an operator that isn't written down for TensorFlow.js here."""


def translate(task: Task) -> tuple[bytes, bytes]:
    """The program as JSON, and its weights. Raises NoProgramError."""
    with TemporaryDirectory() as folder:
        model = _folded(task, Path(folder))
    return _Translation(model).finish()


def _folded(task: Task, folder: Path) -> onnx.ModelProto:
    """The model at fixed shapes, its constants folded."""
    import onnxruntime

    model = onnx.load(task.path)
    shapes = {i.name: i.shape for i in task.inputs}
    for given in model.graph.input:
        for d, size in zip(given.type.tensor_type.shape.dim, shapes[given.name], strict=True):
            d.dim_value = size
    del model.graph.value_info[:]
    for made in model.graph.output:
        made.type.tensor_type.ClearField("shape")
    onnx.save(model, folder / "fixed.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "folded.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(folder / "fixed.onnx", options, ["CPUExecutionProvider"])
    return shape_inference.infer_shapes(onnx.load(folder / "folded.onnx"))


class _Translation:
    def __init__(self, model: onnx.ModelProto) -> None:
        g = model.graph
        self._graph = g
        self._consts = {t.name: numpy_helper.to_array(t) for t in g.initializer}
        self._ranks = {
            v.name: len(v.type.tensor_type.shape.dim)
            for v in (*g.value_info, *g.input, *g.output)
        }  # fmt: skip
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in g.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._calls: list[dict[str, Any]] = []
        self._weights: list[dict[str, Any]] = []
        self._data: list[bytes] = []
        self._known: dict[str, str] = {}
        self._nhwc: set[str] = set()
        self._skipped: set[str] = set()

    def finish(self) -> tuple[bytes, bytes]:
        """All nodes in order."""
        for node in self._graph.node:
            if node.name not in self._skipped:
                self._node(node)
        result = self._plain(self._graph.output[0].name)
        program = {"calls": self._calls, "weights": self._weights, "output": result}
        return json.dumps(program).encode(), b"".join(self._data)

    def _node(self, node: onnx.NodeProto) -> None:
        special = getattr(self, "_" + node.op_type.lower(), None)
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if special is not None:
            special(node, attributes)
        elif node.op_type in PLAIN:
            self._elementwise(node, PLAIN[node.op_type])
        else:
            raise NoProgramError(f"{node.op_type} is not written down for TensorFlow.js here")

    def _call(self, op: str, out: str, *inputs: str, nhwc: bool = False, **options: Any) -> None:
        self._calls.append({"op": op, "out": out, "in": inputs, **options})
        if nhwc:
            self._nhwc.add(out)

    def _const(self, value: Array) -> str:
        """A weight of the program; integers become int32."""
        value = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        name = f"const{len(self._weights)}"
        dtype = str(value.dtype)
        self._weights.append({"name": name, "dtype": dtype, "shape": value.shape})
        self._data.append(np.ascontiguousarray(value).tobytes())
        return name

    def _plain(self, name: str) -> str:
        """A value in ONNX's layout."""
        if name in self._consts:
            return self._known.setdefault(name, self._const(self._consts[name]))
        if name in self._nhwc:
            self._call("transpose", name + "/nchw", name, perm=[0, 3, 1, 2])
            return name + "/nchw"
        return name

    def _image(self, name: str) -> str:
        """A value of four dimensions, channels last."""
        if name in self._consts:
            value = self._consts[name]
            turned = value.transpose(0, 2, 3, 1) if value.ndim == 4 else value
            return self._known.setdefault(name + "/nhwc", self._const(turned))
        if name not in self._nhwc and self._ranks.get(name) == 4:
            self._call("transpose", name + "/nhwc", name, perm=[0, 2, 3, 1], nhwc=True)
            return name + "/nhwc"
        return name

    def _fused(self, node: onnx.NodeProto) -> tuple[str, str | None]:
        """The output's name and the activation, which goes into the call if nobody else asks."""
        out = node.output[0]
        users = self._users.get(out, [])
        if len(users) != 1 or users[0].op_type not in FUSABLE:
            return out, None
        (user,) = users
        if user.op_type == "Clip":
            low, high = (float(self._consts[i]) for i in user.input[1:3])
            if (low, high) != (0.0, 6.0):
                return out, None
        self._skipped.add(user.name)
        return user.output[0], FUSABLE[user.op_type]

    def _elementwise(self, node: onnx.NodeProto, op: str) -> None:
        channels_last = any(i in self._nhwc for i in node.input)
        place = self._image if channels_last else self._plain
        self._call(op, node.output[0], *(place(i) for i in node.input), nhwc=channels_last)

    def _clip(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        low, high = (float(self._consts[i]) for i in node.input[1:3])
        source = node.input[0]
        self._call(
            "clip", node.output[0], source, low=low, high=high, nhwc=source in self._nhwc
        )  # fmt: skip

    def _conv(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        x, weight = self._image(node.input[0]), self._consts[node.input[1]]
        groups = a.get("group", 1)
        top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
        if groups == 1:
            kind, filters = "conv2d", weight.transpose(2, 3, 1, 0)
        elif weight.shape[1] == 1 and weight.shape[0] == groups:
            kind, filters = "depthwiseConv2d", weight.transpose(2, 3, 0, 1)
        else:
            raise NoProgramError("TensorFlow.js has no grouped convolution")
        bias = [self._const(self._consts[b]) for b in node.input[2:3]]
        out, activation = self._fused(node)
        self._call(
            kind, out, x, self._const(filters), *bias, nhwc=True, activation=activation,
            strides=a.get("strides", [1, 1]), pad=[[0, 0], [top, bottom], [left, right], [0, 0]],
        )  # fmt: skip

    def _convtranspose(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        if any(a.get("pads", [])) or a.get("group", 1) != 1:
            raise NoProgramError("ConvTranspose with pads or groups")
        filters = self._const(self._consts[node.input[1]].transpose(2, 3, 1, 0))
        bias = [self._const(self._consts[b]) for b in node.input[2:3]]
        strides = a.get("strides", [1, 1])
        x = self._image(node.input[0])
        self._call("conv2dTranspose", node.output[0], x, filters, *bias, nhwc=True, strides=strides)

    def _maxpool(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
        self._call(
            "maxPool", node.output[0], self._image(node.input[0]), nhwc=True,
            size=a["kernel_shape"], strides=a.get("strides", [1, 1]),
            pad=[[0, 0], [top, bottom], [left, right], [0, 0]],
        )  # fmt: skip

    def _globalaveragepool(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        x = self._image(node.input[0])
        self._call("mean", node.output[0], x, axes=[1, 2], nhwc=True)

    def _resize(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        scales = self._consts[node.input[2]] if len(node.input) > 2 else np.zeros(0)
        if scales.size != 4:
            raise NoProgramError("Resize without scales")
        kind = "resizeBilinear" if a.get("mode") == b"linear" else "resizeNearest"
        half = a.get("coordinate_transformation_mode", b"half_pixel") == b"half_pixel"
        x = self._image(node.input[0])
        scale = [float(s) for s in scales[2:]]
        self._call(kind, node.output[0], x, nhwc=True, scale=scale, half=half)

    def _concat(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        images = any(i in self._nhwc for i in node.input)
        place = self._image if images else self._plain
        axis = [0, 3, 1, 2][a["axis"]] if images else a["axis"]
        self._call("concat", node.output[0], *map(place, node.input), axis=axis, nhwc=images)

    def _split(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        x, images = node.input[0], node.input[0] in self._nhwc
        axis = [0, 3, 1, 2][a["axis"]] if images else a["axis"]
        sizes = [int(n) for n in self._consts[node.input[1]]]
        outs = list(node.output)
        self._call("split", outs[0], x, axis=axis, sizes=sizes, outs=outs)
        self._nhwc.update(outs if images else ())

    def _flatten(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        self._call("flatten", node.output[0], self._plain(node.input[0]))

    def _reshape(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        shape = [int(n) for n in self._consts[node.input[1]]]
        self._call("reshape", node.output[0], self._plain(node.input[0]), shape=shape)

    def _transpose(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        self._call("transpose", node.output[0], self._plain(node.input[0]), perm=a["perm"])

    def _softmax(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        self._call("softmax", node.output[0], self._plain(node.input[0]))

    def _layernormalization(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        inputs = [self._plain(i) for i in node.input]
        self._call("layerNorm", node.output[0], *inputs, epsilon=a.get("epsilon", 1e-5))

    def _gelu(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        self._call("gelu", node.output[0], self._plain(node.input[0]))

    def _gather(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        table, indices = map(self._plain, node.input)
        self._call("gather", node.output[0], table, indices, axis=a.get("axis", 0))

    def _cast(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        kind = "float32" if a["to"] == onnx.TensorProto.FLOAT else "int32"
        self._call("cast", node.output[0], self._plain(node.input[0]), dtype=kind)

    def _unsqueeze(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        axes = sorted(int(n) for n in self._consts[node.input[1]])
        self._call("expandDims", node.output[0], self._plain(node.input[0]), axes=axes)

    def _reducemean(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        self._call("mean", node.output[0], self._plain(node.input[0]), axes=list(a["axes"]))

    def _gemm(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        weight = self._consts[node.input[1]]
        filters = self._const(weight.T if a.get("transB") else weight)
        bias = [self._const(self._consts[b]) for b in node.input[2:3]]
        out, activation = self._fused(node)
        x = self._plain(node.input[0])
        self._call("fusedMatMul", out, x, filters, *bias, activation=activation)

    def _matmul(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        left, right = node.input
        if right not in self._consts or self._consts[right].ndim != 2:
            self._call("matMul", node.output[0], self._plain(left), self._plain(right))
            return
        out, bias = node.output[0], self._bias_after(node)
        constants: Sequence[str] = [self._const(self._consts[right])]
        if bias is not None:
            user, name = bias
            self._skipped.add(user.name)
            out, constants = user.output[0], [*constants, self._const(self._consts[name])]
        self._call("fusedMatMul", out, self._plain(left), *constants)

    def _lstm(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        self._recurrent(node, a, "lstm", 4)

    def _gru(self, node: onnx.NodeProto, a: Mapping[str, Any]) -> None:
        if not a.get("linear_before_reset"):
            raise NoProgramError("GRU that resets before its product")
        self._recurrent(node, a, "gru", 3)

    def _recurrent(self, node: onnx.NodeProto, a: Mapping[str, Any], op: str, gates: int) -> None:
        """One direction from zero, with all its steps as output."""
        w, r = (self._consts[i] for i in node.input[1:3])
        others = [i for i in (*node.input[4:], *node.output[1:]) if i and i in self._users]
        if len(w) != 1 or others or a.get("activations"):
            raise NoProgramError(f"{node.op_type} with more than one sequence in and out")
        hidden = a["hidden_size"]
        given = self._consts.get(node.input[3] if len(node.input) > 3 else "")
        bias = np.zeros((1, 2 * gates * hidden), np.float32) if given is None else given
        halves = bias[0, : gates * hidden], bias[0, gates * hidden :]
        weights = [self._const(m) for m in (w[0].T, r[0].T, *halves)]
        x = self._plain(node.input[0])
        self._call(op, node.output[0], x, *weights, hidden=hidden)

    def _squeeze(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        axes = [int(n) for n in self._consts[node.input[1]]]
        self._call("squeeze", node.output[0], self._plain(node.input[0]), axes=axes)

    def _bias_after(self, node: onnx.NodeProto) -> tuple[onnx.NodeProto, str] | None:
        """The only user if it adds a constant vector, and that vector."""
        users = self._users.get(node.output[0], [])
        if len(users) != 1 or users[0].op_type != "Add":
            return None
        vectors = [i for i in users[0].input if i in self._consts and self._consts[i].ndim == 1]
        return (users[0], vectors[0]) if len(vectors) == 1 else None
