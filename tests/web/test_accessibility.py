"""Accessibility in all states: WCAG 2.2 AA as far as axe-core tells, keys, motion, direction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.prepared import node_modules
from tests.web.tab import Tab
from tests.web.walk import new_context, serve_peer, states

_RUN = """async () => {
    const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const options = { runOnly: standards, resultTypes: ['violations'] };
    const { violations } = await axe.run(document, options);
    const shown = (nodes) => nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    return violations.map(({ id, help, nodes }) => [id, help, shown(nodes)]);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script."""
    modules = node_modules(Path(__file__).parent)
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
        for direction in ("rtl", "ltr"):
            page.evaluate("(direction) => (document.documentElement.dir = direction)", direction)
            Tab(page).expect_no_sideways_scroll()
    context.close()
    assert not found, json.dumps(found, indent=1)


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


_TABBABLE = """() => {
    const all = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const names = [];
    document.querySelectorAll(all).forEach((element, i) => {
        if (element.disabled || !element.checkVisibility({ visibilityProperty: true })) return;
        if (element.type === 'radio' && !element.checked) return;
        element.dataset.stop = i;
        names.push(String(i));
    });
    return names;
}"""
_FOCUSED = """() => {
    const element = document.activeElement;
    const shown = [element, element.closest('.button')].filter(Boolean);
    const isSeen = shown.some((e) => getComputedStyle(e).outlineStyle !== 'none');
    return [element.dataset.stop ?? '', isSeen, element.outerHTML.slice(0, 120)];
}"""


def walk_by_keys(page: Page) -> None:
    """Every control is reached by Tab, in the order of the page, and is seen then."""
    page.evaluate("document.activeElement.blur()")
    page.evaluate("window.getSelection().removeAllRanges(); window.scrollTo(0, 0)")
    expected = page.evaluate(_TABBABLE)
    reached: list[str] = []
    for _ in range(len(expected) + 3):
        page.keyboard.press("Tab")
        stop, is_seen, html = page.evaluate(_FOCUSED)
        if not stop:
            continue
        assert is_seen, f"focus can't be seen on {html}"
        reached.append(stop)
    once = list(dict.fromkeys(reached))
    start = once.index(expected[0])
    assert once[start:] + once[:start] == expected


def test_every_control_is_reached_by_keys(browser: Browser, site: str) -> None:
    context = new_context(browser, "light", 1280)
    page = context.new_page()
    for state in states(page, site):
        if state in ("ready", "its profile by kind of work", "its inputs are typed"):
            walk_by_keys(page)
        if state.startswith("a model that takes photos"):
            walk_by_keys(page)
            break
    context.close()


def test_nothing_moves_for_who_wants_no_motion(browser: Browser, site: str) -> None:
    context = browser.new_context(reduced_motion="reduce", service_workers="block")
    serve_peer(context)
    page = context.new_page()
    for state in states(page, site):
        moving = page.evaluate(
            "document.getAnimations().map((a) => a.animationName ?? 'transition')"
        )
        assert moving == [], state
    smooth = page.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    assert smooth == "auto"
    context.close()


def test_the_progress_moves_for_everybody_else(page: Page, site: str) -> None:
    """So that the test above could fail."""
    page.route("**/*.onnx", lambda route: None)
    page.goto(site)
    page.wait_for_selector("#progress:not([value])")
    assert page.evaluate("document.getAnimations({ subtree: true }).length") > 0
