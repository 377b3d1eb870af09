"""Counts the verdicts of the suite, and prints them below the results of all tests.

A verdict is a property of its test's report, and comes with that from the process of the test.
"""

from __future__ import annotations

from collections import Counter

import pytest

__all__ = ["VERDICT", "pytest_terminal_summary"]

VERDICT = "verdict"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many have passed, were refused as unsupported, and are wrong, if any have run."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    calls = [report for report in reports if getattr(report, "when", None) == "call"]
    counts = Counter(v for report in calls for name, v in report.user_properties if name == VERDICT)
    if counts:
        said = ", ".join(f"{counts[v]} {v}" for v in ("passed", "unsupported", "random", "wrong"))
        terminalreporter.write_line(f"ONNX suite: {said}, of {counts.total()}")
