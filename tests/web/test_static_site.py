"""The page that `wasmkiln site` writes, on a plain static server under a sub-path."""

from __future__ import annotations

import http.server
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect
from wasmkiln.devserver.export import export_site
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.site import Site

from tests.web.visits import compilers, new_tab, profile, until_expected, until_offline

SUB_PATH = "some/project"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own static server, which sends none of our headers."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def static_server(root: Path, port: int = 0) -> Iterator[str]:
    """The address of a page that lies at SUB_PATH of the folder."""

    def handler(*arguments: object) -> _Quiet:
        return _Quiet(*arguments, directory=str(root))  # type: ignore[arg-type]

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{SUB_PATH}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def host(site_files: Site, tmp_path: Path) -> Path:
    """A folder with the written page at SUB_PATH."""
    export_site(site_files, tmp_path / "host" / SUB_PATH, Progress(sys.stderr, live=False))
    return tmp_path / "host"


def test_a_plain_static_host(playwright: Playwright, host: Path, tmp_path: Path) -> None:
    with static_server(host) as url, profile(playwright, tmp_path / "profile") as context:
        page = context.new_page()
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url) if not frame.name else None)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(url)
        page.wait_for_selector("html[data-offline=kept]", state="attached", timeout=120_000)
        assert loads == [url, url], "it loads once more, to be isolated, and not again"
        assert page.evaluate("crossOriginIsolated")
        threads = page.locator("#threads").get_attribute("data-value")
        assert threads == str(min(os.cpu_count() or 1, 4)) or int(threads or 0) >= 4
        assert "loaded twice" in until_offline(page)
        assert not [line for line in said if "Content Security Policy" in line]
        until_expected(page)
        page.reload()
        page.wait_for_selector("html[data-state=ready]", state="attached", timeout=120_000)
        assert len(loads) == 3
    # Without the server, and from a cold start of the browser.
    with profile(playwright, tmp_path / "profile") as context:
        tab = new_tab(context, url)
        assert tab.page.evaluate("crossOriginIsolated")
        assert compilers(tab.page) == 0
        tab.expect_alive()


def test_a_new_version_comes_whole_and_when_the_visitor_says_so(
    playwright: Playwright, host: Path, site_files: Site, tmp_path: Path
) -> None:
    with static_server(host) as url, profile(playwright, tmp_path / "profile") as context:
        tab = new_tab(context, url)
        tab.page.wait_for_selector("html[data-offline=kept]", state="attached", timeout=120_000)
        other = new_tab(context, url)
        coffee = "[data-sample='coffee.jpg'] img"
        expect(tab.page.locator(coffee)).to_have_attribute("alt", "A cup of coffee")

        changed = tmp_path / "samples.js"
        text = (site_files.static / "page" / "samples.js").read_text("utf-8")
        changed.write_text(text.replace("A cup of coffee", "A new cup"), "utf-8")
        files = {**site_files.files, "/page/samples.js": changed}
        new = replace(site_files, files=files, lean=tmp_path / "lean")
        export_site(new, host / SUB_PATH, Progress(sys.stderr, live=False))

        tab.page.reload()
        notice = tab.page.locator("#update")
        expect(notice).to_contain_text("A new version of this page is ready", timeout=120_000)
        # Until then everything is of the old version.
        expect(tab.page.locator(coffee)).to_have_attribute("alt", "A cup of coffee")
        tab.expect_alive()
        with tab.page.expect_navigation():
            notice.get_by_role("button").click()
        assert tab.settled() == "ready", tab.alert()
        expect(tab.page.locator(coffee)).to_have_attribute("alt", "A new cup")
        # The other tab stays with the version that it began with, as long as it is open.
        old = "async () => (await import('./page/samples.js?')).SAMPLES[1].title"
        assert other.page.evaluate(old) == "A cup of coffee"
        other.expect_alive()
        other.page.close()
        tab.page.reload()
        assert tab.settled() == "ready", tab.alert()
        tab.page.wait_for_selector("html[data-offline=kept]", state="attached", timeout=120_000)
        kept = tab.page.evaluate("async () => (await caches.keys()).length")
        assert kept == 2, "the old version's cache is still there"  # the other is the memory


def test_without_service_workers_the_page_works_on_one_thread(
    playwright: Playwright, host: Path, tmp_path: Path
) -> None:
    with static_server(host) as url, profile(playwright, tmp_path / "profile") as context:
        context.add_init_script("delete Navigator.prototype.serviceWorker;")
        tab = new_tab(context, url)
        assert not tab.page.evaluate("crossOriginIsolated")
        tab.expect_alive()


def test_a_service_worker_that_fails_leads_to_no_loop(
    playwright: Playwright, host: Path, tmp_path: Path
) -> None:
    (host / SUB_PATH / "sw.js").write_text("throw new Error('no');")
    with static_server(host) as url, profile(playwright, tmp_path / "profile") as context:
        page = context.new_page()
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        page.goto(url)
        page.wait_for_selector("html[data-offline=failed]", state="attached", timeout=120_000)
        assert loads == [url]
        assert not page.evaluate("crossOriginIsolated")
