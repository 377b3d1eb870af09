"""The model's card, the switches for threads and SIMD, and what an error offers to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.shared import ROOT
from tests.web.tab import Tab, open_tab


@pytest.fixture(scope="module")
def tab(browser: Browser, site: str) -> Iterator[Tab]:
    """One page for all."""
    tab = open_tab(browser, site)
    tab.complete()
    yield tab
    tab.page.context.close()


def test_the_card_says_what_the_manifest_says(tab: Tab) -> None:
    (entry,) = json.loads((ROOT / "models" / "manifest.json").read_text())["models"]
    tab.page.click("#card summary")
    terms = tab.page.locator("#card dt").all_inner_texts()
    values = tab.page.locator("#card dd").all_inner_texts()
    card = dict(zip(terms, values, strict=True))
    assert card["Licence"] == entry["licence"]
    assert card["Made by"] == entry["attribution"]
    assert card["Size"] == "18.8 MB"
    assert card["Parameters"] == "4.7 million"
    assert entry["source"]["package"] in card["Weights from"]
    accuracy = entry["accuracy"]
    assert card["Right, on test photos"].startswith(
        f"{accuracy['top1']} of {accuracy['photos']} at first guess, {accuracy['top5']} within five"
    )


def test_threads_and_simd_can_be_chosen(tab: Tab) -> None:
    tab.page.click("#switches summary")
    tab.page.select_option("#threads-choice", "1")
    tab.page.select_option("#simd-choice", "baseline")
    tab.page.click("#switches form button")
    told = tab.page.locator("#announcement")
    expect(told).to_contain_text("With 1 thread, baseline SIMD a run takes", timeout=120_000)
    assert tab.state() == "ready", tab.alert()
    assert tab.text("threads") == "1 thread: you chose it."
    assert tab.text("simd") == "Baseline SIMD: you chose it."
    rows = tab.page.locator("#measured tbody tr")
    expect(rows).to_have_count(2)
    assert rows.last.locator("td").first.inner_text() == "1 thread, baseline SIMD"
    assert tab.page.locator("html").get_attribute("data-state") == "ready"
    tab.expect_alive()


def test_a_switch_that_fails_leaves_the_model_in_use(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    tab.complete()
    page.context.route("**/*.onnx", lambda route: route.abort())
    page.click("#switches summary")
    page.select_option("#threads-choice", "1")
    page.click("#switches form button")
    page.wait_for_selector("html[data-state=error]", state="attached", timeout=120_000)
    assert tab.error_class() == "DownloadError"
    assert "Try again" in tab.steps()
    tab.expect_alive()


def test_what_is_no_picture_may_be_opened_as_a_model(tab: Tab) -> None:
    assert tab.drop("letter", b"This is a letter.") == "error"
    assert tab.steps() == ["Try another photo", "Open it as a model"]
    assert tab.step("Open it as a model") == "error"
    assert tab.error_class() == "InvalidModelError"
    assert tab.steps() == ["Open another model"]
    tab.expect_alive()
    assert tab.steps() == []


def test_a_load_that_failed_can_be_tried_again(page: Page, site: str) -> None:
    tab = Tab(page)
    page.context.route("**/*.onnx", lambda route: route.abort())
    page.goto(site)
    assert tab.settled() == "error"
    page.context.unroute("**/*.onnx")
    assert tab.step("Try again") == "ready", tab.alert()
    tab.expect_alive()
