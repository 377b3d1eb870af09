"""With cross-origin isolation the page runs on all threads; without it on one, and it says why."""

from __future__ import annotations

import os

from playwright.sync_api import Page

from tests.web.tab import Tab


def test_the_isolated_page_uses_threads(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    threads = int(page.locator("#threads").get_attribute("data-value") or 0)
    assert (threads > 1) is ((os.cpu_count() or 1) > 1)
    assert f"{threads} thread" in tab.text("threads")
    assert "cross-origin isolated" in tab.text("threads") or threads == 1
    tab.expect_alive()


def test_the_plain_page_runs_on_one_thread_and_says_why(page: Page, plain_site: str) -> None:
    tab = Tab.open(page, plain_site)
    assert page.evaluate("crossOriginIsolated") is False
    assert page.locator("#threads").get_attribute("data-value") == "1"
    assert tab.text("threads") == (
        "1 thread: the page is not cross-origin isolated (its server sends no COOP and COEP"
        " headers), so threads may not share memory."
    )
    tab.expect_alive()


def test_simd_is_told_with_its_reason(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    assert page.locator("#simd").get_attribute("data-value") == "relaxed"
    assert tab.text("simd") == "Relaxed SIMD: this browser has fused multiply-add."


def test_the_probes_know_what_the_engine_has(page: Page, site: str) -> None:
    page.goto(site + "models/manifest.json")
    found = page.evaluate(
        """async (site) => {
            const { probe, chooseSimd, chooseThreads } = await import(`${site}features.js`);
            const all = { simd: true, relaxedSimd: true, threads: true, isolated: true, cores: 8 };
            const threadsOn = (cores) => chooseThreads({ ...all, cores }).value;
            const threads = [1, 2, 3, 4, 6, 8, 12, 64].map(threadsOn);
            const plain = chooseThreads({ ...all, isolated: false });
            const { simd, relaxedSimd, threads: shared } = probe();
            const baseline = chooseSimd({ ...all, relaxedSimd: false }).value;
            return { simd, relaxedSimd, shared, baseline, threads, plain: plain.value };
        }""",
        site,
    )
    assert found == {
        "simd": True,
        "relaxedSimd": True,
        "shared": True,
        "baseline": "baseline",
        "threads": [1, 2, 3, 4, 4, 4, 6, 8],
        "plain": 1,
    }
