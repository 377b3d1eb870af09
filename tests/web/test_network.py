"""Nothing is uploaded: once the page is ready, not a single request leaves it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, Request
from wasmkiln.devserver.site import Site

from tests.web.conftest import serving
from tests.web.models import small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import Tab


def test_no_request_leaves_after_the_page_is_ready(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    tab.complete()
    requests: list[Request] = []
    page.context.on("request", lambda request: requests.append(request))
    page.context.route("**/*", lambda route: route.abort())
    for sample in sorted(SAMPLES.glob("*.jpg")):
        assert tab.drop(sample.name, sample.read_bytes()) == "ready", tab.alert()
    page.click("[data-sample='cat.jpg']")
    tab.settled()
    for bias in (0.5, 1.5, 2.5):
        assert tab.drop(f"small-{bias}.onnx", small_model(bias)) == "ready", tab.alert()
        page.click("#try")
        assert tab.settled() == "ready", tab.alert()
    assert tab.drop("bad.onnx", b"\x08\x08garbage") == "error"
    page.click("#default-model")
    tab.expect_alive()
    assert [request.url for request in requests] == []


def test_all_requests_go_to_the_pages_own_server(page: Page, site: str) -> None:
    seen: list[Request] = []
    page.context.on("request", lambda request: seen.append(request))
    tab = Tab.open(page, site)
    tab.expect_alive()
    foreign = [r.url for r in seen if not r.url.startswith((site, f"blob:{site}"))]
    assert foreign == []
    assert {request.method for request in seen} == {"GET"}
    assert all(request.post_data_buffer is None for request in seen)


def test_the_page_works_under_a_sub_path(page: Page, site_files: Site, tmp_path: Path) -> None:
    """All URLs are relative, as a static host wants that gives each project a folder."""
    web = SAMPLES.parent
    static = {f"/{f.relative_to(web).as_posix()}": f for f in web.rglob("*") if f.is_file()}
    moved = {f"/some/folder{url}": file for url, file in {**static, **site_files.files}.items()}
    with serving(Site(tmp_path, moved), isolated=True) as url:
        Tab.open(page, f"{url}some/folder/index.html").expect_alive()


def test_the_page_says_so(page: Page, site: str) -> None:
    Tab.open(page, site)
    assert "Nothing is uploaded" in page.locator("footer").inner_text()
    assert "nothing is uploaded" in page.locator("#invitation").inner_text()
