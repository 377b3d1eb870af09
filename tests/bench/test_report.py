"""Ratios and the table."""

from __future__ import annotations

from bench.chart import relative
from bench.report import Row, markdown, with_ratios

OURS = Row("net", "wasmkiln", 1, median_ms=10.0, min_ms=9.0, p95_ms=12.0, gflops=50, peak_share=0.5)
PEER = Row("net", "tfjs", 1, median_ms=40.0, min_ms=39.0, p95_ms=44.0, max_rel_diff=2e-6)
BROKEN = Row("net", "onnxruntime-web", 1, error="failed: no | kernel")


def test_ratios_are_our_median_over_the_others() -> None:
    assert [r.ratio for r in with_ratios([OURS, PEER, BROKEN])] == [1.0, 0.25, None]
    assert [r.ratio for r in with_ratios([PEER, BROKEN])] == [None, None]


def test_a_failure_is_a_row_of_as_many_cells() -> None:
    lines = markdown(with_ratios([OURS, PEER, BROKEN])).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[3] == "| net | tfjs | 1 | 40.00 | 39.00 | 44.00 |  |  | 0.25 |  |  | 2e-06 |"
    assert "| failed: no / kernel |" in lines[4]


def test_the_chart_shows_times_over_ours() -> None:
    rows = with_ratios([OURS, PEER, BROKEN])
    assert relative(rows, 1) == {"net": {"wasmkiln": 1.0, "tfjs": 4.0}}
    assert relative(rows, 2) == {}
