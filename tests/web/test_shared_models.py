"""The shared models in the tab: compiled by Pyodide, run on all threads, compared as natively."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, Page

from tests.models.test_shared_models import (
    ATOL,
    DEFAULT_TOLERANCE,
    HOSTED,
    assert_output,
    load_case,
)
from tests.shared import SHARED, needs_shared, shared_models

RUN = """async ([name, inputs]) => {
    const { InferenceSession, Tensor } = await import('./session.js');
    const shapes = Object.fromEntries(inputs.map(([input, , dims]) => [input, dims]));
    const session = await InferenceSession.create(`shared/${name}.onnx`, { shapes });
    const arrays = { float32: Float32Array, uint8: Uint8Array, int64: BigInt64Array,
                     float16: Uint16Array };
    const feeds = Object.fromEntries(inputs.map(([input, type, dims, data]) => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        return [input, new Tensor(type, new arrays[type](bytes.buffer), dims)];
    }));
    const outputs = Object.entries(await session.run(feeds));
    session.release();
    return Promise.all(outputs.map(async ([output, { type, dims, data }]) => {
        const url = await new Promise((resolve) => {
            const reader = new FileReader();
            reader.onload = () => resolve(reader.result);
            reader.readAsDataURL(new Blob([data]));
        });
        return [output, type, dims, url.slice(url.indexOf(',') + 1)];
    }));
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser, site: str) -> Iterator[Page]:
    """A page of the site without our page's script, which also gives the shared models out."""
    context = browser.new_context()
    page = context.new_page()
    folder = SHARED / "models"
    page.route(
        "**/shared/*", lambda route: route.fulfill(path=folder / route.request.url.split("/")[-1])
    )
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    yield page
    context.close()


def declared_types(name: str) -> dict[str, str]:
    """The dtypes of a model's inputs; the stored f32 inputs are f16."""
    import onnx

    graph = onnx.load(SHARED / "models" / f"{name}.onnx", load_external_data=False).graph
    kinds = ((i.name, i.type.tensor_type.elem_type) for i in graph.input)
    return {n: onnx.helper.tensor_dtype_to_np_dtype(kind).name for n, kind in kinds}


# Its If depends on an input's value. A session under Python compiles for that value when it sees
# it; the page compiles before there are inputs.
DATA_DEPENDENT = {"silero-vad": "If"}


@needs_shared
@pytest.mark.parametrize("name", sorted(DATA_DEPENDENT))
def test_shapes_that_depend_on_inputs_are_told(lab: Page, name: str) -> None:
    with pytest.raises(Error, match=f"DataDependentError: {DATA_DEPENDENT[name]}.* run time"):
        lab.evaluate(RUN, [name, []])


@needs_shared
@pytest.mark.parametrize(
    "name", [n for n in shared_models() if n not in HOSTED and n not in DATA_DEPENDENT]
)
def test_agrees_with_onnxruntime(lab: Page, name: str) -> None:
    stored, case = load_case(name)
    with case:
        types = declared_types(name)
        inputs: list[Any] = []
        for key, array in stored.items():
            data = np.ascontiguousarray(array.astype(types[key])).tobytes()
            inputs.append([key, types[key], list(array.shape), base64.b64encode(data).decode()])
        tolerance = (ATOL.get(name, DEFAULT_TOLERANCE[0]), DEFAULT_TOLERANCE[1])
        for output, kind, dims, text in lab.evaluate(RUN, [name, inputs]):
            actual = np.frombuffer(base64.b64decode(text), kind).reshape(dims)
            assert_output(case, output, actual, tolerance)
