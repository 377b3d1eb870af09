"""The store of compiled models: whole entries or none, whatever breaks off, fills up or rots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

PRELUDE = """
const { BundleStore } = await import('./store.js');
const store = (options) => new BundleStore({ compiler: 'c1', ...options });
const bundle = (fill = 7, size = 1000) => ({
    'model.wasm': new Uint8Array(10).fill(fill), weights: new Uint8Array(size).fill(fill),
});
const create = { create: true };
const root = () => navigator.storage.getDirectory();
const folder = async () => (await root()).getDirectoryHandle('wasmkiln', create);
const entry = async (key) => (await folder()).getDirectoryHandle(key, create);
const names = async () => {
    const all = [];
    for await (const name of (await folder()).keys()) all.push(name);
    return all.sort();
};
const write = async (key, name, content) => {
    const file = await (await entry(key)).getFileHandle(name, create);
    const stream = await file.createWritable();
    await stream.write(content);
    await stream.close();
};
const filled = async (got) => {
    if (!got) return null;
    const bytes = new Uint8Array(await got.read('weights').arrayBuffer());
    return bytes.every((b) => b === bytes[0]) ? [bytes[0], bytes.length] : 'damaged';
};
"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile whose pages may hide parts of the browser from the store."""
    fresh = browser.new_context()
    yield fresh
    fresh.close()


@pytest.fixture
def tab(context: BrowserContext, site: str) -> Page:
    """A page of the site with an empty store."""
    return new_tab(context, site)


def new_tab(context: BrowserContext, site: str) -> Page:
    page = context.new_page()
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    return page


def run(tab: Page, body: str, *arguments: Any) -> Any:
    return tab.evaluate(f"async (given) => {{ {PRELUDE} {body} }}", list(arguments))


def test_what_is_kept_is_found_again(tab: Page) -> None:
    assert run(
        tab,
        """const kept = await store().put('k1', bundle());
        const got = await store().get('k1');
        return [kept, await filled(got), got.names, got.read('other') === undefined,
            await store().get('k2'), await store().usage()];""",
    ) == [True, [7, 1000], ["model.wasm", "weights"], True, None, {"models": 1, "bytes": 1010}]


def test_browsers_where_only_workers_write_keep_models_too(tab: Page) -> None:
    tab.evaluate("delete FileSystemFileHandle.prototype.createWritable")
    assert run(
        tab,
        """const kept = await store().put('k1', bundle());
        return [kept, await filled(await store().get('k1')), await store().usage()];""",
    ) == [True, [7, 1000], {"models": 1, "bytes": 1010}]


@pytest.mark.parametrize(
    "harm",
    [
        "await (await entry('k1')).removeEntry('entry.json');",
        "await (await entry('k1')).removeEntry('weights');",
        "await write('k1', 'weights', new Uint8Array(999));",
        "await write('k1', 'weights', new Uint8Array(0));",
        "await write('k1', 'entry.json', '');",
        "await write('k1', 'entry.json', '{\"format\": 1');",
        "await write('k1', 'entry.json', 'null');",
        "await write('k1', 'entry.json', '[]');",
        'await write(\'k1\', \'entry.json\', \'{"format": 2, "compiler": "c1", "files": []}\');',
    ],
)
def test_a_damaged_entry_is_absent_and_makes_room_for_a_whole_one(tab: Page, harm: str) -> None:
    assert run(
        tab,
        f"""await store().put('k1', bundle(1));
        {harm}
        const damaged = await store().get('k1');
        const again = await store().put('k1', bundle(2));
        return [damaged, again, await filled(await store().get('k1')), await names()];""",
    ) == [None, True, [2, 1000], ["k1"]]


def test_leftovers_are_swept(tab: Page) -> None:
    assert run(
        tab,
        """await write('half', 'weights', new Uint8Array(5000));
        await (await folder()).getFileHandle('stray', { create: true });
        const before = [await store().get('half'), await store().usage()];
        await store().put('k1', bundle());
        return [before, await names()];""",
    ) == [[None, {"models": 0, "bytes": 0}], ["k1"]]


def test_another_compilers_entries_are_not_used_and_go(tab: Page) -> None:
    assert run(
        tab,
        """await store({ compiler: 'c0' }).put('k1', bundle(1));
        await store({ compiler: 'c0' }).put('k2', bundle(2));
        const found = await store().get('k1');
        await store().put('k3', bundle(3));
        return [found, await names()];""",
    ) == [None, ["k3"]]


