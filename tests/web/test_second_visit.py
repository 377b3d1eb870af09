"""The second visit opens what the first one compiled: without Python, without the model's file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from wasmkiln.devserver.site import Site

from tests.web.lab import run
from tests.web.models import small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import TIMEOUT, Tab, until
from tests.web.visits import (
    Watched,
    compilers,
    module,
    new_tab,
    until_complete,
    until_expected,
    watched,
)

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()
FOLDER = "(await (await navigator.storage.getDirectory()).getDirectoryHandle('wasmkiln'))"
# Writes other bytes into each of the bundle's weights.
DAMAGE = f"""async () => {{
    for await (const [name, place] of {FOLDER}.entries()) {{
        const file = await place.getFileHandle('weights-0.bin').catch(() => null);
        if (!file) continue;
        const size = (await file.getFile()).size;
        const stream = await file.createWritable();
        await stream.write(new Uint8Array(size).fill(63));
        await stream.close();
    }}
}}"""


@pytest.fixture(scope="module")
def server(site_files: Site) -> Iterator[Watched]:
    """A server that tells what it was asked for."""
    with watched(site_files) as running:
        yield running


@pytest.fixture(scope="module")
def visited(browser: Browser, server: Watched) -> Iterator[tuple[BrowserContext, list[object]]]:
    """A profile that has visited the page, and what a photo showed then."""
    context = browser.new_context(service_workers="block")
    tab = new_tab(context, server.url)
    tab.drop("coffee.jpg", COFFEE)
    guesses: list[object] = list(tab.guesses())
    until_complete(tab.page)
    until_expected(tab.page)
    tab.page.close()
    server.take()
    yield context, guesses
    context.close()


def fresh(browser: Browser) -> BrowserContext:
    return browser.new_context(service_workers="block")


def test_neither_python_nor_the_model_is_fetched(
    visited: tuple[BrowserContext, list[object]], server: Watched
) -> None:
    context, guesses = visited
    tab = new_tab(context, server.url)
    assert tab.drop("coffee.jpg", COFFEE) == "ready"
    assert tab.guesses() == guesses
    until_complete(tab.page)
    assert compilers(tab.page) == 0
    assert server.heavy() == []
    tab.page.close()


def test_python_starts_when_a_model_is_to_be_compiled(
    visited: tuple[BrowserContext, list[object]], server: Watched
) -> None:
    context, _ = visited
    tab = new_tab(context, server.url)
    assert tab.drop("small.onnx", small_model(0.25)) == "ready", tab.alert()
    assert compilers(tab.page) == 1
    assert tab.text("current-model") == "small.onnx"
    tab.page.close()


def test_a_model_that_was_opened_before_needs_no_python_either(
    visited: tuple[BrowserContext, list[object]], server: Watched
) -> None:
    context, _ = visited
    model = small_model(0.75)
    tab = new_tab(context, server.url)
    entries = f"""async () => {{
        let found = 0;
        for await (const place of {FOLDER}.values())
            if (await place.getFileHandle('entry.json').catch(() => null)) found++;
        return found;
    }}"""
    before = tab.page.evaluate(entries)
    assert tab.drop("small.onnx", model) == "ready", tab.alert()
    # Its description and its code, beside those that are there.
    until(tab.page, f"async () => (await ({entries})()) >= {before + 2}")
    tab.page.close()
    again = new_tab(context, server.url)
    assert again.drop("renamed.onnx", model) == "ready", again.alert()
    again.page.click("#try")
    assert again.settled() == "ready", again.alert()
    assert compilers(again.page) == 0
    again.page.close()


def test_damaged_weights_are_compiled_anew(browser: Browser, server: Watched) -> None:
    context = fresh(browser)
    tab = new_tab(context, server.url)
    until_expected(tab.page)
    tab.page.evaluate(DAMAGE)
    tab.page.close()
    tab = new_tab(context, server.url)
    assert compilers(tab.page) == 1
    tab.expect_alive()
    until_expected(tab.page)
    tab.page.close()
    tab = new_tab(context, server.url)
    tab.expect_alive()
    assert compilers(tab.page) == 0
    context.close()


def test_another_compiler_compiles_anew(
    browser: Browser, site_files: Site, server: Watched, tmp_path: Path
) -> None:
    context = fresh(browser)
    page = new_tab(context, server.url).page
    until_expected(page)
    before = page.evaluate("localStorage.getItem('wasmkiln:expected')")
    known = json.loads(site_files.files["/wheel/wasmkiln.json"].read_text())
    changed = tmp_path / "wasmkiln.json"
    changed.write_text(json.dumps({**known, "sources": "0" * 64}))
    page.close()
    server.server.site = replace(
        site_files, files={**site_files.files, "/wheel/wasmkiln.json": changed}
    )
    try:
        tab = new_tab(context, server.url)
        assert compilers(tab.page) == 1
        until_expected(tab.page)
        assert tab.page.evaluate("localStorage.getItem('wasmkiln:expected')") != before
        folders = tab.page.evaluate(
            f"async () => {{ let n = 0; for await (const _ of {FOLDER}.keys()) n++; return n; }}"
        )
        assert folders == 1, "the other compiler's model is still there"
    finally:
        server.server.site = site_files
        context.close()


def test_a_model_with_another_hash_than_the_manifest_tells_is_not_kept(
    browser: Browser, site_files: Site, server: Watched, tmp_path: Path
) -> None:
    manifest = json.loads(site_files.files["/models/manifest.json"].read_text())
    manifest["models"][0]["sha256"] = "0" * 64
    changed = tmp_path / "manifest.json"
    changed.write_text(json.dumps(manifest))
    server.server.site = replace(
        site_files, files={**site_files.files, "/models/manifest.json": changed}
    )
    context = fresh(browser)
    try:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        tab = Tab.open(page, server.url)
        tab.expect_alive()
        until_complete(page)
        page.wait_for_function("() => new Promise((resolve) => requestIdleCallback(resolve))")
        assert any("is not kept" in line for line in said)
        assert page.evaluate("localStorage.getItem('wasmkiln:expected')") is None
    finally:
        server.server.site = site_files
        context.close()


@pytest.mark.parametrize(
    "blocked",
    [
        "StorageManager.prototype.getDirectory = "
        "() => Promise.reject(new DOMException('no', 'SecurityError'));",
        "delete StorageManager.prototype.getDirectory;",
        "Object.defineProperty(window, 'localStorage', "
        "{ get() { throw new DOMException('no', 'SecurityError'); } });",
    ],
    ids=["refused", "missing", "no localStorage"],
)
def test_without_storage_the_page_works_as_on_a_first_visit(
    browser: Browser, server: Watched, blocked: str
) -> None:
    context = fresh(browser)
    context.add_init_script(blocked)
    for _ in range(2):
        tab = new_tab(context, server.url)
        tab.expect_alive()
        tab.page.close()
    context.close()


def test_clearing_says_what_it_frees_and_leads_to_compiling(
    browser: Browser, server: Watched
) -> None:
    context = fresh(browser)
    tab = new_tab(context, server.url)
    until_expected(tab.page)
    button = tab.page.locator("#clear-models")
    expect(button).to_contain_text("MB")
    button.click()
    expect(button).to_be_hidden()
    expect(tab.page.locator("#announcement")).to_contain_text("are free again")
    tab.expect_alive()
    tab.page.close()
    tab = new_tab(context, server.url)
    assert compilers(tab.page) == 1
    context.close()


def test_python_is_let_go_and_comes_back(browser: Browser, server: Watched) -> None:
    context = fresh(browser)
    tab = new_tab(context, server.url)
    until_complete(tab.page)
    assert compilers(tab.page) == 1
    with tab.page.expect_event("worker", lambda _: True, timeout=TIMEOUT) as _:
        tab.page.evaluate(f"async () => {module('compiler.js')}.letGoAfter(1)")
        while compilers(tab.page):
            tab.page.evaluate("() => new Promise(requestAnimationFrame)")
        assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    tab.expect_alive()
    context.close()


def test_a_session_that_wants_no_cache_leaves_nothing(lab: Page) -> None:
    kept = run(
        lab,
        """const { keptModels } = await import('./cached.js');
        const model = bytes(given[0]);
        const before = (await keptModels()).models;
        const session = await InferenceSession.create(model, { cache: false });
        await new Promise((resolve) => requestIdleCallback(resolve));
        const without = (await keptModels()).models - before;
        session.release();
        const other = await InferenceSession.create(model);
        const compiled = other.stats.compileMs > 0;
        const moment = () => new Promise((resolve) => setTimeout(resolve, 20));
        while ((await keptModels()).models === before) await moment();
        other.release();
        const third = await InferenceSession.create(model);
        const { y } = await third.run({ x: vector(-9, 0, 1, 2, 3, 4) });
        return [without, compiled, third.stats.compileMs, [...y.data]];""",
        small_model(1.125),
    )
    assert kept == [0, True, 0, [0, 1.125, 2.125, 3.125, 4.125, 5.125]]
