"""A walk through all views and states of the page, for checks that have to hold in each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playwright.sync_api import Browser, BrowserContext, Page

from tests.web.models import convolutional_model, small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import TIMEOUT, Tab

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()
PARTS = ("profile", "memory", "graph")

_PEER = """
export const env = { wasm: {} };
export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
export const InferenceSession = {
    async create() {
        return {
            async release() {},
            async run(feeds) {
                const numbers = new Float32Array(7).fill(0.25);
                return { y: new Tensor('float32', numbers, [1, 7]) };
            },
        };
    },
};
"""


def serve_peer(context: BrowserContext) -> None:
    """Lets the page believe that its server has onnxruntime-web."""
    context.route("**/peers.json", lambda route: route.fulfill(json={"onnxruntime-web": "0.0.1"}))
    context.route(
        "**/bench/onnxruntime-web/*.mjs",
        lambda route: route.fulfill(body=_PEER, content_type="text/javascript"),
    )


def new_context(browser: Browser, scheme: str, width: int) -> BrowserContext:
    """A fresh profile of a person who likes these colours, on a screen of this width."""
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme=scheme,  # type: ignore[arg-type]
        service_workers="block",  # or it would answer for the peer that is made up
    )
    serve_peer(context)
    return context


def wait_complete(page: Page) -> None:
    """Until all parts are there that are fetched late."""
    page.wait_for_selector("html[data-complete]", state="attached", timeout=TIMEOUT)


def open_insight(page: Page, within: str) -> None:
    """Open the three pictures of a model, and all that they hide."""
    for part in PARTS:
        page.click(f"{within} .insight-{part} > summary")
    for drawn in (".flame", ".memory-map", ".graph"):
        page.wait_for_selector(f"{within} {drawn}", timeout=TIMEOUT)
    open_all(page, within)


def open_all(page: Page, within: str) -> None:
    """Open everything that opens, but for what costs a measurement."""
    page.evaluate(
        """(within) => {
            const all = document.querySelectorAll(`${within} details`);
            for (const details of all) details.open = true;
        }""",
        within,
    )


def states(page: Page, site: str) -> Iterator[str]:
    """Goes from state to state, and gives the name of each."""
    tab = Tab(page)
    page.route("**/*.onnx", lambda route: None)
    page.goto(site)
    page.wait_for_selector("#progress:visible")
    yield "loading"
    page.unroute("**/*.onnx")
    page.click("#cancel")
    assert tab.settled() == "error"
    yield "loading was cancelled"
    page.click("#default-model")
    assert tab.settled() == "ready", tab.alert()
    wait_complete(page)
    yield "ready"
    tab.drop("coffee.jpg", COFFEE)
    yield "a photo and its classes"
    yield from _default_model(page)
    tab.drop("notes.txt", b"no picture")
    yield "a file that is no picture"
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragenter', { bubbles: true }))")
    yield "something is dragged over the page"
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
    yield from _opened_models(tab)


def _default_model(page: Page) -> Iterator[str]:
    open_insight(page, "#inside")
    open_all(page, "main")
    for picture in (".flame", ".memory-map", ".graph"):
        page.focus(f"#inside {picture}")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    page.fill("#inside input[type=search]", "conv")
    yield "inside the page's own model"
    page.click("#inside input[value=family]")
    yield "its profile by kind of work"


def _opened_models(tab: Tab) -> Iterator[str]:
    page = tab.page
    assert tab.drop("open.onnx", small_model(0.5, rows="rows")) == "ready", tab.alert()
    page.click("#try")
    tab.settled()
    open_all(page, "#model #trial")
    yield "a model that was opened, and run"
    page.click("#tensor-panel summary")
    page.select_option("#tensor-panel select", "typed")
    yield "its inputs are typed"
    page.click("#tensor-panel button")
    tab.settled()
    yield "what was typed is wrong"
    assert tab.drop("image.onnx", convolutional_model()) == "ready", tab.alert()
    tab.choose("model-photo", "coffee.jpg", COFFEE, "image/jpeg")
    page.wait_for_selector("#model-classes", timeout=TIMEOUT)
    tab.settled()
    page.click("#compare")
    page.wait_for_selector("#model caption:has-text('Largest differences')", timeout=TIMEOUT)
    page.click(".labels summary")
    open_insight(page, "#model")
    yield "a model that takes photos, with its pictures and a comparison"
    tab.drop("bad.onnx", b"\x08\x08garbage")
    page.wait_for_selector("html[data-state=error]", state="attached")
    assert re.match("Opening", tab.alert())
    yield "a model that can't be opened"
