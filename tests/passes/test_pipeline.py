"""All passes in a row: sound after each, and few transposes in real models."""

from __future__ import annotations

from collections import Counter

import pytest
from wasmkiln.errors import UnsupportedOperatorError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import I64
from wasmkiln.ir.graph import Graph
from wasmkiln.known import with_values
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions
from wasmkiln.passes import PIPELINE, partition, run_passes
from wasmkiln.passes.check import verify

from tests.passes.graphs import graph, node
from tests.shared import SHARED, needs_shared, shared_models

SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "ppocrv3-det": {"x": (1, 3, 64, 96)},
    "silero-vad": {"input": (1, 576), "state": (2, 1, 128)},
    "tiny-llama-260k": {"tokens": (1, 8)},
}
# What decides which branch of a model is taken.
VALUES = {"silero-vad": {"sr": Const.scalar(I64, 16000)}}

# Transposes that a run needs. One turns an NCHW image to NHWC, which those of 1 channel or with
# NHWC inputs don't need; the outputs of CNNs are vectors or lists of boxes, which need none.
TRANSPOSES = {
    "mnist-8": 1,  # its flattened map has weights in NCHW order
    "mosaic-style-fns": 2,  # image to image
    "shufflenet-v2-12-int8": 17,  # 16 channel shuffles, each within the pixels
    "tiny-llama-260k": 20,  # 5 layers: queries, keys, values and result
    "arm-kws-ds-cnn-s": 0,
    "basic-pitch-nmp": 0,
    "blazeface-front-128": 0,
    "edge-autoencoder": 0,
    "micro-kws-m-fp32": 0,
    "micro-kws-m-qdq": 0,
    "mlperf-tiny-ad01-f32": 0,
    "mlperf-tiny-resnet8-cifar10": 0,
    "mobilenetv2-1.0-224-qdq-uint8": 0,
    "movenet-lightning-f32": 0,
    "pose-landmark-lite": 0,
}


@needs_shared
@pytest.mark.parametrize("name", shared_models())
def test_real_models(name: str) -> None:
    try:
        model = load(SHARED / "models" / f"{name}.onnx")
    except UnsupportedOperatorError as error:
        pytest.skip(f"no compiler for it yet: {str(error).splitlines()[0]}")
    g = with_values(model, VALUES.get(name, {})).graph
    if any(n.op.on_host for n in g.nodes):
        pytest.skip("the host runs parts of it")
    options = CompileOptions(shapes=SHAPES.get(name, {}))

    def observe(step: str, now: Graph) -> None:
        verify(now, typed=step != "bind")

    g = run_passes(g, options, observe)
    init, main = partition(g)
    assert len(init) + len(main) == len(g.nodes)
    counts = Counter(n.op.op_type for n in main)
    assert counts["Transpose"] <= TRANSPOSES.get(name, 1)
    assert not any(n.op.op_type == "BatchNormalization" for n in g.nodes)
    for n in main:
        types = [g.types[i] if i else None for i in n.inputs]
        assert n.op.can_lower() or n.op.view(*types) is not None, n


def test_observers_see_each_pass_by_its_name() -> None:
    seen: list[str] = []
    g = graph({"x": "f32[4]"}, [node("Relu", "x", "y")], "y")
    run_passes(g, CompileOptions(), lambda name, _: seen.append(name))
    assert seen == [name for name, _ in PIPELINE]
    assert len(set(seen)) == len(seen)
