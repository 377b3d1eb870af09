"""ImageDecoder: formats, pixel formats and what can't be decoded. Photos: tests/suite."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from wasmkiln.errors import InvalidModelError, LimitError, MissingDependencyError, ShapeError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, U8
from wasmkiln.ops.base import create

from .check import build, node, run_ours

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def encoded(kind: str, mode: str = "RGB") -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, kind)
    return file.getvalue()


def decoded(data: bytes, pixel_format: str = "RGB") -> Const:
    op = create("", "ImageDecoder", 20, {"pixel_format": pixel_format})
    outputs = op.evaluate(Const(U8, (len(data),), data))
    assert outputs is not None
    image: Const = outputs[0]
    return image


def array(image: Const) -> Any:
    assert isinstance(image.data, bytes)
    return np.frombuffer(image.data, np.uint8).reshape(image.shape)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats(kind: str) -> None:
    np.testing.assert_array_equal(array(decoded(encoded(kind))), PIXELS)


def test_pixel_formats() -> None:
    np.testing.assert_array_equal(array(decoded(encoded("PNG"), "BGR")), PIXELS[..., ::-1])
    gray = np.asarray(Image.fromarray(PIXELS).convert("L"))[..., None]
    np.testing.assert_array_equal(array(decoded(encoded("PNG"), "Grayscale")), gray)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_other_modes_become_three_channels(mode: str) -> None:
    """What an image holds does not change the shape."""
    image = Image.open(BytesIO(encoded("PNG", mode)))
    np.testing.assert_array_equal(array(decoded(encoded("PNG", mode))), image.convert("RGB"))


def test_in_a_model() -> None:
    nodes = [node("ImageDecoder", "x", "i"), node("Cast", "i", "f", to=1), node("Neg", "f", "y")]
    x = np.frombuffer(encoded("PNG"), np.uint8)
    (y,) = run_ours(build(nodes, {"x": x}, set(), ["y"]), {"x": x})
    np.testing.assert_array_equal(y, -PIXELS.astype("f4"))


@pytest.mark.parametrize("data", [b"", b"no image", encoded("PNG")[:60], encoded("BMP")[:40]])
def test_what_is_no_image_gives_an_empty_one(data: bytes) -> None:
    assert decoded(data) == Const(U8, (0, 0, 0), b"")


def test_wrong_inputs() -> None:
    with pytest.raises(InvalidModelError, match=r"^pixel_format is 'rgb', which is none of RGB"):
        create("", "ImageDecoder", 20, {"pixel_format": "rgb"})
    op = create("", "ImageDecoder", 20, {})
    for x in (Const.of(F32, (1,), (1.0,)), Const.of(U8, (1, 1), (1,))):
        with pytest.raises(ShapeError, match=r"bytes in u8\[N\] are expected$"):
            op.evaluate(x)


def test_images_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(LimitError, match="could be decompression bomb"):
        decoded(encoded("PNG"))


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match="needs Pillow: pip install pillow"):
        decoded(b"")