def test_what_was_of_use_last_stays_within_the_budget(tab: Page) -> None:
    assert run(
        tab,
        """const small = store({ budget: 2500 });
        const used = async (key) => (await entry(key)).getFileHandle('used');
        const time = async (key) => (await (await used(key)).getFile()).lastModified;
        await small.put('a', bundle(1));
        await small.put('b', bundle(2));
        while (await time('a') <= await time('b')) await small.get('a');
        const kept = await small.put('c', bundle(3));
        const tooLarge = await small.put('d', bundle(4, 3000));
        return [kept, tooLarge, await names()];""",
    ) == [True, False, ["a", "c"]]


def test_a_full_disk_keeps_nothing_and_harms_nothing(context: BrowserContext, tab: Page) -> None:
    session = context.new_cdp_session(tab)
    origin = tab.evaluate("location.origin")
    assert run(tab, "return store().put('k1', bundle(1));")
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 8 << 20})
    # Told beforehand that there is no room, and by the disk itself.
    told = "const told = navigator.storage.estimate; navigator.storage.estimate = undefined;"
    assert run(
        tab,
        f"""const asked = await store().put('k2', bundle(2, 9e6));
        {told}
        const tried = await store().put('k3', bundle(3, 9e6));
        return [asked, tried, await filled(await store().get('k1')), await names()];""",
    ) == [False, False, [1, 1000], ["k1"]]


def test_two_tabs_at_once(context: BrowserContext, tab: Page, site: str) -> None:
    other = new_tab(context, site)
    begin = f"""(keys) => {{ globalThis.done = (async () => {{ {PRELUDE}
        return Promise.all(keys.map((key, i) => store().put(key, bundle(i + 1, 200_000))));
    }})(); }}"""
    keys = ["a", "b", "c", "d", "e"]
    tab.evaluate(begin, keys)
    other.evaluate(begin, keys)
    assert tab.evaluate("done") == other.evaluate("done") == [True] * 5
    for page in (tab, other):
        found = run(
            page,
            "return Promise.all(given[0].map(async (key) => filled(await store().get(key))));",
            keys,
        )
        assert found == [[i + 1, 200_000] for i in range(5)]


def test_a_tab_that_ends_while_it_writes_blocks_nobody(
    context: BrowserContext, tab: Page, site: str
) -> None:
    other = new_tab(context, site)
    other.evaluate(
        f"""async () => {{ {PRELUDE}
            const close = FileSystemWritableFileStream.prototype.close;
            const writing = new Promise((resolve) => {{
                FileSystemWritableFileStream.prototype.close = function () {{
                    resolve(); // and never ends
                    return new Promise(() => {{}});
                }};
            }});
            store().put('k1', bundle(1));
            await writing;
        }}"""
    )
    assert run(tab, "return [await store().get('k1'), await names()];") == [None, ["k1"]]
    other.close()
    assert run(
        tab, "return [await store().put('k1', bundle(2)), await filled(await store().get('k1'))];"
    ) == [True, [2, 1000]]


def test_clear_frees_all_and_says_how_much(tab: Page) -> None:
    assert run(
        tab,
        """await store({ compiler: 'c0' }).put('k1', bundle());
        await store({ compiler: 'c0' }).put('k2', bundle());
        return [await store().clear(), await names(), await store().usage()];""",
    ) == [2020, [], {"models": 0, "bytes": 0}]


@pytest.mark.parametrize(
    "hide",
    [
        "navigator.storage.getDirectory = "
        "() => Promise.reject(new DOMException('no', 'SecurityError'));",
        "Object.defineProperty(navigator, 'storage', { value: undefined });",
        "Object.defineProperty(navigator, 'locks', { value: undefined });"
        "navigator.storage.getDirectory = undefined;",
    ],
)
def test_without_storage_there_is_nothing_and_no_error(tab: Page, hide: str) -> None:
    assert run(
        tab,
        f"""{hide}
        const s = store();
        return [await s.put('k1', bundle()), await s.get('k1'), await s.remove('k1'),
            await s.clear(), await s.usage()];""",
    ) == [False, None, None, 0, {"models": 0, "bytes": 0}]


@pytest.mark.parametrize("key", ["", "..", "a/b", ".hidden"])
def test_names_that_are_no_plain_names_are_refused(tab: Page, key: str) -> None:
    assert run(
        tab,
        """const named = await store().put(given[0], bundle());
        const inside = await store().put('k1', { [given[0]]: new Uint8Array(1) });
        return [named, inside, await store().get(given[0]), await names()];""",
        key,
    ) == [False, False, None, []]
