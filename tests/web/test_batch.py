"""Several photos at once, those of this visit, and what the page said of them as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.web.pictures import SAMPLES, encoded, sample
from tests.web.tab import TIMEOUT, Tab

NAMES = ("cat.jpg", "coffee.jpg", "camera.jpg")


@pytest.fixture
def tab(browser: Browser, site: str) -> Iterator[Tab]:
    """The page, which may use the clipboard."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield Tab.open(context.new_page(), site)
    context.close()


def photos(*names: str) -> list[FilePayload]:
    """Sample photos as files to choose."""
    return [photo(name, (SAMPLES / name).read_bytes()) for name in names]


def photo(name: str, data: bytes) -> FilePayload:
    """One file to choose."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def choose(tab: Tab, files: list[FilePayload]) -> str:
    """Choose several photos; the state after all are done."""
    tab.page.set_input_files("#photo-file", files)
    return tab.settled()


def copied(tab: Tab) -> str:
    """What the clipboard holds."""
    return str(tab.page.evaluate("navigator.clipboard.readText()"))


def test_several_photos_are_all_classified(tab: Tab) -> None:
    assert choose(tab, photos(*NAMES)) == "ready", tab.alert()
    classes = [what for what, _ in tab.cards()]
    assert classes[1:] == ["espresso", "tripod"]
    assert "cat" in classes[0] or classes[0] == "tabby"
    assert all(percent.endswith(" %") for _, percent in tab.cards())
    # The first is on show, and marked.
    assert tab.page.locator("#preview").get_attribute("aria-label") == "Your photo: cat.jpg"
    assert tab.guesses()[0].name.startswith(classes[0])
    assert tab.page.locator("#gallery [aria-current=true]").get_attribute("title") == "cat.jpg"
    expect(tab.page.locator("#batch")).to_be_hidden()
    assert tab.text("announcement") == "3 of 3 photos are done."


def test_one_that_is_no_picture_does_not_stop_the_others(tab: Tab) -> None:
    files = [photo("letter.txt", b"Dear reader"), *photos("coffee.jpg", "camera.jpg")]
    assert choose(tab, files) == "error"
    assert tab.alert() == "Reading 3 photos failed: 1 of them could not be read."
    assert tab.steps() == ["Choose other photos"]
    assert [card[0] for card in tab.cards()] == ["Not readable", "espresso", "tripod"]
    title = tab.page.locator("#gallery .card").first.get_attribute("title") or ""
    assert title.startswith("letter.txt: this is neither a picture")
    assert tab.guesses()[0].name.startswith("espresso")


def many(folder: Path) -> list[Path]:
    """So many large photos that there is time to change one's mind."""
    large = encoded(sample().resize((3000, 2000)), "JPEG", quality=90)
    paths = [folder / f"{i}.jpg" for i in range(60)]
    for path in paths:
        path.write_bytes(large)
    return paths


def test_a_batch_can_be_cancelled(tab: Tab, tmp_path: Path) -> None:
    tab.page.set_input_files("#photo-file", many(tmp_path))
    tab.page.wait_for_selector("#gallery .card:not(:disabled)", timeout=TIMEOUT)
    assert tab.page.locator("#gallery .card").count() == 60, "there is a place for each at once"
    tab.page.click("#batch-cancel")
    assert tab.settled() == "ready", tab.alert()
    expect(tab.page.locator("#batch")).to_be_hidden()
    expect(tab.page.locator("#gallery .card:disabled")).to_have_count(0)
    assert 1 <= len(tab.cards()) < 60
    tab.expect_alive()


def test_another_photo_takes_the_place_of_a_batch(tab: Tab, tmp_path: Path) -> None:
    tab.page.set_input_files("#photo-file", many(tmp_path))
    tab.page.wait_for_selector("#gallery .card:not(:disabled)", timeout=TIMEOUT)
    tab.expect_alive()
    expect(tab.page.locator("#gallery .card:disabled")).to_have_count(0)
    assert tab.page.locator("#preview").get_attribute("aria-label") == "Your photo: coffee.jpg"


def test_photos_of_this_visit_can_be_seen_again(tab: Tab) -> None:
    for name in NAMES:
        assert tab.drop(name, (SAMPLES / name).read_bytes()) == "ready", tab.alert()
    assert [what for what, _ in tab.cards()][:2] == ["tripod", "espresso"], "the newest first"
    tab.page.focus("#gallery .card[title='coffee.jpg']")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("#preview")).to_have_attribute("aria-label", "Your photo: coffee.jpg")
    assert tab.settled() == "ready", tab.alert()
    assert tab.guesses()[0].name.startswith("espresso")
    assert tab.page.locator("#gallery [aria-current=true]").get_attribute("title") == "coffee.jpg"
    assert len(tab.cards()) == 3, "seeing one again adds none"


def test_the_visit_can_be_cleared(tab: Tab) -> None:
    tab.expect_alive()
    tab.page.click("#clear-history")
    expect(tab.page.locator("#gallery")).to_be_hidden()
    assert tab.cards() == []
    expect(tab.page.locator("#photo-file")).to_be_focused()
    tab.expect_alive()
    assert len(tab.cards()) == 1


def test_a_result_can_be_copied(tab: Tab) -> None:
    tab.expect_alive()
    tab.page.click("#copy-text")
    expect(tab.page.locator("#copy-text")).to_have_text("Copied")
    first, second, *rest = copied(tab).splitlines()
    assert first == "coffee.jpg"
    assert second.split("  ")[-1] == "espresso"
    assert len(rest) == 4
    tab.page.click("#copy-json")
    expect(tab.page.locator("#copy-json")).to_have_text("Copied")
    record = json.loads(copied(tab))
    assert record["photo"] == "coffee.jpg"
    assert record["model"].startswith("EfficientNet-Lite0")
    best = record["predictions"][0]
    assert (best["label"], best["index"]) == ("espresso", 967)
    assert 0.5 < best["score"] < 1


def test_all_results_can_be_copied(tab: Tab) -> None:
    assert choose(tab, photos(*NAMES)) == "ready", tab.alert()
    tab.page.click("#copy-all")
    expect(tab.page.locator("#copy-all")).to_have_text("Copied")
    head, *rows = [line.split("\t") for line in copied(tab).splitlines()]
    assert head == ["photo", "class", "score"]
    assert [row[0] for row in rows] == list(NAMES)
    tab.page.click("#copy-all-json")
    expect(tab.page.locator("#copy-all-json")).to_have_text("Copied")
    assert [record["photo"] for record in json.loads(copied(tab))] == list(NAMES)
