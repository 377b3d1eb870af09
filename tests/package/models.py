"""The models that the apps run."""

from __future__ import annotations

from pathlib import Path

from tests.web.models import convolutional_model, external_model, small_model

__all__ = ["write_models"]


def write_models(folder: Path) -> None:
    """conv.onnx, grey.onnx (a picture of 3 x 2 levels), and external.onnx with its two files."""
    (folder / "sub").mkdir(parents=True)
    (folder / "conv.onnx").write_bytes(convolutional_model())
    (folder / "grey.onnx").write_bytes(small_model(1, lead=(1, 1)))
    model, weights, bias = external_model()
    (folder / "external.onnx").write_bytes(model)
    (folder / "w.bin").write_bytes(weights)
    (folder / "sub" / "b.bin").write_bytes(bias)
