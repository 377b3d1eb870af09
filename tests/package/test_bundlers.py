"""The packed package in apps: built by Vite and webpack without configuration, or not at all.

Built apps are served as our own page is: cross-origin isolated, and under a Content Security Policy
that allows nothing but `'wasm-unsafe-eval'` beside the site's own files.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Browser, Page
from wasmkiln.devserver.site import Site

from tests.web.conftest import serving
from tests.web.models import convolutional_model

TIMEOUT = 180_000  # ms; Python starts several times on a busy machine
APPS = ("vite", "webpack", "vite_dev")


@dataclass
class Visit:
    """An app in a tab, and what went wrong or was asked for there."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def call(self, name: str, *arguments: Any) -> Any:
        """What a function of the app gives, in its page."""
        return self.page.evaluate(f"(given) => window.app.{name}(...given)", arguments)

    def call_in_worker(self, name: str, *arguments: Any) -> Any:
        """What a function of the app gives, in its worker."""
        return self.call("inWorker", name, *arguments)


@pytest.fixture(scope="module")
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """The app, loaded."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    visit = Visit(page, address)
    context.on("request", lambda request: visit.requests.append(request.url))
    context.on(
        "console",
        lambda message: visit.errors.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.goto(address)
    page.wait_for_function("window.app")
    yield visit
    context.close()


def convolution() -> tuple[list[float], Any]:
    """An input of the convolutional model, and what onnxruntime makes of it."""
    x = np.random.default_rng(4).uniform(-1, 1, (1, 3, 33, 29)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(convolutional_model()).run(None, {"x": x})
    return x.ravel().tolist(), expected[0]


@pytest.mark.parametrize("address", APPS, indirect=True, scope="module")
class TestApp:
    """One app after the other."""

    def test_importing_fetches_nothing_else(self, visit: Visit) -> None:
        wanted = ("pyodide", ".wasm", ".zip", "compiler.worker", "compute.worker")
        assert not [url for url in visit.requests if any(part in url for part in wanted)]

    @pytest.mark.parametrize("where", ["page", "worker"])
    def test_models_run(self, visit: Visit, where: str) -> None:
        call = visit.call if where == "page" else visit.call_in_worker
        x, expected = convolution()
        isolated = visit.page.evaluate("crossOriginIsolated")
        got = call("run", f"{visit.address}conv.onnx", x, {"threads": 2} if isolated else {})
        assert isinstance(got, dict), got
        assert got["dims"] == [1, 7]
        assert got["threads"] == (2 if isolated else 1)
        np.testing.assert_allclose(got["data"], expected, 1e-3, 1e-4)

    @pytest.mark.parametrize("where", ["page", "worker"])
    def test_pipelines_run(self, visit: Visit, where: str) -> None:
        call = visit.call if where == "page" else visit.call_in_worker
        assert call("classify", f"{visit.address}grey.onnx") == "f"

    def test_nothing_comes_from_elsewhere_and_nothing_is_reported(self, visit: Visit) -> None:
        foreign = [url for url in visit.requests if not url.startswith((visit.address, "blob:"))]
        assert [url for url in foreign if not url.startswith("data:")] == []
        assert visit.errors == []

    def test_the_policy_is_ours(self, visit: Visit, request: pytest.FixtureRequest) -> None:
        response = visit.page.request.get(visit.address)
        policy = response.headers.get("content-security-policy", "")
        if "vite_dev" in request.node.name:
            pytest.skip("the development server sends no policy")
        assert "script-src 'self' 'wasm-unsafe-eval';" in policy
        assert "worker-src 'self';" in policy


@pytest.fixture(scope="module")
def plain(app: Path) -> Iterator[str]:
    """The app's folder, served as it is, so that modules are imported as they were packed."""
    with serving(Site(app), isolated=True) as url:
        yield url


def test_modules_need_no_bundler(browser: Browser, plain: str) -> None:
    page = browser.new_context().new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(plain + "package.json")
    x, expected = convolution()
    got = page.evaluate(
        """async ([x, url]) => {
            const path = '/node_modules/wasmkiln/index.js';
            const { env, InferenceSession, Tensor } = await import(path);
            const told = ({ name, message }) => [name, message];
            const failed = await InferenceSession.create(url).catch(told);
            env.pyodide.indexURL = '/node_modules/pyodide';
            const session = await InferenceSession.create(url, { threads: 2 });
            const { y } = await session.run({ x: new Tensor('float32', x, [1, 3, 33, 29]) });
            await session.release();
            return [failed, Array.from(y.data)];
        }""",
        [x, plain + "public/conv.onnx"],
    )
    page.context.close()
    name, message = got[0]
    assert name == "DownloadError"
    assert "node_modules/wasmkiln/pyodide/pyodide.mjs" in message
    assert "env.pyodide.indexURL says where it lies" in message
    np.testing.assert_allclose(got[1], expected, 1e-3, 1e-4)


def test_a_bundle_needs_no_python(browser: Browser, plain: str, app: Path) -> None:
    page = browser.new_context().new_page()
    page.set_default_timeout(TIMEOUT)
    requests: list[str] = []
    x, expected = convolution()
    page.goto(plain + "package.json")
    files = page.evaluate(
        """async (url) => {
            const { env, InferenceSession } = await import('/node_modules/wasmkiln/index.js');
            env.pyodide.indexURL = '/node_modules/pyodide';
            const session = await InferenceSession.create(url);
            const { files } = await session.save();
            await session.release();
            return Object.entries(files).map(([name, bytes]) => [name, Array.from(bytes)]);
        }""",
        plain + "public/conv.onnx",
    )
    folder = app / "public" / "bundle"
    folder.mkdir(exist_ok=True)
    for name, content in files:
        (folder / name).write_bytes(bytes(content))
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    got = page.evaluate(
        """async ([x, url]) => {
            const { InferenceSession, Tensor } = await import('/node_modules/wasmkiln/index.js');
            const events = [];
            const progress = ({ status }) => events.push(status);
            const session = await InferenceSession.create(url, { progress });
            const { y } = await session.run({ x: new Tensor('float32', x, [1, 3, 33, 29]) });
            const shape = session.inputMetadata[0].shape;
            await session.release();
            return [Array.from(y.data), shape, events];
        }""",
        [x, plain + "public/bundle/manifest.json"],
    )
    page.context.close()
    np.testing.assert_allclose(got[0], expected, 1e-3, 1e-4)
    assert got[1] == [1, 3, 33, 29]
    assert got[2][-2:] == ["warmup", "ready"]
    assert not [url for url in requests if "pyodide" in url or "compiler.worker" in url]


def test_size(vite: Path) -> None:
    scripts = [path for path in vite.rglob("*.js") if not path.name.startswith("worker-")]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in scripts}
    whole = sum(sizes.values())
    print(f"{whole:,} bytes of JavaScript (gzip), without a copy for the app's worker: {sizes}")
    assert whole < 40_000
