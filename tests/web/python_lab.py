"""Python in the tab, for tests: Pyodide on a page's main thread or in a worker, driven from here.

Values pass as JSON, bytes as base64; `given` holds them in Python.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from wasmkiln.devserver.download import Artefact

from tests.prepared import pypi_wheel
from tests.shared import SHARED

WORKER = Path(__file__).with_name("python_lab.worker.js")
NUMPY = SHARED / "wheels" / "numpy-2.4.3-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
MICROPIP = Artefact(
    "micropip-0.11.1-py3-none-any.whl",
    115488,
    "768de165adb8e66906039d8fec4127a57f522dfdf8e6fbff877a4616941ecfd3",
)
START = """async () => {
    const { loadPyodide } = await import('./pyodide/pyodide.mjs');
    globalThis.pyodide = await loadPyodide({ indexURL: './pyodide/' });
    globalThis.python = (code, given) => {
        pyodide.globals.set('given', pyodide.toPy(given));
        return pyodide.runPythonAsync(code);
    };
}"""
START_WORKER = """() => {
    const worker = new Worker('./python-lab.worker.js', { type: 'module' });
    globalThis.python = (code, given) => new Promise((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data: { result, error } }) =>
            error ? reject(new Error(error)) : resolve(result);
        worker.postMessage({ code, given });
    });
}"""
# `result` may be anything that JSON can hold.
WRAPPED = """
import base64, json
result = None
{code}
json.dumps(result)
"""


class Python:
    """A Pyodide of its own in a page that is already there."""

    def __init__(self, page: Page, *, worker: bool) -> None:
        self._page = page
        page.evaluate(START_WORKER if worker else START)

    def run(self, code: str, **given: Any) -> Any:
        """What the code leaves in `result`; it may await. Its exceptions arrive as Errors."""
        plain = {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in given.items()
        }
        text = self._page.evaluate(
            "([code, given]) => python(code, given)", [WRAPPED.format(code=code), plain]
        )
        return json.loads(text)


def micropip_wheel() -> Path:
    """The wheel of micropip that this Pyodide goes with, from PyPI."""
    return pypi_wheel(MICROPIP, "micropip==0.11.1", python="3.14")
