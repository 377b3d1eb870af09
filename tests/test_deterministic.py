"""Equal inputs give equal bits: in each run, on any number of threads."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from wasmkiln import CompileOptions, InferenceSession
from wasmkiln.options import Simd

from tests.models.transformer import Encoder, encoder
from tests.ops.check import Array, build, node
from tests.passes.random_models import RandomModel

RNG = np.random.default_rng(5)


def _floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def _convolutions() -> tuple[onnx.ModelProto, dict[str, Array]]:
    arrays = {"x": _floats(1, 8, 33, 31), "w": _floats(24, 8, 3, 3), "d": _floats(24, 1, 3, 3)}
    arrays |= {"p": _floats(8, 24, 1, 1)}
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
        node("HardSwish", "a", "b"),
        node("Conv", "b d", "c", group=24, pads=[1, 1, 1, 1]),
        node("Sigmoid", "c", "e"),
        node("Conv", "e p", "f"),
        node("Add", "f x", "g"),
        node("GlobalAveragePool", "g", "y"),
        node("Softmax", "g", "z", axis=1),
    ]
    return build(nodes, arrays, {"w", "d", "p"}, ["y", "z"]), {"x": arrays["x"]}


def _recurrent() -> tuple[onnx.ModelProto, dict[str, Array]]:
    arrays = {
        "x": _floats(9, 1, 40),
        "w": _floats(1, 4 * 72, 40),
        "r": _floats(1, 4 * 72, 72) * 0.1,
    }
    nodes = [node("LSTM", "x w r", "h", hidden_size=72)]
    return build(nodes, arrays, {"w", "r"}, ["h"]), {"x": arrays["x"]}


def _long_reductions() -> tuple[onnx.ModelProto, dict[str, Array]]:
    arrays = {"x": _floats(3, 70_001), "w": _floats(70_001, 2)}
    nodes = [
        node("ReduceSum", "x", "s"),
        node("ReduceL2", "x", "q"),
        node("MatMul", "x w", "m"),
        node("LogSoftmax", "x", "l"),
        node("ReduceMean", "l", "y"),
    ]
    return build(nodes, arrays, {"w"}, ["s", "q", "m", "y"]), {"x": arrays["x"]}


def _transformer() -> tuple[onnx.ModelProto, dict[str, Array]]:
    ids = RNG.integers(0, 50, (1, 7))
    return encoder(Encoder()), {"ids": ids, "mask": np.ones((1, 7), np.int64)}


def _random(seed: int) -> tuple[onnx.ModelProto, dict[str, Array]]:
    made = RandomModel(seed)
    return made.model(), dict(made.feeds)


MODELS = {
    "convolutions": _convolutions(),
    "recurrent": _recurrent(),
    "long_reductions": _long_reductions(),
    "transformer": _transformer(),
    **{f"random{seed}": _random(seed) for seed in range(5)},
}


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("name", MODELS)
def test_bits_are_the_same_for_any_number_of_threads(name: str, simd: Simd) -> None:
    model, feeds = MODELS[name]
    for output in model.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    seen = set()
    for threads in (1, 1, 2, 3, 4):
        options = CompileOptions(simd=simd, threads=threads)
        with InferenceSession(model.SerializeToString(), options) as session:
            for _ in range(3):
                seen.add(tuple(y.tobytes() for y in session.run(None, feeds)))
    assert len(seen) == 1


def test_a_model_compiles_to_the_same_bytes_each_time() -> None:
    model, _ = MODELS["convolutions"]
    for output in model.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    made = []
    for _ in range(2):
        with InferenceSession(model.SerializeToString()) as session:
            made.append((session.artifact().code, session.artifact().data))
    assert made[0] == made[1]
