"""The models by name: what makes each, and the inputs that it is measured with."""

from __future__ import annotations

import hashlib
import logging
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import onnx
from wasmkiln.devserver.default_model import ensure_model
from wasmkiln.devserver.progress import Progress

from bench.models import convnets, dense_prediction, small, transformers
from bench.task import Task, read_inputs

__all__ = ["MODELS", "Recipe", "find_tasks", "task_of"]

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
SHARED = ROOT.parent / "shared" / "models"
SEEDED = "made by bench/models, seeded weights"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model comes to be.

    build: makes it, as `file`. real: a file of the shared models that goes before. dims: sizes of
    symbolic dimensions. quick: part of a quick run. macs: where the compiler can't count them.
    """

    file: str
    build: Callable[[], onnx.ModelProto] | None = None
    real: str = ""
    dims: Mapping[str, int] = field(default_factory=dict)
    quick: bool = True
    macs: int = 0


def _text(length: int) -> dict[str, int]:
    return {"batch": 1, "sequence": length}


MODELS: dict[str, Recipe] = {
    "efficientnet-lite0": Recipe("efficientnet-lite0"),
    "mobilenetv2": Recipe("mobilenetv2", convnets.mobilenetv2, "mobilenetv2-1.0-224.onnx"),
    "mobilenetv3-large": Recipe("mobilenetv3-large", convnets.mobilenetv3_large),
    "resnet50": Recipe("resnet50", convnets.resnet50),
    "squeezenet": Recipe("squeezenet", convnets.squeezenet),
    "bert-base-128": Recipe("bert-base", transformers.bert_base, dims=_text(128)),
    "bert-base-16": Recipe("bert-base", transformers.bert_base, dims=_text(16), quick=False),
    "minilm-128": Recipe("minilm", transformers.minilm, dims=_text(128)),
    "minilm-16": Recipe("minilm", transformers.minilm, dims=_text(16), quick=False),
    "char-lstm": Recipe("char-lstm", small.char_lstm),
    "gru": Recipe("gru", small.gru),
    "logistic-regression": Recipe("logistic-regression", small.logistic_regression),
    "autoencoder": Recipe("autoencoder", small.autoencoder),
    "unet": Recipe("unet", dense_prediction.unet),
    "yolo": Recipe("yolo", dense_prediction.yolo),
    "mobilenetv2-int8": Recipe("mobilenetv2-int8", real="mobilenetv2-1.0-224-qdq-uint8.onnx"),
    "minilm-int8-128": Recipe("minilm-int8", dims=_text(128), macs=1_434_500_000),
    "matmul-4bit": Recipe("matmul-4bit", small.matmul_nbits, macs=8 * 1024 * 1024),
}


def find_tasks(names: Sequence[str], quick: bool = False) -> list[Task]:
    """Tasks by name or by file; all known ones if none is given."""
    chosen = list(names) or [n for n, r in MODELS.items() if r.quick or not quick]
    tasks = []
    for name in chosen:
        if name in MODELS:
            task = task_of(name)
        elif Path(name).is_file():
            task = Task(Path(name).stem, Path(name).resolve(), read_inputs(Path(name)))
        else:
            raise SystemExit(f"no model {name}; there are {', '.join(MODELS)}, and ONNX files")
        if task is not None:
            tasks.append(task)
        else:
            print(f"{name}: left out, its file is not beside this checkout")
    return tasks


def task_of(name: str) -> Task | None:
    """A known model, made now if it isn't there yet; None where it can't be had."""
    recipe = MODELS[name]
    real = SHARED / recipe.real
    if recipe.real and real.is_file():
        return Task(name, real, read_inputs(real, recipe.dims), f"real weights, {real.name}")
    if recipe.file == "efficientnet-lite0":
        path = ensure_model(CACHE, Progress(sys.stderr))
        return Task(name, path, read_inputs(path), "real weights, the default model")
    if recipe.file == "minilm-int8":
        path = _cached(recipe.file, lambda target: _quantise(_built("minilm"), target))
        source = f"{SEEDED}; onnxruntime's quantize_dynamic"
        return Task(name, path, read_inputs(path, recipe.dims), source, recipe.macs)
    if recipe.build is None:
        return None
    path = _built(recipe.file)
    return Task(name, path, read_inputs(path, recipe.dims), SEEDED, recipe.macs)


def _built(file: str) -> Path:
    build = next(r.build for r in MODELS.values() if r.file == file and r.build)
    return _cached(file, lambda target: onnx.save(build(), target))


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """The file of this name and of the present sources; made if it isn't there."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:12]
    folder = CACHE / "bench" / "models"
    path = folder / f"{name}-{digest}.onnx"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-????????????.onnx"):
            old.unlink()
        partial = folder / f"{name}.partial"
        make(partial)
        partial.replace(path)
    return path


def _quantise(source: Path, target: Path) -> None:
    """Weights of matrix products become int8, activations uint8 as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)  # It advises to run a preprocessing first.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_dynamic(
            source, target, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
        )
