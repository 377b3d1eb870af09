"""Hostile models: the bombs first, then damaged ones, as many as wanted.

What is damaged are models made here and, where they are at hand, real ones, small ones more often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.hostile.bombs import BOMBS
from tests.hostile.mutate import mutate
from tests.hostile.pool import Case
from tests.models.transformer import Encoder, encoder
from tests.onnx.test_hostile import small_model
from tests.ops.check import Array
from tests.passes.random_models import RandomModel
from tests.shared import SHARED
from tests.small import small_net

__all__ = ["cases", "mutation"]

MAX_SIZE = 1 << 21  # bytes of a real model to damage
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def cases(count: int, seed: int = 0, real: bool = True) -> Iterator[Case]:
    """That many cases; equal seeds make equal ones. real: use the models beside the checkout."""
    for name, build in list(BOMBS.items())[:count]:
        yield Case(f"bomb {name}", build().SerializeToString())
    originals = _Originals(real)
    for serial in range(seed, seed + count - len(BOMBS)):
        yield mutation(serial, originals)


class _Originals:
    """The models to damage, each read when it is first wanted."""

    def __init__(self, real: bool) -> None:
        self.makers: list[tuple[str, Callable[[], bytes]]] = [
            ("small_net", small_net),
            ("small_model", small_model),
            ("encoder", lambda: encoder(Encoder(layers=1)).SerializeToString()),
            ("recurrent", _recurrent),
            ("shapes", _shapes),
            ("loops", _loops),
            *((f"random{i}", partial(_random, i)) for i in range(6)),
        ]
        files = sorted((SHARED / "models").glob("*.onnx"), key=lambda p: p.stat().st_size)
        if real:
            self.makers += [(p.stem, p.read_bytes) for p in files if p.stat().st_size <= MAX_SIZE]
        self.known: dict[str, bytes] = {}

    def pick(self, random: Random) -> tuple[str, bytes]:
        """One of them; of two drawn the one that stands first, which is smaller."""
        index = min(random.randrange(len(self.makers)), random.randrange(len(self.makers)))
        name, make = self.makers[index]
        if name not in self.known:
            self.known[name] = make()
        return name, self.known[name]


def mutation(serial: int, originals: _Originals | None = None) -> Case:
    """The damaged model of a serial number."""
    random = Random(serial)
    name, data = (originals or _Originals(True)).pick(random)
    return Case(f"mutation {serial} of {name}", mutate(data, random))


def _value(name: str, shape: list[int | str], dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def _random(seed: int) -> bytes:
    model = RandomModel(seed).model()
    for output in model.graph.output:
        output.type.tensor_type.elem_type = FLOAT
    return bytes(model.SerializeToString())


def _whole(
    nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], output: str,
    consts: dict[str, Array],
) -> bytes:  # fmt: skip
    weights = [numpy_helper.from_array(v, n) for n, v in consts.items()]
    graph = helper.make_graph(nodes, "hostile", inputs, [_value(output, [])], weights)
    graph.output[0].type.tensor_type.ClearField("shape")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def _recurrent() -> bytes:
    """Recurrent layers, a normalization and attention."""
    rng = np.random.default_rng(1)

    def f(*shape: int) -> Array:
        return np.asarray(rng.normal(size=shape), np.float32)

    node = helper.make_node
    nodes = [
        node("LSTM", ["x", "w", "r"], ["h"], hidden_size=4),
        node("Squeeze", ["h", "one"], ["s"]),
        node("GRU", ["s", "w2", "r2"], ["g"], hidden_size=4),
        node("Squeeze", ["g", "one"], ["t"]),
        node("LayerNormalization", ["t", "scale"], ["n"]),
        node("ConvTranspose", ["n", "k"], ["c"], strides=[2]),
        node("Resize", ["c", "", "scales"], ["z"], mode="linear"),
        node("TopK", ["z", "two"], ["y", "i"]),
    ]
    consts = {
        "w": f(1, 16, 3), "r": f(1, 16, 4), "w2": f(1, 12, 4), "r2": f(1, 12, 4), "scale": f(4),
        "k": f(2, 2, 3), "scales": np.array([1, 1, 2], np.float32), "two": np.array([2]),
        "one": np.array([1]),
    }  # fmt: skip
    return _whole(nodes, [_value("x", [5, 2, 3])], "y", consts)


def _shapes() -> bytes:
    """Shapes and parameters as constants and as results of small computations."""
    node = helper.make_node
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Concat", ["n", "rest"], ["new"], axis=0),
        node("Reshape", ["x", "new"], ["a"]),
        node("Tile", ["a", "repeats"], ["b"]),
        node("Pad", ["b", "pads"], ["c"]),
        node("Slice", ["c", "starts", "ends", "axes", "steps"], ["d"]),
        node("ConstantOfShape", ["new"], ["e"]),
        node("Range", ["start", "limit", "delta"], ["f"]),
        node("Cast", ["f"], ["g"], to=FLOAT),
        node("Expand", ["g", "target"], ["h"]),
        node("ReduceSum", ["h", "zero"], ["k"], keepdims=0),
        node("OneHot", ["rest", "depth", "values"], ["l"]),
        node("ReduceMax", ["l"], ["m"], keepdims=0),
        node("ReduceMean", ["d"], ["o"], keepdims=0),
        node("Add", ["k", "m"], ["p"]),
        node("Add", ["p", "o"], ["q"]),
        node("ScatterND", ["q", "index", "update"], ["y"]),
    ]
    lists = {
        "zero": [0], "rest": [2, -1], "repeats": [1, 2, 1], "pads": [0, 1, 0, 0, 1, 0],
        "starts": [1], "ends": [100], "axes": [1], "steps": [2], "target": [3, 5], "index": [[0]],
    }  # fmt: skip
    consts = {name: np.array(v, np.int64) for name, v in lists.items()}
    for name, value in {"start": 0, "limit": 5, "delta": 1, "depth": 4}.items():
        consts[name] = np.array(value, np.int64)
    consts |= {"values": np.array([0, 1], np.float32), "update": np.ones(1, np.float32)}
    return _whole(nodes, [_value("x", ["n", 6])], "y", consts)


def _loops() -> bytes:
    """A Loop with a scan output, and a Scan."""
    node = helper.make_node
    body = helper.make_graph(
        [node("Add", ["v", "x"], ["w"]), node("Identity", ["go"], ["on"])], "body",
        [_value("i", [], INT64), _value("go", [], TensorProto.BOOL), _value("v", [2, 3])],
        [_value("on", [], TensorProto.BOOL), _value("w", [2, 3]), _value("w2", [2, 3])],
    )  # fmt: skip
    body.node.append(node("Relu", ["w"], ["w2"]))
    step = helper.make_graph(
        [node("Add", ["s", "e"], ["t"]), node("Neg", ["t"], ["o"])], "step",
        [_value("s", [2, 3]), _value("e", [2, 3])], [_value("t", [2, 3]), _value("o", [2, 3])],
    )  # fmt: skip
    nodes = [
        node("Loop", ["n", "true", "x"], ["l", "all"], body=body),
        node("Scan", ["l", "all"], ["z", "each"], body=step, num_scan_inputs=1),
        node("ReduceSum", ["each", "axes"], ["y"]),
    ]
    consts = {"n": np.array(4), "true": np.array(True), "axes": np.array([0])}
    return _whole(nodes, [_value("x", [2, 3])], "y", consts)
