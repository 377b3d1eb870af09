"""The one Playwright and the one Chromium of a process; what pytest calls beside the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import chromium_launch_options
from tests.patience import be_patient
from tests.prepared import chromium
from tests.sharing import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.suite.verdicts import pytest_terminal_summary

__all__ = [
    "browser",
    "playwright",
    "pytest_collection_modifyitems",
    "pytest_terminal_summary",
    "pytest_xdist_make_scheduler",
]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright, of which there can be one at a time."""
    with sync_playwright() as started:
        chromium(started.chromium.executable_path)
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One headless Chromium for the whole session."""
    started = playwright.chromium.launch(**chromium_launch_options(playwright))
    be_patient(started)
    yield started
    started.close()
