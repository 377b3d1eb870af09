"""The default model with its weights stored as halves names what it is with whole ones."""

from __future__ import annotations

import numpy as np
import onnxruntime
from wasmkiln.bundle import BundleOptions, build_bundle
from wasmkiln.onnx.load import load

from tests.bundle.reader import run
from tests.models.images import lite0_input
from tests.models.test_classification import images
from tests.prepared import default_model_file
from tests.shared import needs_shared

# The largest difference of a probability that halves may make.
ATOL = 1e-2


@needs_shared
def test_top_1_is_that_of_whole_weights_on_every_image() -> None:
    path = default_model_file()
    reference = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    bundle = build_bundle(load(path), BundleOptions(half=True, simd=("relaxed",), threads=1))
    stored = sum(part["bytes"] for part in bundle.manifest["weights"])
    assert stored < 0.52 * bundle.manifest["weightBytes"]
    worst = 0.0
    for photo in images():
        feeds = {"image": lite0_input(photo)}
        (mine,) = run(bundle, feeds).values()
        theirs = reference.run(None, feeds)[0]
        assert mine.argmax() == theirs.argmax(), photo.name
        worst = max(worst, float(np.abs(mine - theirs).max()))
    print(f"{len(images())} images, {stored:,} bytes, largest difference {worst:.1e}")
    assert worst <= ATOL
