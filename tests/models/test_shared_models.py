"""Every one of the shared models runs and agrees with native onnxruntime's stored outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import CompileOptions, InferenceSession

from tests.shared import SHARED, needs_shared, shared_models

# What the page can't run: strings and maps are for Python, between compiled parts.
HOSTED = ("sklearn-pipeline-tfidf", "sklearn-rf-iris")
# Absolute tolerances where the default does not fit.
ATOL = {
    # Between QuantizeLinear and DequantizeLinear we compute in floats, and a value that lies
    # between two steps may be rounded to the other one.
    # One step of the logits moves the largest probability of MobileNetV2 by six.
    "mobilenetv2-1.0-224-qdq-uint8": 6.0,
    # Its segmentation output spans +-876 on the stored random image, and onnxruntime's own
    # optimised run is 0.09 away from its plain one there. From a float64 evaluation we are at most
    # 0.18 away, plain onnxruntime 0.19.
    "pose-landmark-lite": 0.3,
    # Colours from -18 to 255, of which one sample in 4,104 is close to 0 and 0.0003 away. From a
    # float64 evaluation we are 0.0001 away on average, onnxruntime 0.0005.
    "mosaic-style-fns": 5e-4,
}
DEFAULT_TOLERANCE = (1e-4, 1e-3)


def load_case(name: str) -> tuple[dict[str, Any], Any]:
    """Inputs of the stored case, widened to the model's types, and the archive itself."""
    case = np.load(SHARED / "models" / f"{name}.npz", allow_pickle=False)
    return {k[3:]: case[k] for k in case.files if k.startswith("in:")}, case


def feeds_for(session: InferenceSession, stored: dict[str, Any]) -> dict[str, Any]:
    """The stored inputs in the dtypes that the model wants; f32 is stored as f16."""
    kinds = {i.name: i.type for i in session.get_inputs()}
    return {
        name: array.astype(np.float32) if kinds[name] == "tensor(float)" else array
        for name, array in stored.items()
    }


def assert_output(case: Any, output: str, actual: Any, tolerance: tuple[float, float]) -> None:
    """Compare with a stored output, whole or sampled."""
    atol, rtol = tolerance
    if f"out:{output}" in case.files:
        expected = case[f"out:{output}"]
        assert actual.shape == expected.shape
    else:
        assert actual.shape == tuple(case[f"shape:{output}"])
        expected = case[f"sample:{output}"]
        actual = actual.reshape(-1)[:: int(case[f"step:{output}"])]
    wide = np.float64 if actual.dtype.kind == "f" else np.int64
    np.testing.assert_allclose(
        actual.astype(wide), expected.astype(wide), rtol=rtol, atol=atol, err_msg=output
    )


@needs_shared
@pytest.mark.parametrize("name", shared_models())
def test_agrees_with_onnxruntime(name: str) -> None:
    stored, case = load_case(name)
    with InferenceSession(SHARED / "models" / f"{name}.onnx") as session:
        outputs = [o.name for o in session.get_outputs()]
        outputs = [o for o in outputs if f"outjson:{o}" not in case.files]  # those are no tensors
        for output, actual in zip(
            outputs, session.run(outputs, feeds_for(session, stored)), strict=True
        ):
            assert_output(
                case, output, actual, (ATOL.get(name, DEFAULT_TOLERANCE[0]), DEFAULT_TOLERANCE[1])
            )


@needs_shared
@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("layout", [True, False], ids=["nhwc", "nchw"])
def test_variants_agree(simd: Any, threads: int, layout: bool) -> None:
    name = "resnet20-cifar10"
    stored, case = load_case(name)
    options = CompileOptions(simd=simd, threads=threads, channels_last=layout, fuse=layout)
    with InferenceSession(SHARED / "models" / f"{name}.onnx", options) as session:
        feeds = feeds_for(session, stored)
        first = session.run(None, feeds)[0]
        again = session.run(None, feeds)[0]
    assert_output(case, "logits", first, DEFAULT_TOLERANCE)
    np.testing.assert_array_equal(first, again)
