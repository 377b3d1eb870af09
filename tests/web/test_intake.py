"""The ways in: drop, paste, picker, keyboard, and a photo that comes before the model is ready."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.web.models import small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import Tab

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()


@pytest.mark.parametrize("way", ["drop", "paste", "picker"])
def test_a_photo_comes_in(page: Page, site: str, way: str) -> None:
    tab = Tab.open(page, site)
    if way == "picker":
        state = tab.choose("photo-file", "coffee.jpg", COFFEE, "image/jpeg")
    else:
        give = {"drop": tab.drop, "paste": tab.paste}[way]
        state = give("coffee.jpg", COFFEE, "image/jpeg")
    assert state == "ready", tab.alert()
    assert tab.guesses()[0].name.startswith("espresso")


def test_the_same_file_may_be_chosen_twice(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    for _ in range(2):
        page.evaluate("document.querySelector('#predictions').replaceChildren()")
        assert tab.choose("photo-file", "coffee.jpg", COFFEE, "image/jpeg") == "ready"
        assert len(tab.guesses()) == 5


def test_the_keyboard_is_enough(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    seen: list[str] = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                    const e = document.activeElement;
                    return e.id || e.dataset.sample || e.tagName;
                }"""
            )
        )
        outline = page.evaluate(
            """() => {
                const e = document.activeElement;
                const shown = e.closest('.button') ?? e;
                return getComputedStyle(shown).outlineStyle;
            }"""
        )
        assert outline != "none" or seen[-1] == "BODY", f"focus on {seen[-1]} can't be seen"
        if seen[-1] == "coffee.jpg":
            page.keyboard.press("Enter")
            break
    assert tab.settled() == "ready"
    assert tab.guesses()[0].name.startswith("espresso")
    assert seen[0] == "photo-file"
    for _ in range(16):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    assert "model-file" in seen


def test_a_photo_may_come_before_the_model_is_ready(page: Page, site: str) -> None:
    tab = Tab(page)
    page.goto(site)
    tab.give("drop", "coffee.jpg", COFFEE)
    assert tab.state() == "loading"
    page.wait_for_selector("#predictions li", timeout=120_000)
    assert tab.guesses()[0].name.startswith("espresso")


def test_something_without_a_file_is_told(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.setData('text/uri-list', 'https://example.com/cat.jpg');
            const options = { bubbles: true, cancelable: true, dataTransfer: transfer };
            document.body.dispatchEvent(new DragEvent('drop', options));
        }"""
    )
    tab.failed()
    assert "fetches nothing from other sites" in tab.alert()
    tab.expect_alive()


def test_text_may_be_pasted_into_a_field(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    assert tab.drop("open.onnx", small_model(0, rows="rows")) == "ready", tab.alert()
    paste = "new ClipboardEvent('paste', { bubbles: true, clipboardData: new DataTransfer() })"
    page.evaluate(f"document.querySelector('.dims input').dispatchEvent({paste})")
    assert tab.state() == "ready"
    page.evaluate(f"document.body.dispatchEvent({paste})")
    tab.failed()
    assert "holds no picture" in tab.alert()


def test_dragging_shows_where_to_drop(page: Page, site: str) -> None:
    Tab.open(page, site)
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragenter', { bubbles: true }))")
    assert page.locator("#drop-hint").is_visible()
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
    assert page.locator("#drop-hint").is_hidden()


def test_results_are_announced(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    tab.drop("coffee.jpg", COFFEE)
    assert page.locator("#predictions[aria-live=polite] li").count() == 5
    assert page.locator("#results").get_attribute("aria-busy") == "false"
    assert page.locator("#alert").get_attribute("role") == "alert"
    assert page.locator("#status").get_attribute("role") == "status"
