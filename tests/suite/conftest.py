"""Counts the verdicts of the suite, and prints them below the results of all tests."""

from __future__ import annotations

from collections import Counter

import pytest

_VERDICTS = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[_VERDICTS] = Counter()


@pytest.fixture
def verdicts(pytestconfig: pytest.Config) -> Counter[str]:
    """How many tests have passed, were refused as unsupported, and are wrong."""
    return pytestconfig.stash[_VERDICTS]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts, if any test of the suite has run."""
    counts = terminalreporter.config.stash.get(_VERDICTS, Counter())
    if counts:
        said = ", ".join(f"{counts[v]} {v}" for v in ("passed", "unsupported", "random", "wrong"))
        terminalreporter.write_line(f"ONNX suite: {said}, of {counts.total()}")
