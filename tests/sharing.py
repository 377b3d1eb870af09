"""How the tests are shared out among processes: by file, and those that take longest first.

A file's tests stay together, as they share what its fixtures make. So do all of a folder in
TOGETHER, whose files share fixtures that take a minute to make.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]

TOGETHER = ("tests/package/",)
# What lies before the rest begins before it; at the end only short files should be left.
FIRST = ("tests/package/", "tests/suite/", "tests/web/")


class _Sharing(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Shares out files and folders, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        """What goes to one process with the test."""
        together = next((t for t in TOGETHER if nodeid.startswith(t)), None)
        return together or str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """What `-n` shares out by."""
    config.option.loadscopereorder = False  # by the number of tests, which says little of time
    return _Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest; the order is otherwise left as it is."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return next((i for i, t in enumerate(FIRST) if item.nodeid.startswith(t)), len(FIRST))
