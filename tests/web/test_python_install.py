"""Python in a page of another origin installs the package by micropip, and uses it there.

That page runs Python on its main thread, without NumPy and without shared memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error
from wasmkiln.devserver.site import Site
from wasmkiln.devserver.wheel import WHEEL_NAME

from tests.web.conftest import serving
from tests.web.models import small_model
from tests.web.python_lab import MICROPIP, Python, micropip_wheel

INSTALL = """
import importlib.metadata, micropip, sys
await micropip.install(given["what"], index_urls=given["index"], verbose=True)
import wasmkiln
result = [wasmkiln.__version__, importlib.metadata.version("wasmkiln"), wasmkiln.__file__]
micropip.uninstall("wasmkiln")
for name in [name for name in sys.modules if name.partition(".")[0] == "wasmkiln"]:
    del sys.modules[name]
"""
# A module with a custom section of nothing, which makes it too large for the main thread.
LARGE = """
import js
from wasmkiln import InternalError, LimitError, WasmkilnError
from wasmkiln.compiler import compile_model
from wasmkiln.host.pyodide_code import instantiate

artifact = compile_model(base64.b64decode(given["model"])).artifact
memory = js.WebAssembly.Memory.new(initial=artifact.pages, maximum=artifact.pages)
size = 9_000_000
length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
large = artifact.code + b"\\0" + length + bytes(size)
"""
RELU = [0, 0, 0.5, 1.5, 2.5, 3.5]  # of these values and the small model's bias


@pytest.fixture(scope="module")
def python(browser: Browser, site_files: Site) -> Iterator[Python]:
    """A page with Python and micropip, which isn't of the index's origin nor keeps its policy."""
    files = {**site_files.files, f"/{MICROPIP.name}": micropip_wheel()}
    context = browser.new_context(bypass_csp=True)
    with serving(dataclasses.replace(site_files, files=files), isolated=False) as url:
        page = context.new_page()
        page.goto(url + "models/manifest.json")
        page.evaluate("history.replaceState(null, '', '/')")
        python = Python(page, worker=False)
        page.evaluate(f"pyodide.loadPackage('{url}{MICROPIP.name}')")
        yield python
        context.close()


@pytest.fixture(scope="module")
def installed(python: Python, site: str) -> Python:
    """That Python, with the package in place."""
    install = f"import micropip; await micropip.install('wasmkiln', index_urls='{site}simple')"
    python.run(install)
    return python


@pytest.mark.parametrize(
    "what", ["wasmkiln", "wasmkiln>=0.1", "{site}wheel/{wheel}", "wasmkiln @ {site}wheel/{wheel}"]
)
def test_micropip_installs_it(python: Python, site: str, what: str) -> None:
    asked = what.format(site=site, wheel=WHEEL_NAME)
    version, metadata, file = python.run(INSTALL, what=asked, index=f"{site}simple")
    assert version == metadata == "0.1.0"
    assert file.endswith("site-packages/wasmkiln/__init__.py")


def test_micropip_checks_the_hash(python: Python, site_files: Site) -> None:
    assert site_files.index is not None
    wrong = dataclasses.replace(site_files.index, sha256="0" * 64)
    with (
        serving(dataclasses.replace(site_files, index=wrong), isolated=True) as url,
        pytest.raises(Error, match="Invalid checksum: expected 0000"),
    ):
        python.run(INSTALL, what="wasmkiln", index=f"{url}simple")


def test_it_needs_no_other_package(installed: Python) -> None:
    listed = installed.run("import micropip; result = sorted(micropip.list())")
    assert listed == ["micropip", "wasmkiln"]


def test_a_session_without_numpy_says_what_is_missing(installed: Python) -> None:
    code = """
import wasmkiln
session = wasmkiln.InferenceSession(base64.b64decode(given["model"]))
try:
    session.run(None, {})
except wasmkiln.MissingDependencyError as error:
    result = [[i.name for i in session.get_inputs()], str(error)]
"""
    names, message = installed.run(code, model=small_model(0.5))
    assert names == ["x"]
    assert "needs NumPy" in message


def test_buffers_need_no_numpy_and_the_main_thread_runs_models(installed: Python) -> None:
    code = """
import struct
from wasmkiln import handles
handle = handles.load(base64.b64decode(given["model"]))
x = struct.pack("<6f", -2, -1, 0, 1, 2, 3)
result = struct.unpack("<6f", handles.predict(handle, {"x": x})["y"])
handles.release(handle)
"""
    assert installed.run(code, model=small_model(0.5)) == RELU


def test_large_code_runs_on_the_main_thread_if_python_may_wait(installed: Python) -> None:
    run = "result = [str(instantiate(large, memory)(0, 0, 0, 0, 1)), len(large)]"
    returned, nbytes = installed.run(LARGE + run, model=small_model(0.5))
    assert returned == "None" and nbytes > 9_000_000


def test_large_code_called_for_at_once_is_told_how_else(installed: Python) -> None:
    code = """
import pyodide_js
def attempt():
    try:
        instantiate(large, memory)
    except LimitError as error:
        return str(error)
result = pyodide_js.runPython("attempt()", globals=globals())
"""
    message = installed.run(LARGE + code, model=small_model(0.5))
    assert message.startswith("the browser does not start 9,0")
    assert "use `await InferenceSession.create(...)` in asynchronous code, or a worker" in message


def test_invalid_code_is_a_defect_of_ours(installed: Python) -> None:
    code = """
result = []
for bad in (artifact.code[:100], large[:-1]):
    try:
        instantiate(bad, memory)
    except InternalError as error:
        result.append(str(error))
"""
    messages = installed.run(LARGE + code, model=small_model(0.5))
    assert len(messages) == 2
    assert all("the emitted module is invalid: CompileError" in text for text in messages)


def test_code_for_several_threads_runs_on_one(installed: Python) -> None:
    """Where nothing may wait, on the main thread, and memory can't be shared with others."""
    code = """
import struct
from wasmkiln import CompileOptions, handles
handle = handles.load(base64.b64decode(given["model"]), CompileOptions(threads=4))
x = struct.pack("<6f", -2, -1, 0, 1, 2, 3)
y = struct.unpack("<6f", handles.predict(handle, {"x": x})["y"])
result = [handles.describe(handle).threads, *y]
"""
    assert installed.run(code, model=small_model(0.5)) == [4, *RELU]
