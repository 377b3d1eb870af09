"""Drives the page as a person does: drops, pastes and chooses files, and reads what it says."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect

TIMEOUT = 120_000  # ms; for Python's start and a compilation on a busy machine

_GIVE = """([type, name, mime, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: mime }));
    const options = { bubbles: true, cancelable: true };
    const event = type === 'paste'
        ? new ClipboardEvent('paste', { ...options, clipboardData: transfer })
        : new DragEvent(type, { ...options, dataTransfer: transfer });
    document.querySelector('main').dispatchEvent(event);
}"""

_SETTLED = """() => {
    const { state } = document.documentElement.dataset;
    return ['ready', 'error'].includes(state) && state;
}"""


@dataclass(frozen=True, slots=True)
class Guess:
    """One of the classes that the page shows."""

    index: int
    name: str
    percent: str


class Tab:
    """The page in a browser tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @staticmethod
    def open(page: Page, url: str) -> Tab:
        """The page, loaded and ready."""
        tab = Tab(page)
        page.goto(url)
        assert tab.settled() == "ready", tab.alert()
        return tab

    def complete(self) -> None:
        """Wait until the page needs nothing more from its server."""
        self.page.wait_for_selector("html[data-complete]", state="attached", timeout=TIMEOUT)

    def settled(self) -> str:
        """The state after what was begun is over: 'ready' or 'error'."""
        return str(self.page.wait_for_function(_SETTLED, timeout=TIMEOUT).json_value())

    def failed(self) -> str:
        """The class of the error that what was begun leads to."""
        self.page.wait_for_selector("html[data-state=error]", state="attached", timeout=TIMEOUT)
        return self.error_class()

    def state(self) -> str:
        """The state now."""
        return self.page.locator("html").get_attribute("data-state") or ""

    def drop(self, name: str, data: bytes, mime: str = "") -> str:
        """Drop a file somewhere on the page; the state after it."""
        self.give("drop", name, data, mime)
        return self.settled()

    def paste(self, name: str, data: bytes, mime: str = "") -> str:
        """Paste a file; the state after it."""
        self.give("paste", name, data, mime)
        return self.settled()

    def give(self, event: str, name: str, data: bytes, mime: str = "") -> None:
        """Give a file by an event of this type, without waiting for what becomes of it."""
        self.page.evaluate(_GIVE, [event, name, mime, base64.b64encode(data).decode()])

    def choose(self, field: str, name: str, data: bytes, mime: str = "") -> str:
        """Choose a file with a picker; the state after it."""
        file = {"name": name, "mimeType": mime or "application/octet-stream", "buffer": data}
        self.page.set_input_files(f"#{field}", file)  # type: ignore[arg-type]
        return self.settled()

    def guesses(self) -> list[Guess]:
        """The classes shown, in order."""
        items = self.page.locator("#predictions li").all()
        return [
            Guess(
                int(item.get_attribute("data-class") or -1),
                item.locator(".name").inner_text(),
                item.locator(".percent").inner_text(),
            )
            for item in items
        ]

    def alert(self) -> str:
        """The error message shown; '' if there is none."""
        alert = self.page.locator("#alert")
        return alert.inner_text() if alert.is_visible() else ""

    def error_class(self) -> str:
        """The class of the error shown."""
        return self.page.locator("#alert").get_attribute("data-error") or ""

    def steps(self) -> list[str]:
        """The buttons that the error message offers."""
        return self.page.locator("#next-steps button:visible").all_inner_texts()

    def step(self, label: str) -> str:
        """Press one of them; the state after it."""
        self.page.click(f"#next-steps button:text-is('{label}')")
        return self.settled()

    def cards(self) -> list[list[str]]:
        """Class and percentage of each photo of this visit, as far as they are known."""
        cards = self.page.locator("#gallery .card").all()
        return [card.locator(".what, .percent").all_inner_texts() for card in cards]

    def text(self, element: str) -> str:
        """The text of an element by its id."""
        return self.page.locator(f"#{element}").inner_text()

    def expect_no_sideways_scroll(self) -> None:
        """Nothing is wider than the screen."""
        wide, screen = self.page.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= screen, f"the page is {wide} px wide on a screen of {screen} px"

    def expect_alive(self) -> None:
        """The page still names what a sample shows."""
        self.page.click("[data-sample='coffee.jpg']")
        assert self.settled() == "ready", self.alert()
        names = self.page.locator("#predictions li .name")
        expect(names).to_have_count(5)
        expect(names.first).to_have_text(re.compile("^espresso"))


def until(page: Page, question: str, argument: Any = None) -> None:
    """Wait until an async function of the page's says true.

    `wait_for_function` takes the function's promise for its answer, and so doesn't wait.
    """
    deadline = time.monotonic() + TIMEOUT / 1000
    while not page.evaluate(question, argument):
        assert time.monotonic() < deadline, f"not so within {TIMEOUT} ms: {question}"
        page.wait_for_timeout(20)


def open_tab(browser: Browser, url: str, width: int = 1280, height: int = 900) -> Tab:
    """A tab in a fresh profile; close its `page.context` at the end."""
    size: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=size, service_workers="block")
    return Tab.open(context.new_page(), url)
