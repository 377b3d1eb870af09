"""Without a network, from a cold start of the browser; new versions; files from other apps."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, Playwright, expect
from wasmkiln.devserver.site import Site

from tests.web.models import small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import until
from tests.web.visits import (
    compilers,
    module,
    new_tab,
    profile,
    until_complete,
    until_expected,
    until_offline,
    watched,
)

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()


def caches(page: Page) -> list[str]:
    names: list[str] = page.evaluate("async () => (await caches.keys()).sort()")
    return names


def test_the_browser_starts_without_a_network(
    playwright: Playwright, site_files: Site, tmp_path: Path
) -> None:
    with watched(site_files) as server:
        port = server.server.server_address[1]
        with profile(playwright, tmp_path / "profile") as context:
            tab = new_tab(context, server.url)
            until_expected(tab.page)
            assert until_offline(tab.page) == "This page works offline now."
            # From now on nothing is asked of the server, whatever is done.
            server.take()
            tab.expect_alive()
            assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
            assert server.take() == []
            compiled = tab.page.evaluate(f"async () => {module('cached.js')}.clearModels()")
            assert compiled > 10_000_000
    url = f"http://127.0.0.1:{port}/"
    # Python compiles the model, which then is kept.
    with profile(playwright, tmp_path / "profile") as context:
        tab = new_tab(context, url)
        assert compilers(tab.page) == 1
        assert tab.page.evaluate("crossOriginIsolated")
        tab.expect_alive()
        until_expected(tab.page)
    # And without Python.
    with profile(playwright, tmp_path / "profile") as context:
        tab = new_tab(context, url)
        assert compilers(tab.page) == 0
        tab.expect_alive()
        assert tab.drop("other.onnx", small_model(1.5)) == "ready", tab.alert()
        tab.page.goto(f"{url}python.html")
        expect(tab.page.locator("html")).to_have_attribute("data-state", "ready", timeout=120_000)


def test_a_change_on_the_server_shows_at_the_next_visit(
    playwright: Playwright, site_files: Site, tmp_path: Path
) -> None:
    """As developers need it: what they edit is what they see."""
    with (
        watched(site_files) as server,
        profile(playwright, tmp_path / "profile") as context,
    ):
        tab = new_tab(context, server.url)
        until_offline(tab.page)
        first = caches(tab.page)
        changed = tmp_path / "samples.js"
        text = (site_files.static / "page" / "samples.js").read_text("utf-8")
        changed.write_text(text.replace("A cup of coffee", "A changed cup"), "utf-8")
        files = {**site_files.files, "/page/samples.js": changed}
        server.server.site = replace(site_files, files=files, lean=tmp_path / "lean")
        tab.page.close()
        tab = new_tab(context, server.url)
        expect(tab.page.locator("[data-sample='coffee.jpg'] img")).to_have_attribute(
            "alt", "A changed cup"
        )
        until(
            tab.page,
            """async (first) => {
                const names = await caches.keys();
                return names.length === 2 && !names.every((name) => first.includes(name));
            }""",
            first,
        )
        tab.expect_alive()


def test_a_file_that_is_not_the_listed_one_is_not_kept(
    playwright: Playwright, site_files: Site, tmp_path: Path
) -> None:
    with (
        watched(site_files) as server,
        profile(playwright, tmp_path / "profile") as context,
    ):
        wrong = tmp_path / "wrong.jpg"
        wrong.write_bytes((SAMPLES / "cat.jpg").read_bytes() + b"\0")
        listed = server.server.precache()
        server.server.precache = lambda: listed  # type: ignore[method-assign]
        files = {**site_files.files, "/samples/cat.jpg": wrong}
        server.server.site = replace(site_files, files=files)
        tab = new_tab(context, server.url)
        assert "samples/cat.jpg is not the file" in until_offline(tab.page)
        tab.expect_alive()
        # It goes on where it stopped, once the file is right.
        server.server.site = site_files
        tab.page.close()
        tab = new_tab(context, server.url)
        assert until_offline(tab.page) == "This page works offline now."


def test_a_shared_photo_is_classified(
    playwright: Playwright, site_files: Site, tmp_path: Path
) -> None:
    with (
        watched(site_files) as server,
        profile(playwright, tmp_path / "profile") as context,
    ):
        page = new_tab(context, server.url).page
        until_complete(page)
        until_offline(page)
        # What the browser does with a file that another app shares.
        target = page.evaluate(
            """async (photo) => {
                const manifest = await (await fetch('manifest.webmanifest')).json();
                const { action, method, params } = manifest.share_target;
                const bytes = Uint8Array.from(atob(photo), (c) => c.charCodeAt(0));
                const body = new FormData();
                const file = new File([bytes], 'a ü/b.jpg', { type: 'image/jpeg' });
                body.append(params.files[0].name, file);
                return (await fetch(action, { method, body })).url;
            }""",
            base64.b64encode(COFFEE).decode(),
        )
        assert target == f"{server.url}?shared=1"
        assert "share" not in "".join(server.take())
        page.goto(target)
        expect(page.locator("#predictions li")).to_have_count(5, timeout=120_000)
        expect(page.locator("#predictions li").first).to_contain_text("espresso")
        assert page.url == server.url
        assert not [name for name in caches(page) if name.endswith("shared")]


def test_the_page_can_be_installed(
    playwright: Playwright, site_files: Site, tmp_path: Path
) -> None:
    with (
        watched(site_files) as server,
        profile(playwright, tmp_path / "profile") as context,
    ):
        page = new_tab(context, server.url).page
        until_offline(page)
        session = context.new_cdp_session(page)
        manifest = session.send("Page.getAppManifest")
        assert manifest["url"] == f"{server.url}manifest.webmanifest"
        assert manifest["errors"] == []
        problems = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # Profiles of automated browsers may count as incognito.
        assert [p["errorId"] for p in problems if p["errorId"] != "in-incognito"] == []
        sizes = page.evaluate(
            """async () => {
                const { icons } = await (await fetch('manifest.webmanifest')).json();
                const size = async ({ src }) => {
                    const image = await createImageBitmap(await (await fetch(src)).blob());
                    return `${image.width}x${image.height}`;
                };
                const drawn = icons.filter(({ type }) => type === 'image/png');
                return Promise.all(drawn.map(async (icon) => [icon.sizes, await size(icon)]));
            }"""
        )
        assert len(sizes) == 3
        assert all(told == actual for told, actual in sizes)
