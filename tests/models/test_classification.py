"""The default model, compiled by us, says on every image what native onnxruntime says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from wasmkiln import CompileOptions, InferenceSession

from tests.models.images import lite0_input
from tests.prepared import default_model_file
from tests.shared import SHARED, needs_shared

# The largest difference of a probability that all images and variants may have from onnxruntime's.
ATOL = 2e-5


@pytest.fixture(scope="module")
def model_path() -> Path:
    return default_model_file()


@pytest.fixture(scope="module")
def reference(model_path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])


def images() -> list[Path]:
    folders = (SHARED / "images" / "imagenet-sample", SHARED / "images" / "open")
    return [p for f in folders for p in sorted(f.iterdir()) if p.suffix.lower() != ".csv"]


@needs_shared
def test_top_1_equals_onnxruntimes_on_every_image(
    model_path: Path, reference: onnxruntime.InferenceSession
) -> None:
    worst = 0.0
    with InferenceSession(model_path) as session:
        for path in images():
            feeds = {"image": lite0_input(path)}
            mine, theirs = session.run(None, feeds)[0], reference.run(None, feeds)[0]
            assert mine.argmax() == theirs.argmax(), path.name
            worst = max(worst, float(np.abs(mine - theirs).max()))
    print(f"{len(images())} images, largest difference of a probability {worst:.1e}")
    assert worst <= ATOL


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_variants(
    model_path: Path, reference: onnxruntime.InferenceSession, simd: Any, threads: int
) -> None:
    image = np.random.default_rng(3).uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    with InferenceSession(model_path, CompileOptions(simd=simd, threads=threads)) as session:
        mine = session.run(None, {"image": image})[0]
    np.testing.assert_allclose(mine, reference.run(None, {"image": image})[0], atol=ATOL)


def test_weights_are_in_memory_only_once(model_path: Path) -> None:
    with InferenceSession(model_path) as session:
        artifact = session.artifact()
    assert artifact.weight_bytes < 1.02 * model_path.stat().st_size
    assert artifact.macs == pytest.approx(385_187_552)
