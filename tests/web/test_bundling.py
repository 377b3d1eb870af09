"""The button that gives the model in use as a folder for a page of one's own."""

from __future__ import annotations

import json
import zipfile

from playwright.sync_api import Page

from tests.web.tab import Tab


def test_the_model_in_use_is_downloaded_as_a_bundle(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    page.wait_for_selector("#bundle", state="visible")
    with page.expect_download() as coming:
        page.click("#bundle")
    assert tab.settled() == "ready", tab.alert()
    assert coming.value.suggested_filename == "efficientnet-lite0.zip"
    with zipfile.ZipFile(coming.value.path()) as archive:
        assert archive.testzip() is None
        assert {"manifest.json", "model.js", "model.d.ts", "index.html"} <= set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["name"] == "efficientnet-lite0"
    tab.expect_alive()
