"""How long tests wait for a page to do what it should; other tests may keep the machine busy."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, expect

__all__ = ["PATIENCE", "be_patient"]

PATIENCE = 90_000  # ms; well below what pytest grants a test


def be_patient(browser: Browser | BrowserContext) -> None:
    """Make all pages of a browser, or of a profile, and all that is expected of them wait long."""
    expect.set_options(timeout=PATIENCE)
    if isinstance(browser, BrowserContext):
        browser.set_default_timeout(PATIENCE)
    else:
        browser.on("context", lambda context: context.set_default_timeout(PATIENCE))
