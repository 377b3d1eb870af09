"""The page fits a small phone, follows the system's colours, and can be read."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.web.models import small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import Tab

CONTRAST = """() => {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const luminance = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
            .map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const backdrop = (element) => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (colour !== 'rgba(0, 0, 0, 0)') return colour;
        }
        return 'white';
    };
    const low = [];
    for (const element of document.querySelectorAll('body *')) {
        const text = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!text || !element.checkVisibility() || element.closest('noscript')) continue;
        const [a, b] = [luminance(getComputedStyle(element).color), luminance(backdrop(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) low.push(`${element.tagName}#${element.id}: ${ratio.toFixed(2)}`);
    }
    return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_small_phone_needs_no_sideways_scroll(browser: Browser, site: str, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=2,
    )
    tab = Tab.open(context.new_page(), site)
    tab.expect_no_sideways_scroll()
    assert tab.page.evaluate(CONTRAST) == []
    tab.drop(
        "a-photo-with-quite-a-long-name-for-a-phone.jpg", (SAMPLES / "camera.jpg").read_bytes()
    )
    tab.expect_no_sideways_scroll()
    assert tab.page.evaluate(CONTRAST) == []
    tab.page.click("#phases summary")
    tab.drop(f"{'long-name-' * 9}.txt", b"no picture")
    tab.expect_no_sideways_scroll()
    assert tab.page.evaluate(CONTRAST) == []
    tab.drop(f"{'long-name-' * 9}.onnx", small_model(1.0))
    tab.page.click("#try")
    tab.settled()
    tab.page.click("#report summary")
    tab.expect_no_sideways_scroll()
    assert tab.page.evaluate(CONTRAST) == []
    context.close()


def test_buttons_are_large_enough_for_a_finger(page: Page, site: str) -> None:
    Tab.open(page, site)
    for button in page.locator("button:visible, .button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, button.inner_html()


def test_the_system_chooses_the_colours(browser: Browser, site: str) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(site)
        seen[scheme] = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        context.close()
    light, dark = (sum(map(int, c.strip("rgb()").split(","))) for c in seen.values())
    assert light > 700
    assert dark < 100


def test_reduced_motion_is_respected(browser: Browser, site: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(site)
    assert (
        page.evaluate("getComputedStyle(document.querySelector('progress')).animationName")
        == "none"
    )
    context.close()
