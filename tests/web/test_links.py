"""Links: data links and those of this site are followed, others are explained; deep links."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from wasmkiln.cli import main
from wasmkiln.devserver.site import Site

from tests.web.conftest import serving
from tests.web.models import convolutional_model
from tests.web.pictures import SAMPLES
from tests.web.tab import Tab

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()
DATA_LINK = f"data:image/jpeg;base64,{base64.b64encode(COFFEE).decode()}"
GIVE = """([type, kind, text]) => {
    const transfer = new DataTransfer();
    transfer.setData(kind, text);
    const options = { bubbles: true, cancelable: true };
    const event = type === 'paste'
        ? new ClipboardEvent('paste', { ...options, clipboardData: transfer })
        : new DragEvent('drop', { ...options, dataTransfer: transfer });
    document.querySelector('main').dispatchEvent(event);
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a service worker, whose own requests would be counted."""
    context = browser.new_context(service_workers="block")
    yield context.new_page()
    context.close()


def give(tab: Tab, way: str, text: str) -> str:
    """Drop or paste a link; the state after it."""
    tab.page.evaluate(GIVE, [way, "text/uri-list" if way == "drop" else "text/plain", text])
    tab.page.wait_for_selector("html:not([data-state=running])", state="attached")
    tab.page.wait_for_selector("#predictions li, #problem:not([hidden])")
    return tab.settled()


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_data_link_is_a_picture(page: Page, site: str, way: str) -> None:
    tab = Tab.open(page, site)
    assert give(tab, way, DATA_LINK) == "ready", tab.alert()
    assert tab.guesses()[0].name.startswith("espresso")


def test_a_link_of_this_site_is_followed(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    assert give(tab, "drop", f"{site}samples/coffee.jpg") == "ready", tab.alert()
    assert tab.guesses()[0].name.startswith("espresso")
    assert tab.page.locator("#preview").get_attribute("aria-label") == "Your photo: coffee.jpg"


def test_a_link_to_another_site_is_explained_and_not_followed(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    tab.complete()
    requests: list[Request] = []
    page.context.on("request", lambda request: requests.append(request))
    assert give(tab, "paste", "https://example.com/cat.jpg") == "error"
    assert tab.alert().startswith("Opening the link failed: this page fetches nothing from other")
    assert tab.steps() == ["Open the link in a new tab", "Choose a photo instead"]
    assert requests == []
    tab.expect_alive()


BAD = {
    "data:image/jpeg;base64,%%%": "the data link is damaged",
    "data:text/plain,hello": "neither a picture",
    "file:///etc/passwd": "fetches nothing from other sites",
    "just some words": "holds no picture",
}


@pytest.mark.parametrize("link", BAD)
def test_other_links_are_explained(page: Page, site: str, link: str) -> None:
    tab = Tab.open(page, site)
    assert give(tab, "paste", link) == "error"
    assert tab.error_class() == "ImageError"
    assert BAD[link] in tab.alert()
    tab.expect_alive()


def test_a_missing_file_of_this_site_is_told(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    assert give(tab, "drop", f"{site}samples/dog.jpg") == "error"
    assert tab.error_class() == "DownloadError"
    assert "dog.jpg" in tab.alert()
    assert "404" in tab.alert()


def test_the_address_may_name_the_model_and_a_picture(page: Page, site: str) -> None:
    tab = Tab.open(page, f"{site}?model=efficientnet-lite0&image=samples/coffee.jpg")
    page.wait_for_selector("#predictions li")
    assert tab.guesses()[0].name.startswith("espresso")


def test_the_address_may_ask_for_a_model_file(page: Page, site: str) -> None:
    requests: list[str] = []
    page.context.on("request", lambda request: requests.append(request.url))
    tab = Tab.open(page, f"{site}?model=models/efficientnet-lite0.onnx")
    assert tab.text("model-name") == "efficientnet-lite0.onnx"
    expect(page.locator("#default-model")).to_be_visible()
    own = f"{site}models/efficientnet-lite0.onnx"
    assert requests.count(own) == 1, "it is fetched once, as the page's own wasn't needed"


def test_a_photo_brings_the_default_model_back(page: Page, site: str) -> None:
    tab = Tab.open(page, f"{site}?model=models/efficientnet-lite0.onnx")
    page.click("#default-model")
    assert tab.settled() == "ready", tab.alert()
    expect(page.locator("#model")).to_be_hidden()
    tab.expect_alive()


def test_the_address_may_ask_for_a_bundle(page: Page, site_files: Site, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(convolutional_model())
    assert main(["compile", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "net")]) in (0, None)
    bundle = {f"/net/{file.name}": file for file in (tmp_path / "net").iterdir()}
    with serving(replace(site_files, files={**site_files.files, **bundle}), isolated=True) as url:
        tab = Tab.open(page, f"{url}?model=net/manifest.json")
        assert tab.text("model-name") == "net"
        page.click("#try")
        assert tab.settled() == "ready", tab.alert()
        expect(page.locator("#trial")).to_contain_text("What came out")
        page.click("#default-model")
        assert tab.settled() == "ready", tab.alert()
        tab.expect_alive()


WRONG = {
    "unheard-of": "there is no model 'unheard-of'",
    "https://example.com/model.onnx": "of another site",
    "models/missing.onnx": "missing.onnx could not be fetched",
}


@pytest.mark.parametrize("model", WRONG)
def test_an_address_that_asks_for_too_much(page: Page, site: str, model: str) -> None:
    tab = Tab(page)
    page.goto(f"{site}?model={model}")
    assert tab.settled() == "error"
    assert WRONG[model] in tab.alert()
    assert "Use the default model" in tab.steps()
    assert tab.step("Use the default model") == "ready", tab.alert()
    tab.expect_alive()
