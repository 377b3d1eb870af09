"""Starts a module in the browser's engine: at once, or ahead, where the caller can wait for it.

On a page's main thread browsers refuse to compile and instantiate large modules at once (over 8 MB
in Chromium), for nothing else happens there meanwhile. Workers have no such limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from ..artifact import Artifact
from ..errors import InternalError, LimitError, WasmkilnError
from ..record import record

__all__ = ["Started", "js_object", "start", "start_ahead"]


@record
class Started:
    """A module that runs in a memory of its own. run: its export of that name."""

    memory: Any
    run: Any


def start(artifact: Artifact) -> Started:
    """Compile and instantiate now; LimitError where this thread may not, or memory is short."""
    memory = _memory(artifact)
    try:
        module = js.WebAssembly.Module.new(to_js(artifact.code))
        instance = js.WebAssembly.Instance.new(module, _imports(memory))
    except JsException as error:
        raise _explained(error, artifact) from error
    return Started(memory, instance.exports.run)


async def start_ahead(artifact: Artifact) -> Started:
    """Compile and instantiate while this thread goes on; raises as `start` does."""
    memory = _memory(artifact)
    try:
        both = await js.WebAssembly.instantiate(to_js(artifact.code), _imports(memory))
    except JsException as error:
        raise _explained(error, artifact) from error
    return Started(memory, both.instance.exports.run)


def js_object(mapping: Mapping[str, Any]) -> Any:
    """The mapping as a JavaScript object; bytes become a Uint8Array."""
    return to_js(mapping, dict_converter=js.Object.fromEntries)


def _memory(artifact: Artifact) -> Any:
    pages = artifact.pages
    limits = {"initial": pages, "maximum": pages, "shared": artifact.shared}
    try:
        return js.WebAssembly.Memory.new(js_object(limits))
    except JsException as error:
        raise LimitError(f"{pages * 65536:,} bytes of memory: {error}") from error


def _imports(memory: Any) -> Any:
    return js_object({"env": {"memory": memory}})


def _explained(error: JsException, artifact: Artifact) -> WasmkilnError:
    if error.name != "RangeError":
        return InternalError(f"the emitted module is invalid: {error}")
    return LimitError(
        f"the browser does not start {len(artifact.code):,} bytes of code at once on this thread; "
        "use `await InferenceSession.create(...)`, which lets it take its time, or a worker "
        f"({error})"
    )
