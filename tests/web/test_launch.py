"""Files that the system opens with the installed page."""

from __future__ import annotations

import base64

from playwright.sync_api import Page, expect

from tests.web.models import small_model
from tests.web.pictures import encoded, sample
from tests.web.tab import TIMEOUT, Tab

# A stand-in for the browser's own queue, which gives files to installed pages only; real handles.
QUEUE = """
    Object.defineProperty(window, 'launchQueue', { value: {
        setConsumer(consumer) {
            this.consumer = consumer;
        },
        async launch(files) {
            const folder = await navigator.storage.getDirectory();
            const handles = await Promise.all(files.map(async ([name, data]) => {
                const handle = await folder.getFileHandle(name, { create: true });
                const file = await handle.createWritable();
                await file.write(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
                await file.close();
                return handle;
            }));
            this.consumer({ files: handles });
            return handles.length;
        },
        async launchLost() {
            const folder = await navigator.storage.getDirectory();
            const handle = await folder.getFileHandle('lost.onnx', { create: true });
            await folder.removeEntry('lost.onnx');
            this.consumer({ files: [handle] });
        },
    } });
"""


def launched(page: Page, site: str) -> Tab:
    """The page as an installed one, complete."""
    page.add_init_script(QUEUE)
    tab = Tab.open(page, site)
    tab.complete()
    return tab


def launch(tab: Tab, **files: bytes) -> None:
    """Open files with the page, as a file manager does."""
    given = [[name, base64.b64encode(data).decode()] for name, data in files.items()]
    assert tab.page.evaluate("files => launchQueue.launch(files)", given) == len(files)


def test_a_model_is_opened(page: Page, site: str) -> None:
    tab = launched(page, site)
    launch(tab, **{"small.onnx": small_model(1)})
    page.wait_for_selector("html[data-view=model][data-state=ready]", timeout=TIMEOUT)
    expect(page.locator("#model")).to_contain_text("small.onnx")


def test_photos_are_classified(page: Page, site: str) -> None:
    tab = launched(page, site)
    launch(tab, **{"one.jpg": encoded(sample(), "JPEG"), "two.jpg": encoded(sample(), "JPEG")})
    expect(page.locator("#gallery .card .what")).to_have_text(
        ["espresso", "espresso"], timeout=TIMEOUT
    )


def test_a_file_that_is_gone_changes_nothing(page: Page, site: str) -> None:
    tab = launched(page, site)
    page.evaluate("launchQueue.launchLost()")
    launch(tab)
    tab.expect_alive()
