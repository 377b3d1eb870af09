"""Models as onnxruntime's optimizer and quantizer write them: its own operators among ONNX's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import quantize_dynamic

from tests.models.transformer import Encoder, encoder
from tests.ops.check import Array, run_ours
from tests.shared import SHARED, needs_shared

CONFIG = Encoder()


def optimized(path: Path) -> tuple[onnxruntime.InferenceSession, onnx.ModelProto]:
    """A session, and the model as its optimizer has left it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    target = path.with_suffix(".optimized.onnx")
    options.optimized_model_filepath = str(target)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session, onnx.load(target)


def check(path: Path, feeds: dict[str, Array], operators: set[str], **limits: Any) -> None:
    """Compare the optimized model's outputs; it must have the operators."""
    session, model = optimized(path)
    found = {n.op_type for n in model.graph.node if n.domain == "com.microsoft"}
    assert operators <= found, f"the optimizer has written {sorted(found)}"
    expected: list[Any] = session.run(None, feeds)
    for a, b in zip(run_ours(model, feeds), expected, strict=True):
        np.testing.assert_allclose(a, b, **limits)


def words() -> dict[str, Array]:
    """Ids and a mask."""
    random = np.random.default_rng(3)
    shape = (CONFIG.batch, CONFIG.sequence)
    mask = np.ones(shape, np.int64)
    mask[:, 5:] = 0
    return {"ids": random.integers(0, CONFIG.vocabulary, shape), "mask": mask}


def test_encoder(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    onnx.save(encoder(CONFIG), path)
    wanted = {"FusedMatMul", "Gelu", "SkipLayerNormalization"}
    check(path, words(), wanted, rtol=1e-4, atol=1e-5)


def test_quantized_encoder(tmp_path: Path) -> None:
    path, target = tmp_path / "encoder.onnx", tmp_path / "quantized.onnx"
    onnx.save(encoder(CONFIG), path)
    quantize_dynamic(path, target)
    check(target, words(), {"DynamicQuantizeMatMul"}, rtol=0.05, atol=0.05)


MODELS = {
    "arm-kws-crnn-s": {"FusedConv", "FusedGemm"},
    "micro-kws-m-qdq": {"QLinearAveragePool", "QLinearSoftmax"},
    "mnist-8": {"FusedConv"},
    "tiny-llama-260k": {"FusedMatMul", "QuickGelu"},
    "yamnet-qdq": {"FusedMatMul", "QLinearSigmoid"},
}


@needs_shared
@pytest.mark.parametrize("name", MODELS)
def test_shared_model(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes((SHARED / "models" / f"{name}.onnx").read_bytes())
    session, _ = optimized(path)
    stored = np.load(SHARED / "models" / f"{name}.npz")
    dtypes = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    feeds = {
        i.name: stored[next(k for k in stored.files if k.endswith(i.name))].astype(dtypes[i.type])
        for i in session.get_inputs()
    }
    step = 1 / 250 if "qdq" in name else 0.0  # of the quantized output
    check(path, feeds, MODELS[name], rtol=1e-3, atol=max(1e-3, step))
