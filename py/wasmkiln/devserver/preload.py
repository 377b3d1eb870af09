"""Import all that the page's compiler may need. image.mjs runs it in Pyodide."""

from __future__ import annotations

import gc
from importlib import import_module
from pkgutil import walk_packages

# What the page calls, and the packages of which a model may need any module.
ROOTS = ("wasmkiln.host.pyodide", "wasmkiln.explain")
WHOLE = ("wasmkiln.backends", "wasmkiln.ops", "wasmkiln.passes", "wasmkiln.program")
# What the package imports within functions.
LATE = ("unicodedata",)


def wanted(names: list[str]) -> list[str]:
    """Of the package's modules those that are imported; what they import comes with them."""
    whole = tuple(f"{package}." for package in WHOLE)
    return [name for name in names if name in ROOTS or name.startswith(whole)]


def preload(package: str) -> None:
    """Import the package's modules."""
    path = import_module(package).__path__
    for name in [*wanted([m.name for m in walk_packages(path, f"{package}.")]), *LATE]:
        import_module(name)
    gc.collect()
    gc.freeze()  # What is there stays, so later collections needn't look at it.
