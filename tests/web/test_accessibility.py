"""WCAG 2.2 AA as far as axe-core can tell, in every state of the page, on small and large screens, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.npm import installed
from tests.web.tab import Tab
from tests.web.walk import new_context, states

_RUN = """async () => {
    const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: standards, resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => [id, help, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script."""
    modules = installed(Path(__file__).parent)
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[Any]:
    """What axe finds in the page as it is now."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(f"() => {{ {axe} }}")
    found: list[Any] = page.evaluate(_RUN)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_every_state_is_accessible(
    browser: Browser, site: str, axe: str, scheme: str, width: int
) -> None:
    context = new_context(browser, scheme, width)
    page = context.new_page()
    found: dict[str, list[Any]] = {}
    for state in states(page, site):
        if wrong := violations(page, axe):
            found[state] = wrong
        Tab(page).expect_no_sideways_scroll()
    context.close()
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_python_page_is_accessible(browser: Browser, site: str, axe: str, scheme: str) -> None:
    context = new_context(browser, scheme, 320)
    page = context.new_page()
    tab = Tab(page)
    page.goto(f"{site}python.html")
    assert tab.settled() == "ready", tab.alert()
    assert violations(page, axe) == []
    page.fill("#script", "print(1 / 0)")
    page.click("#run")
    page.wait_for_selector("html[data-state=error]", state="attached")
    assert violations(page, axe) == []
    context.close()
