"""Visits that keep something in the browser, and a server that tells what it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Playwright
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site

from tests.browser import chromium_launch_options
from tests.patience import be_patient
from tests.web.tab import TIMEOUT, Tab

HEAVY = ("/pyodide/", "/wheel/wasmkiln.zip", ".onnx")


@dataclass
class Watched:
    """A running server; `asked` has the paths of requests so far, queries too."""

    server: SiteServer
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The page's address."""
        return self.server.url

    def take(self) -> list[str]:
        """The paths that were asked for since the last call."""
        lines = self.lines[:]
        del self.lines[: len(lines)]
        return [line.split(" ")[1].strip("'") for line in lines]

    def heavy(self) -> list[str]:
        """Of these, Python's files and models."""
        return [path for path in self.take() if any(part in path for part in HEAVY)]


@contextmanager
def watched(site: Site, port: int = 0) -> Iterator[Watched]:
    """Serve the isolated page."""
    lines: list[str] = []
    with SiteServer(site, "127.0.0.1", port, log=lines.append) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield Watched(server, lines)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def profile(playwright: Playwright, folder: Path) -> Iterator[BrowserContext]:
    """A browser with a profile that outlives it."""
    context = playwright.chromium.launch_persistent_context(
        folder, **chromium_launch_options(playwright)
    )
    be_patient(context)
    try:
        yield context
    finally:
        context.close()


def new_tab(context: BrowserContext, url: str) -> Tab:
    """The page in a new tab, ready."""
    return Tab.open(context.new_page(), url)


def module(name: str) -> str:
    """What a module of the page exports, as JavaScript: the page's own, not another run of it."""
    return f"(await import('./page/start.js')).modules['{name}']()"


def until_complete(page: Page) -> None:
    """Wait until the page needs nothing more."""
    page.wait_for_selector("html[data-complete]", state="attached", timeout=TIMEOUT)


def until_offline(page: Page) -> str:
    """Wait until the page is kept for use offline, or can't be; what it says of it."""
    page.wait_for_selector(
        "html[data-offline=kept], html[data-offline=failed]", state="attached", timeout=TIMEOUT
    )
    return page.locator("#offline").inner_text()


def until_expected(page: Page) -> None:
    """Wait until the compiled default model is kept."""
    page.wait_for_function("() => localStorage.getItem('wasmkiln:expected')", timeout=TIMEOUT)


def compilers(page: Page) -> int:
    """How many workers with Python the page has."""
    return sum("compiler.worker" in worker.url for worker in page.workers)
