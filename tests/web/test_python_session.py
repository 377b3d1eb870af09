"""Python in a worker with NumPy: sessions compute what native onnxruntime computes."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Browser
from wasmkiln.devserver.site import Site

from tests.shared import SHARED, needs_shared
from tests.web.conftest import serving
from tests.web.models import small_model
from tests.web.python_lab import NUMPY, WORKER, Python

needs_numpy = pytest.mark.skipif(
    not NUMPY.is_file(), reason="NumPy for Pyodide, which its CDN has, is not beside this checkout"
)
pytestmark = needs_numpy
# Symbolic sizes in the order in which they are run: each is a plan of its own.
MODELS: dict[str, list[dict[str, Any]]] = {
    "mnist-8": [{}],
    "resnet20-cifar10": [{"batch": 1}, {"batch": 3}],
    "charrnn-bronte": [{"N": 1, "T": 5}, {"N": 2, "T": 3}],
    "tiny-llama-260k": [{"batch": 1, "seq": 4}, {"batch": 2, "seq": 7}, {"batch": 1, "seq": 4}],
    "mobilenetv2-1.0-224": [{"N": 1}],
}
RUN = """
import io
import json
import numpy as np
from pyodide.http import pyfetch
from wasmkiln import InferenceSession
response = await pyfetch(f"shared/{given['name']}.onnx")
session = InferenceSession(await response.buffer())
outputs = []
for text in given["feeds"]:
    feeds = dict(np.load(io.BytesIO(base64.b64decode(text))))
    file = io.BytesIO()
    np.savez(file, *session.run(None, feeds))
    outputs.append(base64.b64encode(file.getvalue()).decode())
session.release()
result = [[o.name for o in session.get_outputs()], outputs]
"""


@pytest.fixture(scope="module")
def python(
    browser: Browser, site_files: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Python]:
    """A worker with Python, our package and NumPy; the shared models are under shared/."""
    small = tmp_path_factory.mktemp("models") / "small.onnx"
    small.write_bytes(small_model(-1.5))
    shared = {f"/shared/{path.name}": path for path in (SHARED / "models").glob("*.onnx")}
    extra = {"/python-lab.worker.js": WORKER, f"/{NUMPY.name}": NUMPY, "/small.onnx": small}
    files = {**site_files.files, **extra, **shared}
    context = browser.new_context()
    with serving(dataclasses.replace(site_files, files=files), isolated=True) as url:
        page = context.new_page()
        page.goto(url + "models/manifest.json")
        page.evaluate("history.replaceState(null, '', '/')")
        python = Python(page, worker=True)
        assert site_files.index is not None
        wheels = [url + NUMPY.name, url + site_files.index.url[1:]]
        python.run(f"import pyodide_js; await pyodide_js.loadPackage({wheels})")
        yield python
        context.close()


def feeds_of(session: onnxruntime.InferenceSession, dims: dict[str, int]) -> dict[str, Any]:
    """Random inputs of these sizes."""
    random = np.random.default_rng(7)
    feeds = {}
    for given in session.get_inputs():
        shape = [dims[d] if isinstance(d, str) else d for d in given.shape]
        feeds[given.name] = (
            random.integers(0, 90, shape)
            if given.type == "tensor(int64)"
            else random.normal(size=shape).astype(np.float32)
        )
    return feeds


def packed(feeds: dict[str, Any]) -> str:
    """The arrays as an .npz file in base64."""
    file = io.BytesIO()
    np.savez(file, **feeds)
    return base64.b64encode(file.getvalue()).decode()


@needs_shared
@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_onnxruntime(python: Python, name: str) -> None:
    native = onnxruntime.InferenceSession(SHARED / "models" / f"{name}.onnx")
    cases = [feeds_of(native, dims) for dims in MODELS[name]]
    names, outputs = python.run(RUN, name=name, feeds=[packed(feeds) for feeds in cases])
    assert names == [o.name for o in native.get_outputs()]
    for feeds, text in zip(cases, outputs, strict=True):
        got = np.load(io.BytesIO(base64.b64decode(text)))
        for actual, expected in zip(got.values(), native.run(None, feeds), strict=True):
            assert actual.dtype == expected.dtype
            np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4)


SOURCES = {
    "bytes": "model",
    "a bytearray": "bytearray(model)",
    "a memoryview": "memoryview(model)",
    "a path": "'/tmp/model.onnx'",
    "a Path": "Path('/tmp/model.onnx')",
    "an ArrayBuffer": "array.buffer",
    "a Uint8Array": "array",
    "a part of a buffer": "padded.subarray(3, 3 + len(model))",
    "a DataView": "js.DataView.new(padded.buffer, 3, len(model))",
    "a fetched buffer": "await (await pyfetch('small.onnx')).buffer()",
    "fetched bytes": "await (await pyfetch('small.onnx')).bytes()",
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_model_may_lie_anywhere(python: Python, source: str) -> None:
    code = f"""
import js
from pathlib import Path
import numpy as np
from pyodide.ffi import to_js
from pyodide.http import pyfetch
from wasmkiln import InferenceSession
model = await (await pyfetch("small.onnx")).bytes()
array = to_js(model)
padded = js.Uint8Array.new(len(model) + 8)
padded.set(array, 3)
Path("/tmp/model.onnx").write_bytes(model)
with InferenceSession({SOURCES[source]}) as session:
    result = session.run(None, {{"x": np.arange(6, dtype="f4").reshape(2, 3)}})[0].tolist()
"""
    assert python.run(code) == [[0, 0, 0.5], [1.5, 2.5, 3.5]]


# As people write it for onnxruntime, which runs it here too.
SCRIPT = """
import numpy as np
import onnxruntime as ort

options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
options.intra_op_num_threads = 1
session = ort.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
x = np.arange(-2, 4, dtype=np.float32).reshape(2, 3)
(y,) = session.run(["y"], {"x": x})
binding = session.io_binding()
binding.bind_cpu_input("x", x)
binding.bind_output("y")
session.run_with_iobinding(binding)
value = ort.OrtValue.ortvalue_from_numpy(x + 1)
(z,) = session.run_with_ort_values(None, {"x": value})
try:
    session.run(None, {"wrong": x})
except ValueError as error:
    raised = "x" in str(error)
result = [
    [(i.name, i.type, i.shape) for i in (*session.get_inputs(), *session.get_outputs())],
    [y.tolist(), binding.copy_outputs_to_cpu()[0].tolist(), z.numpy().tolist(), str(y.dtype)],
    session.get_providers(),
    raised,
]
"""


def test_a_script_for_onnxruntime_runs_unchanged(python: Python) -> None:
    model = small_model(0.5, rows="rows")
    native: dict[str, Any] = {"model": model}
    exec(SCRIPT, native)
    prepare = "import wasmkiln; wasmkiln.install_as_onnxruntime()\n"
    prepare += "model = base64.b64decode(given['model'])\n"
    assert python.run(prepare + SCRIPT, model=model) == json.loads(json.dumps(native["result"]))


def test_a_session_can_be_awaited(python: Python) -> None:
    code = """
import numpy as np
from pyodide.http import pyfetch
from wasmkiln import InferenceSession
session = await InferenceSession.create(await (await pyfetch("small.onnx")).buffer())
result = session.run(None, {"x": np.arange(6, dtype="f4").reshape(2, 3)})[0].tolist()
"""
    assert python.run(code) == [[0, 0, 0.5], [1.5, 2.5, 3.5]]
