"""What the server's headers do in a browser: isolate the page, and keep it to its own origin."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

DOCUMENT = "models/manifest.json"  # Any document will do; this one starts nothing.
ATTEMPT = """
async ([url]) => {
  const violations = [];
  const note = (event) => violations.push(event.effectiveDirective);
  document.addEventListener('securitypolicyviolation', note);
  const reached = await fetch(url).then(() => true, () => false);
  // In a task of its own: what DevTools evaluates itself is allowed to eval.
  const evaluated = await new Promise((resolve) => setTimeout(() => {
    try { resolve(Function('return 1')() === 1); } catch { resolve(false); }
  }));
  const compiled = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  await new Promise((resolve) => setTimeout(resolve, 50));
  return {reached, evaluated, compiled: compiled instanceof WebAssembly.Module, violations};
}
"""


@pytest.mark.parametrize("isolated", [True, False])
def test_only_the_isolated_page_has_shared_memory(
    page: Page, site: str, plain_site: str, isolated: bool
) -> None:
    page.goto((site if isolated else plain_site) + DOCUMENT)
    assert page.evaluate("crossOriginIsolated") is isolated
    assert page.evaluate("typeof SharedArrayBuffer === 'function'") is isolated


def test_the_page_may_compile_wasm_but_not_eval_nor_reach_another_origin(
    page: Page, site: str, plain_site: str
) -> None:
    page.goto(site + DOCUMENT)
    assert page.evaluate(ATTEMPT, [plain_site + DOCUMENT]) == {
        "reached": False,
        "evaluated": False,
        "compiled": True,
        "violations": ["connect-src", "script-src"],
    }


def test_the_page_cannot_be_framed(page: Page, site: str) -> None:
    page.goto("about:blank")
    page.set_content(f"<iframe src='{site}{DOCUMENT}'></iframe>")
    expect(page.frame_locator("iframe").get_by_text("efficientnet")).to_have_count(0)
    assert page.frames[1].url.startswith("chrome-error://")
