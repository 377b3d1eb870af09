"""What a site gives out beside Pyodide's core; compressed twins, made once and where it pays."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

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


def test_packages_beside_pyodides_core_are_given_out_too(tmp_path: Path) -> None:
    core = {f"/pyodide/{file.name}": tmp_path / file.name for file in FILES}
    assert pyodide_files(tmp_path) == core
    numpy = tmp_path / "numpy-2.4.6-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
    numpy.touch()
    (tmp_path / "core.wasm.gz").touch()
    assert pyodide_files(tmp_path) == {**core, f"/pyodide/{numpy.name}": numpy}
