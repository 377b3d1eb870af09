"""The compact table."""

from __future__ import annotations

from dataclasses import asdict

from bench.report import Row, with_ratios
from bench.summary import summary


def test_one_line_a_model_with_ratios_in_brackets() -> None:
    one = [Row("a", "wasmkiln", 1, median_ms=16.04), Row("a", "tfjs", 1, median_ms=64)]
    two = [Row("a", "wasmkiln", 2, median_ms=8.0), Row("a", "tfjs", 2, error="failed: x")]
    unsupported = [Row("b", "wasmkiln", 1, error="unsupported: x")]
    rows = [*with_ratios(one), *with_ratios(two), *unsupported, Row("b", "tfjs", 1, median_ms=250)]
    assert summary([asdict(r) for r in rows]).splitlines() == [
        "| model | wasmkiln, 1 thread | wasmkiln, 2 threads | tfjs, 1 thread | tfjs, 2 threads |",
        "|---|--:|--:|--:|--:|",
        "| a | 16.0 | 8.00 | 64.0 (0.25) | none |",
        "| b | unsupported |  | 250 |  |",
    ]
