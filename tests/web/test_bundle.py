"""Bundles in the browser: saved, opened without Python, and refused if they are not whole."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request
from wasmkiln.bundle.loader import loader_files, templates

from tests.web import lab as javascript
from tests.web.models import convolutional_model

HELPERS = """
const { load, open, save, predict, describe, release } = await import('./handles.js');
const feed = (seed) => {
    const data = new Float32Array(3 * 33 * 29).map((_, i) => Math.sin(i * seed));
    return { x: { type: 'float32', data, dims: [1, 3, 33, 29] } };
};
const result = async (handle, seed) => Array.from((await predict(handle, feed(seed))).outputs.y.data);
const plain = (files) => Object.entries(files).map(([name, data]) => [name, Array.from(data)]);
const typed = (entries) => Object.fromEntries(entries.map(([name, data]) => [name, new Uint8Array(data)]));
"""  # noqa: E501


def run(page: Page, body: str, *arguments: Any) -> Any:
    """What the body gives, with the handles' functions at hand."""
    return javascript.run(page, HELPERS + body, *arguments)


def error(page: Page, body: str, *arguments: Any) -> tuple[str, str]:
    """Name and message of what the body throws."""
    return javascript.error(page, HELPERS + body, *arguments)


@pytest.fixture(scope="module")
def plain_lab(browser: Browser, plain_site: str) -> Iterator[Page]:
    """As `lab`, but not isolated."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(plain_site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    yield page
    context.close()


SAVED = """
const handle = await load(bytes(given[0]).buffer, { threads: given[1], simd: given[2] });
const expected = await result(handle, 2);
const { manifest, files } = await save(handle, { name: 'odd' });
release(handle);
"""


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_saved_model_computes_the_same_bits(lab: Page, threads: int, simd: str) -> None:
    got = run(
        lab,
        SAVED
        + """
        const again = await open(files, { threads: given[1], withReport: true });
        const { threads, simd, plans, inputs, memoryBytes } = describe(again);
        const results = [];
        for (const seed of [2, 3, 2]) results.push(await result(again, seed));
        const resaved = (await save(again, { name: 'odd' })).files;
        release(again);
        const same = Object.keys(files).every((name) => `${files[name]}` === `${resaved[name]}`);
        const facts = [threads, simd, plans, inputs[0].shape, memoryBytes > 0];
        return { expected, results, facts, manifest, same };
        """,
        convolutional_model(),
        threads,
        simd,
    )
    assert got["results"][0] == got["results"][2] == got["expected"] != got["results"][1]
    assert got["facts"] == [threads, simd, 1, [1, 3, 33, 29], True]
    assert got["manifest"]["name"] == "odd"
    assert got["same"]


def test_opening_starts_no_python(lab: Page, browser: Browser, site: str) -> None:
    files = run(
        lab,
        SAVED + "return plain(files);",
        convolutional_model(),
        1,
        "relaxed",
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(_name(request)))
    values = run(
        page,
        """
        const files = typed(given);
        const read = async (name) => new Blob([files[name]]);
        return result(await open({ read }), 2);
        """,
        *files,
    )
    context.close()
    assert len(values) == 7 and np.isclose(sum(values), 1)
    assert "runtime.js" in fetched
    assert not [name for name in fetched if "pyodide" in name or "compiler.worker" in name]


def _name(request: Request) -> str:
    return request.url.rsplit("/", 1)[-1]


def test_code_for_shared_memory_runs_on_a_page_without(lab: Page, plain_lab: Page) -> None:
    expected, files = run(
        lab,
        SAVED + "return [expected, plain(files)];",
        convolutional_model(),
        2,
        "relaxed",
    )
    values, threads = run(
        plain_lab,
        """
        const handle = await open(typed(given));
        return [await result(handle, 2), describe(handle).threads];
        """,
        *files,
    )
    assert values == expected
    assert threads == 1


TAMPERED = {
    "a bit of the weights": ("files['weights-0.bin'][9] ^= 1;", "'weights-0.bin' is not the one"),
    "a bit of the code": ("files['model.wasm'][9] ^= 1;", "'model.wasm' is not the one"),
    "a bit of the plans": ("files['plans.bin'][9] ^= 1;", "'plans.bin' is not the one"),
    "weights cut short": (
        "files['weights-0.bin'] = files['weights-0.bin'].subarray(1);",
        "'weights-0.bin' has .* bytes instead of",
    ),
    "no weights": ("delete files['weights-0.bin'];", "no part 'weights-0.bin'"),
    "no manifest": ("delete files['manifest.json'];", "no part 'manifest.json'"),
    "half a manifest": (
        "files['manifest.json'] = files['manifest.json'].subarray(0, 99);",
        "not JSON",
    ),
    "another version": ("edit((m) => { m.version = 99; });", "version 99"),
    "another format": ("edit((m) => { m.format = 'x'; });", "not that of a bundle"),
    "no plans in it": ("edit((m) => { delete m.plans; });", "lacks something"),
    "a path as a name": ("edit((m) => { m.plans.file = '../x'; });", "lacks something"),
    "too few constants": ("edit((m) => { m.constants[0][1] -= 64; });", "its constants take"),
    "constants elsewhere": (
        "edit((m) => { m.constants[0][0] = 2 ** 31; });",
        "do not lie in memory",
    ),
    "parts swapped": (
        "edit((m) => { m.plans = m.weights[0]; });",
        "plans are damaged|no plan|lie in",
    ),
}


@pytest.mark.parametrize("change", TAMPERED)
def test_what_is_not_whole_is_refused(lab: Page, change: str) -> None:
    code, message = TAMPERED[change]
    name, text = error(
        lab,
        SAVED
        + """
        const edit = (change) => {
            const manifest = JSON.parse(new TextDecoder().decode(files['manifest.json']));
            change(manifest);
            files['manifest.json'] = new TextEncoder().encode(JSON.stringify(manifest));
        };
        """
        + code
        + "await open(files);",
        convolutional_model(),
        1,
        "relaxed",
    )
    assert name == "BundleError"
    assert re.search(message, text), text


def test_a_model_as_a_zip_file(lab: Page, tmp_path: Path) -> None:
    data, manifest = run(
        lab,
        """
        const { packBundle } = await import('./standalone/pack.js');
        const handle = await load(bytes(given[0]).buffer, { threads: 1 });
        const session = { save: (options) => save(handle, options) };
        const blob = await packBundle(session, { name: 'odd <1>' });
        release(handle);
        const binary = new Uint8Array(await blob.arrayBuffer());
        const { manifest } = await save(await load(bytes(given[0]).buffer, { threads: 1 }));
        return [Array.from(binary), manifest];
        """,
        convolutional_model(),
    )
    path = tmp_path / "bundle.zip"
    path.write_bytes(bytes(data))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    written = json.loads(files["manifest.json"])
    assert written["name"] == "odd <1>"
    assert "report" not in written
    parts = (written["plans"], *written["code"], *written["weights"])
    for part in parts:
        assert hashlib.sha256(files[part["file"]]).hexdigest() == part["sha256"]
    beside = loader_files({**manifest, "name": "odd <1>"})
    assert {name: files[name].decode() for name in beside} == beside
    assert set(files) == {*beside, "manifest.json", *(part["file"] for part in parts)}


def test_types_are_those_that_python_writes(lab: Page) -> None:
    dims: list[Any] = [None, [], [1, 2], ["n", 3]]
    dtypes = ["float32", "float16", "bfloat16", "bool", "uint8", "int64", "uint64", "int16"]
    signatures = [
        {"name": f'"{i}', "dtype": dtype, "shape": dims[i % 4]} for i, dtype in enumerate(dtypes)
    ]
    for inputs in (signatures, signatures[2:3]):
        manifest = {"name": "a & b", "inputs": inputs, "outputs": signatures}
        filled = run(
            lab,
            "return (await import('./standalone/pack.js')).fill(given[0], given[1]);",
            templates(),
            manifest,
        )
        assert filled == loader_files(manifest)
