"""What a site gives out beside Pyodide's core; compressed twins, made once and where it pays."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from wasmkiln.devserver.compress import ensure_compressed
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.pyodide_core import FILES
from wasmkiln.devserver.site import pyodide_files


def test_twins_are_made_once_and_follow_the_file(tmp_path: Path) -> None:
    code, archive = tmp_path / "core.wasm", tmp_path / "library.zip"
    code.write_bytes(bytes(10_000))
    archive.write_bytes(bytes(10_000))
    output = io.StringIO()
    progress = Progress(output)
    for _ in range(2):
        ensure_compressed([code, archive], progress)
    assert output.getvalue().count("core.wasm compressed (gzip):") == 1
    twin = tmp_path / "core.wasm.gz"
    assert gzip.decompress(twin.read_bytes()) == bytes(10_000)
    assert not (tmp_path / "library.zip.gz").exists()
    code.write_bytes(b"\1" * 10_000)
    later = twin.stat().st_mtime_ns + 1_000_000
    os.utime(code, ns=(later, later))
    ensure_compressed([code], progress)
    assert gzip.decompress(twin.read_bytes()) == b"\1" * 10_000


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is what is tested")
def test_node_compresses_where_brotli_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    content = b"as it is " * 1000
    file, twin = tmp_path / "python.image", tmp_path / "python.image.br"
    file.write_bytes(content)
    ensure_compressed([file], Progress(io.StringIO()))
    script = "const { readFileSync } = require('fs'), { brotliDecompressSync } = require('zlib');"
    script += "process.stdout.write(brotliDecompressSync(readFileSync(0)))"
    done = subprocess.run(
        ["node", "-e", script], input=twin.read_bytes(), capture_output=True, check=True
    )
    assert done.stdout == content


def test_an_outdated_twin_that_cannot_be_made_anew_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    file, twin = tmp_path / "core.wasm", tmp_path / "core.wasm.br"
    twin.write_bytes(b"old")
    file.write_bytes(b"new")
    later = twin.stat().st_mtime_ns + 1_000_000
    os.utime(file, ns=(later, later))
    ensure_compressed([file], Progress(io.StringIO()))
    assert not twin.exists()


def test_packages_beside_pyodides_core_are_given_out_too(tmp_path: Path) -> None:
    core = {f"/pyodide/{file.name}": tmp_path / file.name for file in FILES}
    assert pyodide_files(tmp_path) == core
    numpy = tmp_path / "numpy-2.4.6-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
    numpy.touch()
    (tmp_path / "core.wasm.gz").touch()
    assert pyodide_files(tmp_path) == {**core, f"/pyodide/{numpy.name}": numpy}
