"""Hosts run emitted code; which one is a question of where Python runs, answered here once."""

from __future__ import annotations

import sys

from .base import Host, Instance, check_status, fill, load

__all__ = ["Host", "Instance", "check_status", "default_host", "fill", "load"]


def default_host() -> Host:
    """The host for this Python: the browser's engine under Pyodide, wasmtime under CPython.

    Raises MissingDependencyError where wasmtime is needed and not installed.
    """
    if sys.platform == "emscripten":
        from .pyodide import PyodideHost

        return PyodideHost()
    from .native import NativeHost

    return NativeHost()
