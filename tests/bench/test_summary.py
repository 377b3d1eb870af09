"""The compact table."""

from __future__ import annotations

from dataclasses import asdict

from bench.report import Row, with_ratios
from bench.summary import summary


def test_a_line_for_each_number_of_threads_with_ratios_in_brackets() -> None:
    one = [Row("a", "wasmkiln", 1, median_ms=16.04), Row("a", "tfjs", 1, median_ms=64)]
    two = [Row("a", "wasmkiln", 2, median_ms=8.0), Row("a", "tfjs", 2, error="failed: x")]
    unsupported = [Row("b", "wasmkiln", 1, error="unsupported: x")]
    rows = [*with_ratios(one), *with_ratios(two), *unsupported, Row("b", "tfjs", 1, median_ms=250)]
    assert summary([asdict(r) for r in rows]).splitlines() == [
        "| model | threads | wasmkiln | tfjs |",
        "|---|--:|--:|--:|",
        "| a | 1 | **16.0** | 64.0 (0.25) |",
        "|  | 2 | **8.00** | none |",
        "| b | 1 | unsupported | 250 |",
    ]
