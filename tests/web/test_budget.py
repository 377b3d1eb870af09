"""What the page weighs before anybody acts, and that nothing heavy precedes its first paint.

The shell is what index.html names; its one script is linked of all that is needed at once. Its
workers start beside it; all else is fetched later. What counts is what the server sends.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections import Counter
from collections.abc import Iterable

from playwright.sync_api import Page
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site

from tests.web.pictures import SAMPLES
from tests.web.walk import wait_complete

WEB = SAMPLES.parent
# Bytes in gzip's format.
SHELL_BYTES = 60_000
STARTED_BYTES = 80_000  # with the workers that the shell starts
PAGE_BYTES = 130_000  # with all parts that are fetched late
LARGE = re.compile(r"GET '(\S+\.(?:wasm|zip|onnx))' 200")
HEAVY = re.compile(r"pyodide|wasmkiln\.zip|\.onnx|\.whl|samples/")

_NAMED = re.compile(r'<(?:link|script)[^>]*?\b(?:href|src)="([^":]+\.(?:css|js|svg|webmanifest))"')
_IMPORTED = re.compile(r"""^\s*(?:import|export)\b[^;'"(]*?['"](\.[^'"]+)['"]""", re.MULTILINE)
_STARTED = re.compile(r"""new Worker\(new URL\('\./([^']+)'""")


def packed(site: Site, names: Iterable[str]) -> int:
    """Bytes of files as a server sends them."""
    return sum(len(gzip.compress(given(site, name), 9, mtime=0)) for name in names)


def given(site: Site, name: str) -> bytes:
    """What a server sends before compressing it."""
    path = site.find(tuple(name.split("/")))
    assert path is not None, name
    return path.read_bytes()


def shell() -> set[str]:
    """The names of the shell's files."""
    return {"index.html", *_NAMED.findall((WEB / "index.html").read_text(encoding="utf-8"))}


def test_the_shell_is_small(site_files: Site) -> None:
    names = shell()
    assert {"page/start.js", "page/css/page.css"} <= names
    each = [(packed(site_files, [name]), name) for name in names]
    assert packed(site_files, names) <= SHELL_BYTES, sorted(each, reverse=True)


def test_the_whole_page_is_small(site_files: Site) -> None:
    started = shell() | set(_STARTED.findall(given(site_files, "page/start.js").decode()))
    assert {"compute.worker.js", "image.worker.js", "compiler.worker.js"} <= started
    assert packed(site_files, started) <= STARTED_BYTES
    styles = {f"page/css/{path.name}" for path in (WEB / "page" / "css").glob("*.css")}
    assert packed(site_files, started | styles | {"page/late.js"}) <= PAGE_BYTES


def test_the_shell_is_in_few_files(site_files: Site) -> None:
    """Each import is a round trip, and the next begins when what imports it has come."""
    scripts = [name for name in shell() if name.endswith(".js")]
    assert scripts == ["page/start.js"]
    for name in site_files.linked():
        imported = _IMPORTED.findall(given(site_files, name).decode())
        assert imported == (["./start.js"] if name == "page/late.js" else []), name


def test_the_first_paint_waits_for_nothing_heavy(page: Page, site: str) -> None:
    page.context.route(HEAVY, lambda route: None)  # none of it comes
    with page.expect_request(HEAVY):
        page.goto(site, wait_until="commit")
    paint = page.evaluate(
        """() => new Promise((resolve) => {
            new PerformanceObserver((list) => {
                const entry = list.getEntriesByName('first-contentful-paint')[0];
                if (entry) resolve(entry.startTime);
            }).observe({ type: 'paint', buffered: true });
        })"""
    )
    assert paint > 0
    assert page.locator("h1").is_visible() and page.locator("#invitation").is_visible()
    blocking = page.evaluate(
        """() => performance.getEntriesByType('resource')
            .filter((entry) => entry.renderBlockingStatus === 'blocking')
            .map((entry) => new URL(entry.name).pathname)"""
    )
    assert all(name.endswith(".css") for name in blocking), blocking


def test_nothing_heavy_is_sent_twice(page: Page, site_files: Site) -> None:
    lines: list[str] = []
    with SiteServer(site_files, "127.0.0.1", 0, log=lines.append) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        page.goto(server.url)
        wait_complete(page)
        sent = list(lines)
        server.shutdown()
        thread.join()
    large = Counter(found.group(1) for line in sent if (found := LARGE.search(line)))
    assert large and set(large.values()) == {1}, large
