"""The installed page's icons, from web/icon.svg by Chromium: python -m tests.web.make_icons."""

from __future__ import annotations

from playwright.sync_api import sync_playwright

from tests.browser import chromium_launch_options
from tests.shared import ROOT

ICON = ROOT / "web" / "icon.svg"
FOLDER = ROOT / "web" / "icons"
SIZES = (192, 512)
MASKABLE = 512
SAFE = 0.7  # Systems cut maskable icons to shapes, at most down to a circle of 80 %.


def drawing(maskable: bool) -> str:
    """The icon's SVG; if maskable its ground reaches the edges, and the rest stands back."""
    svg = ICON.read_text("utf-8")
    if not maskable:
        return svg
    ground, end = svg.index("<rect"), svg.index("/>") + 2
    rect = svg[ground:end].replace(' rx="7"', "")
    rest = svg[end:].replace("</svg>", "")
    move = 16 * (1 - SAFE)
    inner = f'<g transform="translate({move} {move}) scale({SAFE})">{rest}</g>'
    return f"{svg[:ground]}{rect}{inner}</svg>"


def main() -> None:
    """Write the PNG files."""
    wanted = [(f"{size}.png", size, False) for size in SIZES]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_launch_options(playwright))
        for name, size, maskable in [*wanted, ("maskable.png", MASKABLE, True)]:
            page = browser.new_page(viewport={"width": size, "height": size})
            style = "<style>body{margin:0} svg{display:block;width:100vw;height:100vh}</style>"
            page.set_content(style + drawing(maskable))
            page.screenshot(path=FOLDER / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
