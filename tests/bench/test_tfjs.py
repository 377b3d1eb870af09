"""Programs for TensorFlow.js: what is fused, in which layout, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest

from bench.models import convnets, small, transformers
from bench.task import Task, read_inputs
from bench.tfjs import NoProgramError, translate


def _program(model: onnx.ModelProto, folder: Path, **dims: int) -> tuple[dict[str, Any], bytes]:
    path = folder / "model.onnx"
    onnx.save(model, path)
    program, weights = translate(Task("model", path, read_inputs(path, dims)))
    return json.loads(program), weights


def _count(program: dict[str, Any], op: str) -> int:
    return sum(call["op"] == op for call in program["calls"])


def test_a_convnet_is_fused_and_stays_channels_last(tmp_path: Path) -> None:
    program, weights = _program(convnets.mobilenetv2(), tmp_path)
    assert _count(program, "conv2d") == 35
    assert _count(program, "depthwiseConv2d") == 17
    assert _count(program, "clip") == 0
    assert _count(program, "transpose") == 2  # the input, and the pooled features
    depthwise = next(c for c in program["calls"] if c["op"] == "depthwiseConv2d")
    assert depthwise["activation"] == "relu6"
    shapes = {w["name"]: w["shape"] for w in program["weights"]}
    assert shapes[depthwise["in"][1]] == [3, 3, 32, 1]
    sizes = [4 * _product(w["shape"]) for w in program["weights"]]
    assert len(weights) == sum(sizes)


def test_an_encoder_has_no_shape_arithmetic_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(transformers, "VOCABULARY", 100)
    model = transformers._encoder("tiny", transformers._Sizes(1, 24, 2, 48))
    program, _ = _program(model, tmp_path, batch=1, sequence=5)
    assert _count(program, "fusedMatMul") == 6
    assert _count(program, "matMul") == 2
    assert {c["op"] for c in program["calls"]} <= {
        "add", "sub", "mul", "div", "erf", "gelu", "gather", "cast", "expandDims", "layerNorm",
        "fusedMatMul", "matMul", "softmax", "reshape", "transpose", "mean", "pow", "sqrt",
    }  # fmt: skip


def test_an_operator_without_a_counterpart_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoProgramError, match=r"^MatMulNBits is not written down"):
        _program(small.matmul_nbits(1, 64), tmp_path)


def test_recurrent_layers_take_their_gates_apart(tmp_path: Path) -> None:
    program, _ = _program(small.char_lstm(), tmp_path)
    shapes = {w["name"]: w["shape"] for w in program["weights"]}
    first, second = (c for c in program["calls"] if c["op"] == "lstm")
    assert [shapes[n] for n in first["in"][1:]] == [[64, 1024], [256, 1024], [1024], [1024]]
    assert [shapes[n] for n in second["in"][1:3]] == [[256, 1024], [256, 1024]]


def _product(shape: list[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
