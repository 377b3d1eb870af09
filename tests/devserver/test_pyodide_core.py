"""The Pyodide core: taken from npm, the registry or the CDN, in this order, always checked."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from wasmkiln.devserver import pyodide_core
from wasmkiln.devserver.download import Artefact, DownloadError
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.pyodide_core import ensure_core, npm_configuration, read_npmrc
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site

from tests.devserver.serving import running

CONTENTS = {"a.wasm": b"\0asm" * 1000, "b.zip": b"library" * 500}


def artefact(name: str, content: bytes) -> Artefact:
    return Artefact(name, len(content), hashlib.sha256(content).hexdigest())


def tarball_of(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


TARBALL = tarball_of({**CONTENTS, "unwanted.txt": b"not for the page"})


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small core instead of Pyodide's, and empty folders for a registry and a CDN."""
    monkeypatch.setattr(pyodide_core, "TARBALL", artefact("core.tgz", TARBALL))
    files = tuple(artefact(name, content) for name, content in CONTENTS.items())
    monkeypatch.setattr(pyodide_core, "FILES", files)
    monkeypatch.setattr("shutil.which", lambda name: None)
    for folder in ("registry/pyodide/-", "cdn"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def attempt(places: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """Run `ensure_core` against what lies in the places; the folder and what was reported."""
    output = io.StringIO()
    with running(SiteServer(Site(places), "127.0.0.1", 0)) as url:
        monkeypatch.setenv("npm_config_registry", f"{url}registry")
        monkeypatch.setattr(pyodide_core, "CDN", f"{url}cdn/")
        folder = ensure_core(places / "cache", Progress(output))
    return folder, output.getvalue()


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_registrys_tarball_is_unpacked_and_not_kept(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "registry/pyodide/-/core.tgz").write_bytes(TARBALL)
    folder, report = attempt(places, monkeypatch)
    assert held(folder) == CONTENTS
    assert "core.tgz from 127.0.0.1" in report
    assert list((places / "cache" / "downloads").iterdir()) == []
    assert attempt(places, monkeypatch) == (folder, "")


def test_the_cdn_is_the_last_resort(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in CONTENTS.items():
        (places / "cdn" / name).write_bytes(content)
    folder, report = attempt(places, monkeypatch)
    assert held(folder) == CONTENTS
    assert "core.tgz from 127.0.0.1" in report and "a.wasm from 127.0.0.1" in report


def test_only_the_damaged_file_is_fetched_again(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in CONTENTS.items():
        (places / "cdn" / name).write_bytes(content)
    folder, _ = attempt(places, monkeypatch)
    (folder / "b.zip").write_bytes(b"damaged")
    _, report = attempt(places, monkeypatch)
    assert held(folder) == CONTENTS
    assert "b.zip" in report and "a.wasm" not in report


def test_other_bytes_are_refused_everywhere_and_the_way_out_is_told(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "registry/pyodide/-/core.tgz").write_bytes(b"z" * len(TARBALL))
    (places / "cdn" / "a.wasm").write_bytes(b"z" * len(CONTENTS["a.wasm"]))
    with pytest.raises(DownloadError) as caught:
        attempt(places, monkeypatch)
    message = str(caught.value)
    assert message.count("differs from the pinned one") == 2
    assert "start again: it goes on where it stopped" in message
    assert str(places / "cache" / "downloads" / "core.tgz") in message
    (places / "cache" / "downloads" / "core.tgz").write_bytes(TARBALL)
    folder, report = attempt(places, monkeypatch)
    assert (held(folder), report) == (CONTENTS, "")


def test_npmrc_gives_registry_and_certificates(tmp_path: Path) -> None:
    npmrc = tmp_path / ".npmrc"
    npmrc.write_text('# mirror\nregistry = "https://npm.example/"\ncafile=/ca.pem\nfund=false\n')
    assert read_npmrc(npmrc) == {"registry": "https://npm.example/", "cafile": "/ca.pem"}
    assert read_npmrc(tmp_path / "none") == {}


def test_without_npm_the_users_npmrc_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".npmrc").write_text("registry=https://npm.example/\ncafile=/ca.pem\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("npm_config_registry", raising=False)
    assert npm_configuration(None) == ("https://npm.example/", "/ca.pem")
    monkeypatch.setenv("npm_config_registry", "https://other.example/")
    assert npm_configuration(None) == ("https://other.example/", "/ca.pem")
