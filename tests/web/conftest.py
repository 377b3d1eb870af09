"""Fixtures of the browser tests: the page served as `serve.py` serves it, and one Chromium.

`site` is the address of the isolated page, `plain_site` of the one without COOP and COEP.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site

from tests.prepared import page_site


@contextmanager
def serving(files: Site, isolated: bool) -> Iterator[str]:
    """The address of a server on a free port, as long as the context lasts."""
    with SiteServer(files, "127.0.0.1", 0, isolated=isolated) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def site_files() -> Site:
    """The page's files; what is missing is fetched and made, the wheel from the sources here."""
    return page_site()


@pytest.fixture(scope="session")
def site(site_files: Site) -> Iterator[str]:
    """The address of the cross-origin isolated page."""
    with serving(site_files, isolated=True) as url:
        yield url


@pytest.fixture(scope="session")
def plain_site(site_files: Site) -> Iterator[str]:
    """The address of the page without isolation: no shared memory, so one thread."""
    with serving(site_files, isolated=False) as url:
        yield url


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile: no cache, no storage, and no service worker."""
    fresh = browser.new_context(
        viewport={"width": 1280, "height": 900},
        service_workers="block",  # They would fetch the page once more; their own tests let them.
    )
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A fresh page, which must not leave an exception uncaught."""
    errors: list[str] = []
    fresh = context.new_page()
    fresh.on("pageerror", lambda error: errors.append(str(error)))
    yield fresh
    assert not errors, f"uncaught in the page: {errors}"


@pytest.fixture(scope="module")
def lab(browser: Browser, site: str) -> Iterator[Page]:
    """A page of the site without our page's script: only modules, and the one compiler."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    yield page
    context.close()
