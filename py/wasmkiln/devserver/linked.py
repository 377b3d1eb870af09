"""The page's scripts and workers, linked: what they import is served as part of them.

A linked file is served under the name of the module that it begins with, whose own text nobody
needs then. Everything else is served as it is, for pages that import it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from wasmkiln.bundle import linker, scan, script
from wasmkiln.bundle.linker import link
from wasmkiln.devserver.download import write_atomically

__all__ = ["LINKED", "linked_copy"]

Stamp = list[str | int]

# The first module of each file, and the file for what it only imports late, if it does.
ENTRIES = {
    "page/start.js": "page/late.js",
    "page/python.js": None,
    "page/python.worker.js": None,
    "compiler.worker.js": None,
    "compute.worker.js": None,
    "image.worker.js": None,
    "store.worker.js": None,
}
# Each file with the module that it begins with.
LINKED = {name: entry for entry, late in ENTRIES.items() for name in (entry, late) if name}
_WAY = [Path(str(module.__file__)) for module in (linker, scan, script)]  # of making them


def linked_copy(name: str, find: Callable[[str], Path], folder: Path) -> Path:
    """The linked file of this name, made anew where any of its modules has changed.

    find: gives a module's file. folder: where copies are kept.
    """
    entry = LINKED[name]
    record = folder / f"{entry}.json"
    if not _is_current(record, find):
        stamps: dict[str, Stamp] = {}

        def read(module: str) -> str:
            path = find(module)
            stamps[module] = _stamp(path)  # before, so that a later change is seen
            return path.read_text("utf-8")

        for file, text in link(entry, read, ENTRIES[entry]).items():
            write_atomically(folder / file, text.encode())
        state = {"way": list(map(_stamp, _WAY)), "modules": stamps}
        write_atomically(record, json.dumps(state).encode())
    return folder / name


def _is_current(record: Path, find: Callable[[str], Path]) -> bool:
    """Whether all modules are in the state that they had when they were linked."""
    try:
        state = json.loads(record.read_text("utf-8"))
        return bool(
            state["way"] == list(map(_stamp, _WAY))
            and all(_stamp(find(module)) == stamp for module, stamp in state["modules"].items())
        )
    except (OSError, ValueError, KeyError):
        return False


def _stamp(path: Path) -> Stamp:
    """What tells whether a file is another, or has changed."""
    status = path.stat()
    return [str(path), status.st_mtime_ns, status.st_size]
