"""Compressed twins: made once, made again when the file is newer, and only where it pays."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

from wasmkiln.devserver.compress import ensure_compressed
from wasmkiln.devserver.progress import Progress


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
