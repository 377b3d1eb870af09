"""The seeded models: valid, the same each time, with inputs that a runtime takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from bench.models import MODELS, convnets, dense_prediction, small, transformers
from bench.models.registry import find_tasks
from bench.task import Input, Task, count_macs, read_inputs, values

# Those that take a moment to make; the others differ only in their sizes.
BUILDERS: dict[str, Callable[[], onnx.ModelProto]] = {
    "mobilenetv2": convnets.mobilenetv2,
    "mobilenetv3-large": convnets.mobilenetv3_large,
    "squeezenet": convnets.squeezenet,
    "unet": dense_prediction.unet,
    "yolo": dense_prediction.yolo,
    "char-lstm": small.char_lstm,
    "gru": small.gru,
    "logistic-regression": small.logistic_regression,
    "autoencoder": small.autoencoder,
    "matmul-4bit": small.matmul_nbits,
}

# Inputs, the shape of the first output, and published multiply-accumulates in millions where known.
FACTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "mobilenetv2": ((1, 3, 224, 224), (1, 1000), 301),
    "mobilenetv3-large": ((1, 3, 224, 224), (1, 1000), 217),
    "squeezenet": ((1, 3, 224, 224), (1, 1000), 349),
    "unet": ((1, 3, 256, 256), (1, 1, 256, 256), 3032),
    "yolo": ((1, 3, 320, 320), (1, 2100, 85), 656),
    "char-lstm": ((64, 1), (64, 1, 96), 56),
    "gru": ((64, 1, 64), (64, 1, 96), 0),
    "logistic-regression": ((1, 784), (1, 10), 0),
    "autoencoder": ((32, 784), (32, 784), 35),
    "matmul-4bit": ((1, 1024), (1, 1024), 0),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_model_is_valid_and_runs(name: str, tmp_path: Path) -> None:
    model = BUILDERS[name]()
    onnx.checker.check_model(model)
    path = tmp_path / f"{name}.onnx"
    onnx.save(model, path)
    task = Task(name, path, read_inputs(path))
    given, made, millions = FACTS[name]
    assert [i.shape for i in task.inputs] == [given]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    out = session.run(None, task.feeds())[0]
    assert out.shape == made
    assert np.isfinite(out).all() and out.std() > 1e-4
    if millions:
        assert count_macs(task) // 10**6 == pytest.approx(millions, abs=1)


def test_the_same_calls_make_the_same_bytes() -> None:
    once, again = (small.gru().SerializeToString() for _ in range(2))
    assert once == again


def test_an_encoder_takes_any_length(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(transformers, "VOCABULARY", 100)
    model = transformers._encoder("tiny", transformers._Sizes(1, 24, 2, 48))
    onnx.checker.check_model(model)
    path = tmp_path / "tiny.onnx"
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for length in (3, 16):
        task = Task("tiny", path, read_inputs(path, {"batch": 1, "sequence": length}))
        assert session.run(None, task.feeds())[0].shape == (1, length, 24)


def test_values_are_seeded_and_fit_their_type() -> None:
    ids = values(Input("input_ids", "int64", (2, 50), 96))
    assert ids.dtype == np.int64 and ids.min() >= 0 and 2 < ids.max() < 96
    np.testing.assert_array_equal(ids, values(Input("input_ids", "int64", (2, 50), 96)))
    assert values(Input("attention_mask", "int64", (1, 4))).tolist() == [[1, 1, 1, 1]]
    pixels = values(Input("image", "float32", (1000,)))
    assert pixels.dtype == np.float32 and -1 <= pixels.min() < -0.9 < 0.9 < pixels.max() < 1


def test_an_unknown_model_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match="no model nonsense; there are efficientnet-lite0, "):
        find_tasks(["nonsense"])
    assert all(name == name.lower() for name in MODELS)
