"""Workers of the page, each as one file: a worker with its modules apart takes as many requests.

A page that opens with a kept model waits for its workers above all.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from wasmkiln.bundle.linker import link_worker
from wasmkiln.devserver.download import write_changed

__all__ = ["WORKERS", "linked_copy"]

WORKERS = frozenset({"compute.worker.js", "image.worker.js"})


def linked_copy(source: Path, target: Path) -> Path:
    """The linked copy of a worker's module, made anew if any module beside it has changed."""
    times = tuple(sorted((p.name, p.stat().st_mtime_ns) for p in source.parent.glob("*.js")))
    write_changed(target, _linked(source, times).encode())
    return target


@lru_cache(maxsize=len(WORKERS))
def _linked(source: Path, times: tuple[tuple[str, int], ...]) -> str:
    return link_worker(source.parent, source.name)
