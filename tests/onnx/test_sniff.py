"""Files that are no models are recognised, so that the error helps."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import pytest
from wasmkiln.errors import InvalidModelError
from wasmkiln.onnx.load import load


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", b"x")
    return file.getvalue()


def safetensors() -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return len(header).to_bytes(8, "little") + header + bytes(4)


LOOKALIKES = {
    "html": (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "an HTML page"),
    "html with blanks": (b"\xef\xbb\xbf \n<HTML lang=en><p>Sign in", "an HTML page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 5\n", "Git LFS"),
    "zip": (zipped(), "zip archive"),
    "pickle": (pickle.dumps({"w": [1.0]}, protocol=2), "Python pickle"),
    "pickle 4": (pickle.dumps({"w": [1.0]}, protocol=4), "Python pickle"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(100), "TensorFlow Lite"),
    "safetensors": (safetensors(), "safetensors"),
    "gguf": (b"GGUF\x03\0\0\0" + bytes(100), "GGUF"),
    "ort": (b"\x1c\0\0\0ORTM" + bytes(100), r"ONNX Runtime \.ort"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "npy": (b"\x93NUMPY\x01\0" + bytes(100), "NumPy array"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG image"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100), "JPEG image"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(100), "WebP image"),
    "gif": (b"GIF89a" + bytes(100), "GIF image"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "gzip"),
    "wasm": (b"\0asm\x01\0\0\0", "WebAssembly module"),
    "tar": (b"a.onnx" + bytes(251) + b"ustar" + bytes(100), "tar archive"),
    "pdf": (b"%PDF-1.7\n" + bytes(100), "PDF"),
    "xml": (b"<?xml version='1.0'?><net/>", "XML"),
    "json": (b'{"error": "not found"}', "JSON"),
    "text": (b"Not found, sorry.\n", "text"),
    "zeros": (bytes(5000), "nothing but zeros"),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_other_files_are_named(name: str) -> None:
    data, what = LOOKALIKES[name]
    with pytest.raises(InvalidModelError, match=f"^not an ONNX model; it looks like .*{what}"):
        load(data)


def test_nothing_at_all() -> None:
    with pytest.raises(InvalidModelError, match="the model is empty: 0 bytes"):
        load(b"")


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    with pytest.raises(InvalidModelError, match="the model is empty: 0 bytes"):
        load(tmp_path / "model.onnx")


def test_damage_without_a_likeness_is_described() -> None:
    with pytest.raises(InvalidModelError, match=r"not a valid ONNX model: .*wire type 6"):
        load(b"\x08\x07\x0e\x81\x82\x83")
