"""Compressed twins of large files, made once: FILE.gz always, FILE.br where brotli or Node is."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from wasmkiln.devserver.download import write_atomically
from wasmkiln.devserver.progress import Progress

COMPRESSIBLE = frozenset(
    {".wasm", ".mjs", ".js", ".json", ".css", ".html", ".image", ".svg", ".txt"}
)
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # In the order of preference.
# Brotli's qualities: the best takes half a minute for the interpreter, for 12 % less than this one.
USUAL = 9
QUICK = 5
TIMEOUT = 300  # seconds
NODE_SCRIPT = """
const { readFileSync } = require('node:fs'), zlib = require('node:zlib');
const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = zlib.constants;
const params = { [BROTLI_PARAM_QUALITY]: Number(process.argv[2]), [BROTLI_PARAM_LGWIN]: 24 };
process.stdout.write(zlib.brotliCompressSync(readFileSync(process.argv[1]), { params }));
"""


def ensure_compressed(paths: Iterable[Path], progress: Progress, quality: int = USUAL) -> None:
    """Make each missing or outdated twin of the compressible files among `paths`.

    quality: of brotli's.
    """
    for path in paths:
        if path.suffix not in COMPRESSIBLE:
            continue
        for encoding, suffix in ENCODINGS.items():
            twin = path.with_name(path.name + suffix)
            if twin.exists() and twin.stat().st_mtime_ns >= path.stat().st_mtime_ns:
                continue
            twin.unlink(missing_ok=True)
            compress = _compressor(encoding, quality)
            if compress is None:
                continue
            progress.begin(f"{path.name} compressed ({encoding})")
            try:
                content = compress(path)
            except (OSError, subprocess.SubprocessError) as error:
                progress.end(f"not made ({error})")
                continue
            write_atomically(twin, content)
            progress.end(f"{len(content) / 1e6:.1f} MB")


def gzip_bytes(content: bytes) -> bytes:
    """The content in gzip's format; the same content gives the same bytes."""
    return gzip.compress(content, 9, mtime=0)


def _compressor(encoding: str, quality: int) -> Callable[[Path], bytes] | None:
    """What compresses a file; None where nothing here can."""
    if encoding == "gzip":
        return lambda path: gzip_bytes(path.read_bytes())
    if importlib.util.find_spec("brotli") is not None:
        brotli = importlib.import_module("brotli").compress
        return lambda path: bytes(brotli(path.read_bytes(), quality=quality, lgwin=24))
    node = shutil.which("node")
    if node is None:
        return None
    return lambda path: _by_node([node, "-e", NODE_SCRIPT, str(path), str(quality)])


def _by_node(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=True).stdout
