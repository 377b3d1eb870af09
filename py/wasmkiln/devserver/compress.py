"""Compressed twins of large files, made once: FILE.gz always, FILE.br where brotli is installed."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

from wasmkiln.devserver.download import write_atomically
from wasmkiln.devserver.progress import Progress

COMPRESSIBLE = frozenset({".wasm", ".mjs", ".js", ".json", ".css", ".html", ".svg", ".txt"})
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # In the order of preference.


def ensure_compressed(paths: Iterable[Path], progress: Progress) -> None:
    """Make each missing or outdated twin of the compressible files among `paths`."""
    for path in paths:
        if path.suffix not in COMPRESSIBLE:
            continue
        for encoding, compress in _compressors().items():
            twin = path.with_name(path.name + ENCODINGS[encoding])
            if twin.exists() and twin.stat().st_mtime_ns >= path.stat().st_mtime_ns:
                continue
            progress.begin(f"{path.name} compressed ({encoding})")
            content = compress(path.read_bytes())
            write_atomically(twin, content)
            progress.end(f"{len(content) / 1e6:.1f} MB")


def gzip_bytes(content: bytes) -> bytes:
    """The content in gzip's format; the same content gives the same bytes."""
    return gzip.compress(content, 9, mtime=0)


def _compressors() -> dict[str, Callable[[bytes], bytes]]:
    compressors: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip_bytes}
    if importlib.util.find_spec("brotli") is not None:
        compressors["br"] = importlib.import_module("brotli").compress
    return compressors
