"""What `wasmkiln compile` writes, on plain static servers under a sub-path, without Python."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from playwright.sync_api import Browser, Page
from wasmkiln import CompileOptions, InferenceSession
from wasmkiln.cli import main

from tests.models.transformer import Encoder, encoder
from tests.planned import sentences
from tests.shared import ROOT
from tests.small import model, wide_net
from tests.web.models import convolutional_model

Array = np.ndarray[Any, Any]


class _Quiet(SimpleHTTPRequestHandler):
    """Python's own server, and one that isolates its pages, without a line for each request."""

    isolated = False

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def end_headers(self) -> None:
        if self.isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


class _Isolated(_Quiet):
    isolated = True


def deep_net() -> bytes:
    """Forty products, each of which needs all of the one before: 14 million multiplications."""
    rng = np.random.default_rng(6)
    weights = {f"w{i}": rng.normal(0, 0.1, (96, 96)).astype(np.float32) for i in range(40)}
    names = ["x", *(f"h{i}" for i in range(39)), "y"]
    nodes = [
        helper.make_node("MatMul", [names[i], w], [names[i + 1]]) for i, w in enumerate(weights)
    ]
    return model(nodes, {"x": ["batch", 96]}, {"y": ["batch", 96]}, weights)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with models in folders of folders."""
    root = tmp_path_factory.mktemp("site")
    models = {
        "net": (convolutional_model(), []),
        "wide": (wide_net(), []),
        "halved": (wide_net(), ["--weights", "f16", "--shard", "65536"]),
        "baseline": (convolutional_model(), ["--simd", "baseline", "--optimize-for", "size"]),
        "encoder": (
            encoder(Encoder(symbolic=True)).SerializeToString(),
            ["--batch", "1,2", "--sequence", "1..32"],
        ),
        "deep": (deep_net(), ["--batch", "40,56,73"]),
    }
    for name, (data, options) in models.items():
        file = root / f"{name}.onnx"
        file.write_bytes(data)
        assert (
            main(["compile", str(file), "-o", str(root / "some" / "models" / name), *options]) == 0
        )
    return root


@pytest.fixture(scope="module", params=[_Quiet, _Isolated], ids=["plain", "isolated"])
def site(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The address of the models' folder."""
    handler = partial(request.param, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/models/"
        server.shutdown()
        thread.join()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A fresh page, which must not leave an exception uncaught."""
    errors: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def test_the_example(tab: Page, site: str) -> None:
    fetched: list[str] = []
    tab.on("request", lambda request: fetched.append(request.url))
    tab.goto(site + "net/")
    tab.wait_for_function("document.getElementById('out').textContent.includes('y: float32[1,7]')")
    text = tab.inner_text("#out")
    assert "thread(s), for zeros" in text
    assert {url.split("?")[0] for url in fetched if "favicon" not in url} == {
        site + "net/" + name
        for name in ("", "model.js", "manifest.json", "model.wasm", "plans.bin", "weights-0.bin")
    }


RUN = """
async ([name, options, feeds]) => {
    const { load } = await import(`./${name}/model.js`);
    const typed = { int64: (values) => BigInt64Array.from(values, BigInt), float32: (values) => Float32Array.from(values) };
    const model = await load(undefined, options);
    const given = {};
    for (const [name, { dtype, values, dims }] of Object.entries(feeds)) given[name] = { data: typed[dtype](values), dims };
    const outputs = await model.run(given);
    const { threads, plans, simd } = model.stats;
    model.release();
    const found = Object.values(outputs).map(({ data, dims }) => ({ data: Array.from(data), dims }));
    return { found, stats: [threads, plans, simd] };
}
"""  # noqa: E501


def run(tab: Page, site: str, name: str, feeds: dict[str, Array], **options: Any) -> Any:
    tab.goto(site + "net/manifest.json")
    tab.evaluate("history.replaceState(null, '', '../')")
    given = {
        n: {"dtype": str(a.dtype), "values": a.ravel().tolist(), "dims": list(a.shape)}
        for n, a in feeds.items()
    }
    return tab.evaluate(RUN, [name, options, given])


def picture() -> dict[str, Array]:
    return {"x": np.random.default_rng(3).uniform(-1, 1, (1, 3, 33, 29)).astype(np.float32)}


def expected(data: bytes, feeds: dict[str, Array], simd: Any = "relaxed") -> Array:
    with InferenceSession(data, CompileOptions(simd=simd)) as session:
        return np.asarray(session.run(None, feeds)[0])


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2])
def test_both_codes_on_both_kinds_of_pages(tab: Page, site: str, simd: str, threads: int) -> None:
    feeds = picture()
    got = run(tab, site, "net", feeds, simd=simd, threads=threads)
    values = np.array(got["found"][0]["data"], np.float32)
    np.testing.assert_allclose(values, expected(convolutional_model(), feeds, simd).ravel(), 1e-5)
    assert got["stats"] == [1, 1, simd]  # below ten million multiply-accumulates one thread is best


def test_the_bits_are_those_of_a_session(tab: Page, site: str) -> None:
    feeds = picture()
    for name, simd in (("net", "relaxed"), ("baseline", "baseline")):
        got = run(tab, site, name, feeds)
        values = np.array(got["found"][0]["data"], np.float32)
        np.testing.assert_array_equal(values, expected(convolutional_model(), feeds, simd).ravel())
        assert got["stats"][2] == simd


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 32), (2, 13)])
def test_each_size(tab: Page, site: str, size: tuple[int, int]) -> None:
    feeds = sentences(*size)
    got = run(tab, site, "encoder", feeds)
    values = np.array(got["found"][0]["data"], np.float32)
    data = encoder(Encoder(symbolic=True)).SerializeToString()
    np.testing.assert_array_equal(values, expected(data, feeds).ravel())
    assert got["found"][0]["dims"] == [*size, 48]
    assert got["stats"][1] == 64


TURNS = """
async ([threads, sizes, turns]) => {
    const { load } = await import('./deep/model.js');
    const model = await load(undefined, { threads });
    const x = (rows) => ({ data: Float32Array.from({ length: rows * 96 }, (_, i) => Math.sin(i)), dims: [rows, 96] });
    const first = new Map();
    let wrong = 0;
    for (let turn = 0; turn < turns; turn++) {
        for (const rows of sizes) {
            const { y } = await model.run({ x: x(rows) });
            if (!first.has(rows)) first.set(rows, y.data);
            wrong += first.get(rows).some((value, i) => !Object.is(value, y.data[i]));
        }
    }
    const { threads: used } = model.stats;
    model.release();
    return { used, wrong, first: sizes.map((rows) => Array.from(first.get(rows))) };
}
"""  # noqa: E501


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_through_changes_of_size(tab: Page, site: str, threads: int) -> None:
    """Each change writes other tables, while threads may still be on their way through the old."""
    tab.goto(site + "net/manifest.json")
    tab.evaluate("history.replaceState(null, '', '../')")
    sizes = [40, 73, 56]
    got = tab.evaluate(TURNS, [threads, sizes, 40])
    assert got["used"] == (threads if tab.evaluate("crossOriginIsolated") else 1)
    assert got["wrong"] == 0
    for rows, values in zip(sizes, got["first"], strict=True):
        feeds = {"x": np.sin(np.arange(rows * 96)).astype(np.float32).reshape(rows, 96)}
        found = np.array(values, np.float32)
        np.testing.assert_allclose(found, expected(deep_net(), feeds).ravel(), 1e-4, 1e-5)


def test_halved_weights(tab: Page, site: str) -> None:
    feeds = {"x": np.random.default_rng(4).normal(0, 1, (2, 64)).astype(np.float32)}
    whole, half = (run(tab, site, name, feeds)["found"][0]["data"] for name in ("wide", "halved"))
    difference = np.abs(np.subtract(whole, half)).max()
    assert 0 < difference < 1e-2


def test_halves_without_the_browsers_help(tab: Page, site: str) -> None:
    """What `half.js` widens by a table is what the browser widens."""
    source = (ROOT / "web" / "half.js").read_text("utf-8")
    same = tab.evaluate(
        """async (source) => {
            const { toFloats } = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
            const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
            const [theirs, ours] = [new Float32Array(65536), new Float32Array(65536)];
            toFloats(new Uint8Array(halves.buffer), theirs);
            if (!globalThis.Float16Array) return 'no Float16Array here';
            delete globalThis.Float16Array;
            toFloats(new Uint8Array(halves.buffer), ours);
            return ours.every((value, i) => Object.is(value, theirs[i]));
        }""",  # noqa: E501
        source,
    )
    assert same is True


@pytest.mark.parametrize(
    ("use", "name", "message"),
    [
        (
            "await model.run({ ids: { data: new BigInt64Array(99), dims: [1, 99] }, "
            "mask: { data: new BigInt64Array(99), dims: [1, 99] } })",
            "InvalidInputError",
            r"no plan for ids\[1,99\], mask\[1,99\].*ids\[1,1\], mask\[1,1\]; .* 64 in all",
        ),
        ("await model.run({ ids: new BigInt64Array(4) })", "InvalidInputError", "needs its dims"),
        ("await model.run({})", "InvalidInputError", r"'ids' is missing: int64\[batch,sequence\]"),
        ("await model.run({ x: 1 })", "InvalidInputError", "no input 'x'"),
        (
            "await model.run({ ids: { data: new Float32Array(4), dims: [1, 4] } })",
            "InvalidInputError",
            "must be a BigInt64Array",
        ),
        (
            "await model.run({ ids: { data: new BigInt64Array(3), dims: [1, 4] } })",
            "InvalidInputError",
            r"has 3 elements, but \[1,4\] makes 4",
        ),
        ("model.release(); await model.run({})", "ReleasedError", "released"),
        (
            "await load(undefined, { integrity: 'sha256-0' })",
            "BundleError",
            "does not have the hash",
        ),
        ("await load('./nowhere/')", "DownloadError", "answered 404"),
        ("await load(7)", "InvalidInputError", "a bundle is a URL"),
    ],
)
def test_wrong_use(tab: Page, site: str, use: str, name: str, message: str) -> None:
    tab.goto(site + "net/manifest.json")
    tab.evaluate("history.replaceState(null, '', '../')")
    caught = tab.evaluate(
        f"""async () => {{
            const {{ load }} = await import('./encoder/model.js');
            const model = await load();
            try {{ {use}; }} catch (error) {{ return [error.name, error.message]; }}
        }}"""
    )
    assert caught is not None
    assert caught[0] == name
    assert re.search(message, caught[1]), caught[1]
