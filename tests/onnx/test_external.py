"""External data: found beside the model, checked, and never outside its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from wasmkiln.errors import ExternalDataError, InvalidModelError
from wasmkiln.ir.const import Span
from wasmkiln.onnx.load import load
from wasmkiln.onnx.source import MemorySource

from tests.onnx.make import model


def external(name: str, dims: list[int], **entries: object) -> onnx.TensorProto:
    tensor = TensorProto(
        name=name, dims=dims, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=str(text))
    return tensor


def with_weights(*tensors: onnx.TensorProto) -> bytes:
    node = helper.make_node("Relu", ["x"], ["y"])
    return model([node], initializers=tensors).SerializeToString()


WEIGHTS = np.arange(2000, dtype=np.float32).tobytes()


def test_weights_are_left_where_they_are() -> None:
    data = with_weights(
        external("a", [1500], location="w.bin"[:5], length=6000),
        external("b", [2], location="w.bin", offset=6000, length=8),
        external("c", [1], location="sub/v.bin"),
    )
    loaded = load(data, external={"w.bin": WEIGHTS, "sub/v.bin": MemorySource(bytes(4))})
    assert loaded.graph.consts["a"].data == Span(1, 0, 6000)
    assert loaded.graph.consts["b"].values() == (1500, 1501)
    assert loaded.graph.consts["c"].values() == (0,)
    assert [file.size for file in loaded.files] == [len(data), 8000, 4]


def test_files_beside_the_model_are_found(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(WEIGHTS)
    path = tmp_path / "model.onnx"
    path.write_bytes(with_weights(external("a", [2000], location="./weights/w.bin")))
    loaded = load(path)
    assert loaded.graph.consts["a"].data == Span(1, 0, 8000)
    assert loaded.files[1].read(4, 4) == WEIGHTS[4:8]
    assert load(path.read_bytes(), external=tmp_path).graph.consts == loaded.graph.consts


def test_what_the_onnx_package_saves_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    array = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    proto = onnx.load_from_string(with_weights(onnx.numpy_helper.from_array(array, "a")))
    onnx.save_model(proto, path, save_as_external_data=True, location="all.data", size_threshold=0)
    loaded = load(path)
    span = loaded.graph.consts["a"].data
    assert loaded.files[span.file].read(span.offset, span.nbytes) == array.tobytes()


@pytest.mark.parametrize(
    "location",
    ["../w.bin", "a/../../w.bin", "/etc/passwd", "..", "", ".", "/", "a\\b", "..\\w.bin",
     "C:w.bin", "C:/w.bin", "\\\\server\\w.bin", "w\0.bin", "a/..", "./../w.bin"],
)  # fmt: skip
def test_locations_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(WEIGHTS)
    data = with_weights(external("a", [2000], location=location))
    for given in (folder, {location: WEIGHTS}):
        with pytest.raises(ExternalDataError, match=r"tensor 'a': .* is not a relative path"):
            load(data, external=given)


def test_links_may_not_lead_outside(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(WEIGHTS)
    os.symlink(tmp_path / "w.bin", folder / "link.bin")
    os.symlink(tmp_path, folder / "up")
    for location in ("link.bin", "up/w.bin"):
        data = with_weights(external("a", [2000], location=location))
        with pytest.raises(ExternalDataError, match="links to outside"):
            load(data, external=folder)


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(WEIGHTS)
    os.symlink("w.bin", tmp_path / "link.bin")
    data = with_weights(external("a", [2000], location="link.bin"))
    assert load(data, external=tmp_path).graph.consts["a"].data == Span(1, 0, 8000)


def test_a_folder_that_is_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "w.bin").write_bytes(WEIGHTS)
    os.symlink(tmp_path / "real", tmp_path / "link")
    data = with_weights(external("a", [2000], location="w.bin"))
    assert load(data, external=tmp_path / "link").files[1].size == 8000


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for location in ("folder", "pipe"):
        data = with_weights(external("a", [2000], location=location))
        with pytest.raises(ExternalDataError, match="is not a regular file"):
            load(data, external=tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "tensor 'a': the model needs the file 'w.bin', which was not given"),
        ({}, "tensor 'a': the model needs the file 'w.bin'; given: none"),
        ({"v.bin": b"", "u": b""}, "needs the file 'w.bin'; given: 'u', 'v.bin'"),
    ],
)
def test_missing_files_are_named(given: Any, message: str) -> None:
    with pytest.raises(ExternalDataError, match=message):
        load(with_weights(external("a", [2000], location="w.bin")), external=given)


def test_a_file_missing_in_the_folder_is_named(tmp_path: Path) -> None:
    data = with_weights(external("a", [2000], location="w.bin"))
    with pytest.raises(ExternalDataError, match=r"needs the file 'w\.bin' in .*: No such file"):
        load(data, external=tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "external data has no location"),
        ({"location": "w.bin", "offset": 8}, "end at byte 8008 of 'w.bin', which has 8000"),
        ({"location": "w.bin", "length": 9000}, "end at byte 9000 of 'w.bin', which has 8000"),
        ({"location": "w.bin", "length": 4000}, "takes 8000 bytes, but it has 4000"),
        ({"location": "w.bin", "offset": -8}, "external data offset '-8' is not a number"),
        ({"location": "w.bin", "offset": "1e3"}, "offset '1e3' is not a number"),
        ({"location": "w.bin", "length": "9" * 30}, "length '9+' is not a number"),
        ({"location": "w.bin", "offset": "9" * 19}, "end at byte 1.*7999 of"),
    ],
)
def test_damaged_references(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidModelError, match=f"tensor 'a'.*{message}"):
        load(with_weights(external("a", [2000], **entries)), external={"w.bin": WEIGHTS})


def test_data_both_inside_and_outside() -> None:
    tensor = external("a", [1], location="w.bin")
    tensor.raw_data = bytes(4)
    with pytest.raises(InvalidModelError, match=r"both external data in 'w\.bin' and raw_data"):
        load(with_weights(tensor), external={"w.bin": WEIGHTS})
