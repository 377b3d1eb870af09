"""The compiler gives the same bytes in the browser as under CPython; its host there runs them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from wasmkiln import CompileOptions
from wasmkiln.compiler import compile_model
from wasmkiln.devserver.site import Site

from tests.web.models import convolutional_model, small_model

COMPILE = """async ([data, options]) => {
    const { compile } = await import('./compiler.js');
    const model = data === null
        ? await (await fetch('models/efficientnet-lite0.onnx')).arrayBuffer()
        : Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer;
    const { artifact, report, files: [back] } = await compile(model, options);
    const hash = async (bytes) => {
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        return Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
    };
    const [code, rest] = [await hash(artifact.code), await hash(artifact.data)];
    return { code, data: rest, meta: artifact.meta, report, returned: back.byteLength > 0 };
}"""
PYTHON = """async ([source, data]) => {
    const { loadPyodide } = await import('./pyodide/pyodide.mjs');
    const pyodide = await loadPyodide({ indexURL: './pyodide/' });
    const wheel = await (await fetch('wheel/wasmkiln.whl')).arrayBuffer();
    pyodide.FS.writeFile('/lib/wasmkiln.whl', new Uint8Array(wheel));
    pyodide.globals.set('model', Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
    pyodide.runPython("import sys; sys.path.insert(0, '/lib/wasmkiln.whl')");
    return pyodide.runPython(source).toJs();
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser, site: str) -> Iterator[Page]:
    """A page of the site without our page's script."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    yield page
    context.close()


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["default", "convolutional", "small"])
def test_pyodide_emits_what_cpython_emits(
    lab: Page, site_files: Site, name: str, threads: int, simd: str
) -> None:
    models = {
        "default": site_files.files["/models/efficientnet-lite0.onnx"].read_bytes(),
        "convolutional": convolutional_model(),
        "small": small_model(2, rows="rows"),
    }
    model = models[name]
    dims = {"default": {"N": 2}, "convolutional": {}, "small": {"rows": 3}}[name]
    options: dict[str, Any] = {"threads": threads, "simd": simd, "dims": dims, "shapes": {}}
    data = None if name == "default" else base64.b64encode(model).decode()
    there = lab.evaluate(COMPILE, [data, options])
    here = compile_model(model, CompileOptions(**options))
    assert there["code"] == hashlib.sha256(here.artifact.code).hexdigest()
    assert there["data"] == hashlib.sha256(here.artifact.data).hexdigest()
    assert there["meta"] == json.loads(json.dumps(here.artifact.meta()))
    assert there["report"] == [row.as_dict() for row in here.report]
    assert there["returned"]


def test_python_in_the_browser_can_run_models(lab: Page) -> None:
    source = """
import struct
from wasmkiln import ReleasedError, handles
from wasmkiln.onnx.js_source import JsSource
handle = handles.load(JsSource(model))
x = struct.pack("<6f", -2, -1, 0, 1, 2, 3)
y = struct.unpack("<6f", handles.predict(handle, {"x": x})["y"])
handles.release(handle)
try:
    handles.predict(handle, {"x": x})
except ReleasedError as error:
    y += (str(error),)
list(y)
"""
    data = base64.b64encode(small_model(0.5)).decode()
    got = lab.evaluate(PYTHON, [source, data])
    assert got == [0, 0, 0.5, 1.5, 2.5, 3.5, "handle 1 was released, or never existed"]


def test_python_in_the_browser_can_run_any_shape(lab: Page) -> None:
    source = """
import struct
from wasmkiln import CompileOptions
from wasmkiln.host import default_host
from wasmkiln.host.pyodide import JsSource
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.onnx.load import load
from wasmkiln.plans import Plans
found = []
for threads in (1, 2):
    plans = Plans(load(JsSource(model)), CompileOptions(threads=threads), default_host())
    for rows in (2, 1, 50_000, 2, 1, 0):
        x = struct.pack(f"<{rows * 3}f", *[1] * (rows * 3))
        (y,) = plans.run({"x": Const(F32, (rows, 3), x)}).values()
        assert y.shape == (rows, 3) and bytes(y.data) == struct.pack("<f", 1.5) * (rows * 3)
    found += [plans.machine.compiles, plans.machine.memory_bytes > 50_000 * 12]
    plans.release()
found
"""
    data = base64.b64encode(small_model(0.5, rows="rows")).decode()
    assert lab.evaluate(PYTHON, [source, data]) == [1, True, 1, True]


def test_options_that_do_not_exist_are_refused(lab: Page) -> None:
    data = base64.b64encode(small_model(1)).decode()
    shown = ".catch((error) => `${error.name}: ${error.message}`)"
    compile_fast = f"([data]) => ({COMPILE})([data, {{ speed: 'fast' }}]){shown}"
    message = lab.evaluate(compile_fast, [data])
    assert message == "InvalidInputError: there is no compile option speed"
