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
# An artifact with a custom section of nothing, which makes it too large for the main thread.
LARGE = """
from wasmkiln import LimitError
from wasmkiln.compiler import compile_model
from wasmkiln.host import default_host
from wasmkiln.onnx.source import as_source
from wasmkiln.record import replace

def large(model):
    artifact = compile_model(model).artifact
    size = 9_000_000
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    return replace(artifact, code=artifact.code + b"\\0" + length + bytes(size))

model = base64.b64decode(given["model"])
artifact = large(model)
host = default_host()
"""
RUN = """
import struct
instance.write(artifact.inputs[0].offset, struct.pack("<6f", -2, -1, 0, 1, 2, 3))
instance.run()
result = struct.unpack("<6f", instance.read(artifact.outputs[0].offset, 24))
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


def test_large_code_on_the_main_thread_is_told_to_be_prepared(installed: Python) -> None:
    message = installed.run(
        LARGE
        + """
try:
    host.load(artifact, [as_source(model)])
except LimitError as error:
    result = str(error)
""",
        model=small_model(0.5),
    )
    assert "does not start 9,0" in message and "on this thread" in message
    assert "await InferenceSession.create(...)" in message


def test_prepared_code_runs_whatever_its_size(installed: Python) -> None:
    prepared = "await host.prepare(artifact)\ninstance = host.load(artifact, [as_source(model)])\n"
    assert installed.run(LARGE + prepared + RUN, model=small_model(0.5)) == RELU


def test_invalid_code_is_a_defect_of_ours(installed: Python) -> None:
    code = """
from wasmkiln import InternalError
broken = replace(artifact, code=artifact.code[:100])
for ahead in (True, False):
    try:
        if ahead:
            await host.prepare(broken)
        host.load(broken, [as_source(model)])
    except InternalError as error:
        result = [*(result or ()), str(error)]
"""
    messages = installed.run(LARGE + code, model=small_model(0.5))
    assert len(messages) == 2
    assert all("the emitted module is invalid: CompileError" in text for text in messages)


def test_several_threads_are_taken_as_one(installed: Python) -> None:
    code = """
import warnings
from wasmkiln import CompileOptions, InferenceSession
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    session = InferenceSession(base64.b64decode(given["model"]), CompileOptions(threads=4))
artifact = session.artifact()
result = [artifact.threads, artifact.shared, [str(w.message) for w in caught]]
"""
    assert installed.run(code, model=small_model(0.5)) == [
        1,
        False,
        ["Python in the browser runs models on one thread; threads=4 is taken as 1"],
    ]
