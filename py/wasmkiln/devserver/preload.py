"""Import all that the page's compiler may need. image.mjs runs it in Pyodide."""

from __future__ import annotations

import gc
from importlib import import_module
from pkgutil import walk_packages

# Nobody compiles for the page with these: the command line, and what needs NumPy or wasmtime.
LEFT_OUT = frozenset(
    {
        "wasmkiln.__main__",
        "wasmkiln.api",
        "wasmkiln.bundle",
        "wasmkiln.cli",
        "wasmkiln.host.native",
        "wasmkiln.host.native_call",
        "wasmkiln.onnx_backend",
        "wasmkiln.onnxruntime",
        "wasmkiln.session",
        "wasmkiln.testing",
    }
)
# What the package imports within functions.
LATE = ("unicodedata",)


def wanted(names: list[str]) -> list[str]:
    """The modules of the package without those that are left out, and those below them."""
    return [
        name
        for name in names
        if name not in LEFT_OUT and not any(name.startswith(f"{out}.") for out in LEFT_OUT)
    ]


def preload(package: str) -> None:
    """Import the package's modules."""
    path = import_module(package).__path__
    for name in [*wanted([m.name for m in walk_packages(path, f"{package}.")]), *LATE]:
        import_module(name)
    gc.collect()
    gc.freeze()  # What is there stays, so later collections needn't look at it.
