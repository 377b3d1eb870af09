"""Python goes on from an image of its memory; where that can't be, it starts as usual."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route
from wasmkiln import __version__
from wasmkiln.devserver.site import Site

from tests.web.conftest import serving

LAB = Path(__file__).with_name("image_lab.worker.js")
IMAGE = "**/wheel/python.image"
PACKAGE = "**/wheel/wasmkiln.zip"
RUN = """([code, image]) => new Promise((resolve) => {
    const worker = new Worker('./image-lab.worker.js', { type: 'module' });
    const [module, indexURL, place, archive] = [
        'pyodide/pyodide.mjs', 'pyodide/', `wheel/${image}`, 'wheel/wasmkiln.zip',
    ].map((url) => new URL(url, location.origin).href);
    const files = { module, options: { indexURL }, image: place };
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage({ files, archive, code });
})"""
BOOT = "async () => (await (await import('./compiler.js')).boot()).version"
# Reads what Python has imported, and then imports what it has not.
IMPORTS = """
import json, sys
known = ["wasmkiln.ops.conv", "wasmkiln.backends.wasm.kernels.fft", "unicodedata", "colorsys"]
before = [name in sys.modules for name in (*known, "wasmkiln.cli")]
import colorsys, wasmkiln.cli
json.dumps([before, colorsys.rgb_to_hsv(1.0, 1.0, 1.0), wasmkiln.cli.__name__])
"""
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node makes the image")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


def open_lab(context: BrowserContext, url: str) -> Page:
    """A page of the site without our page's script."""
    page = context.new_page()
    page.goto(url + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    return page


def requests_of(context: BrowserContext) -> list[str]:
    """The names of what is asked for from now on."""
    seen: list[str] = []
    context.on("request", lambda request: seen.append(request.url.rpartition("/")[2]))
    return seen


def test_the_compiler_comes_with_the_image_and_without_zip_files(
    context: BrowserContext, site: str
) -> None:
    page = open_lab(context, site)
    seen = requests_of(context)
    assert page.evaluate(BOOT) == __version__
    assert "python.image" in seen
    assert not {"wasmkiln.zip", "python_stdlib.zip"} & set(seen)


def test_modules_that_the_image_lacks_are_fetched(
    context: BrowserContext, site_files: Site
) -> None:
    files = {**site_files.files, "/image-lab.worker.js": LAB}
    with serving(Site(site_files.static, files), isolated=True) as url:
        answer: dict[str, Any] = open_lab(context, url).evaluate(RUN, [IMPORTS, "python.image"])
    assert "error" not in answer, answer
    before, hsv, name = json.loads(answer["result"])
    assert before == [True, True, True, False, False]
    assert (hsv, name) == ([0.0, 0.0, 1.0], "wasmkiln.cli")


def damaged(content: bytes) -> dict[str, bytes]:
    """Images that must not be used."""
    middle = len(content) // 2
    return {
        "short": content[:-1],
        "changed": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "empty": b"",
        "text": b"no image",
        "other": content.replace(b'"memory": ', b'"memory": 1', 1),
    }


@pytest.mark.parametrize("kind", ["short", "changed", "empty", "text", "other"])
def test_a_damaged_image_is_refused(
    context: BrowserContext, site_files: Site, tmp_path: Path, kind: str
) -> None:
    bad = tmp_path / "bad.bin"
    bad.write_bytes(damaged(site_files.files["/wheel/python.image"].read_bytes())[kind])
    files = {**site_files.files, "/image-lab.worker.js": LAB, "/wheel/bad.bin": bad}
    with serving(Site(site_files.static, files), isolated=True) as url:
        answer: dict[str, Any] = open_lab(context, url).evaluate(RUN, ["1", "bad.bin"])
    assert "result" not in answer
    assert "reading" not in answer["error"], answer  # of what the test itself has forgotten


@pytest.mark.parametrize("fault", ["missing", "unreachable", "damaged"])
def test_python_starts_as_usual_without_a_good_image(
    context: BrowserContext, site: str, fault: str
) -> None:
    def fail(route: Route) -> None:
        if fault == "missing":
            route.fulfill(status=404)
        elif fault == "unreachable":
            route.abort()
        else:
            route.fulfill(status=200, body=b"\x10\0\0\0no image at all")

    page = open_lab(context, site)
    context.route(IMAGE, fail)
    seen = requests_of(context)
    assert page.evaluate(BOOT) == __version__
    assert {"wasmkiln.zip", "python_stdlib.zip"} <= set(seen)
