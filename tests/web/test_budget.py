"""What the page weighs before anybody acts, and that nothing heavy precedes its first paint.

The shell is what index.html names, and what its scripts import. Its workers start beside it; all
else is fetched later, in parts. What counts is what the server sends: files without comments.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

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
_STARTED = re.compile(r"""new URL\('(\./[^']+\.js)', import\.meta\.url\)""")
_LATER = re.compile(r"""import\('(\.[^']+)'\)""")


def packed(site: Site, files: Iterable[Path]) -> int:
    """Bytes of files as a server sends them."""
    given = (site.given(path).read_bytes() for path in files)
    return sum(len(gzip.compress(content, 9, mtime=0)) for content in given)


def shell(*patterns: re.Pattern[str]) -> set[Path]:
    """The files of the shell, and of what else its scripts lead to by these patterns."""
    index = WEB / "index.html"
    named = [WEB / path for path in _NAMED.findall(index.read_text(encoding="utf-8"))]
    return {index, *reach(named, _IMPORTED, *patterns)}


def reach(files: Iterable[Path], *patterns: re.Pattern[str]) -> set[Path]:
    """The files, and all that they lead to."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in files]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".js":
            text = path.read_text(encoding="utf-8")
            waiting += [
                (path.parent / name).resolve() for p in patterns for name in p.findall(text)
            ]
    return found


def test_the_shell_is_small(site_files: Site) -> None:
    files = shell()
    assert len(files) > 30, "the shell was not found"
    each = [(packed(site_files, [path]), path.relative_to(WEB).as_posix()) for path in files]
    assert packed(site_files, files) <= SHELL_BYTES, sorted(each, reverse=True)


def test_the_whole_page_is_small(site_files: Site) -> None:
    started = shell(_STARTED)
    assert WEB / "compute.worker.js" in started
    assert packed(site_files, started) <= STARTED_BYTES
    files = shell(_STARTED, _LATER) | set((WEB / "page" / "css").glob("*.css"))
    assert WEB / "page" / "view" / "graph.js" in files
    assert packed(site_files, files) <= PAGE_BYTES


def test_index_names_all_that_the_shell_imports() -> None:
    """What is not named is found only when what imports it has come: a round trip later."""
    index = (WEB / "index.html").read_text(encoding="utf-8")
    named = {(WEB / path).resolve() for path in _NAMED.findall(index)}
    imported = reach(named, _IMPORTED)
    assert {path.relative_to(WEB).as_posix() for path in imported - named} == set()


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
