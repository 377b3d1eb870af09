"""Instantiates emitted code in the browser's engine.

On a page's main thread browsers refuse to do that at once with large modules (over 8 MB in
Chromium), for nothing else happens there meanwhile. Where Python was called in such a way that it
can wait for a promise, it waits, and the page goes on. Workers have no such limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException, can_run_sync, run_sync, to_js

from ..errors import InternalError, LimitError

__all__ = ["instantiate"]


def instantiate(code: bytes, memory: Any) -> Any:
    """The `run` that a module exports, over a WebAssembly.Memory.

    Raises LimitError where the browser would have this thread wait for it, and it can't.
    """
    data = to_js(code)
    imports = to_js({"env": {"memory": memory}}, dict_converter=js.Object.fromEntries)
    try:
        instance = js.WebAssembly.Instance.new(js.WebAssembly.Module.new(data), imports)
    except JsException as error:
        if error.name != "RangeError":
            raise InternalError(f"the emitted module is invalid: {error}") from error
        instance = _wait(lambda: js.WebAssembly.instantiate(data, imports), len(code), error)
    return instance.exports.run


def _wait(instantiate: Callable[[], Any], nbytes: int, refusal: JsException) -> Any:
    """The instance that a promise gives, or LimitError."""
    if not can_run_sync():
        raise LimitError(
            f"the browser does not start {nbytes:,} bytes of code at once on this thread; use "
            f"`await InferenceSession.create(...)` in asynchronous code, or a worker ({refusal})"
        ) from refusal
    try:
        return run_sync(instantiate()).instance
    except JsException as error:
        raise InternalError(f"the emitted module is invalid: {error}") from error
