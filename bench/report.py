"""Rows of the report, as Markdown tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Row", "markdown", "with_ratios"]

OURS = "wasmkiln"


@dataclass(frozen=True, slots=True)
class Row:
    """One runtime on one model with one number of threads; times in milliseconds.

    share: of the samples, how many were undisturbed. peak_share: of the measured peak of as many
    threads. ratio: wasmkiln's median over this one. error: why there are no figures.
    max_rel_diff: the greatest difference from the reference, over its greatest magnitude.
    """

    model: str
    runtime: str
    threads: int
    source: str = ""
    macs: int = 0
    median_ms: float | None = None
    min_ms: float | None = None
    p95_ms: float | None = None
    samples: int = 0
    share: float | None = None
    gflops: float | None = None
    peak_share: float | None = None
    ratio: float | None = None
    create_ms: float | None = None
    first_run_ms: float | None = None
    max_abs_diff: float | None = None
    max_rel_diff: float | None = None
    error: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def with_ratios(rows: Sequence[Row]) -> list[Row]:
    """The rows of one model and number of threads, each with wasmkiln's median over its own."""
    ours = next((r.median_ms for r in rows if r.runtime == OURS), None)
    if ours is None:
        return list(rows)
    return [replace(r, ratio=ours / r.median_ms) if r.median_ms else r for r in rows]


def markdown(rows: Sequence[Row], header: bool = True) -> str:
    """Rows as a table."""
    lines = []
    if header:
        lines += [
            "| model | runtime | threads | median ms | min | p95 | GFLOP/s | of peak "
            "| wasmkiln / it | create ms | first run | difference |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        ]
    lines += [_line(r) for r in rows]
    return "\n".join(lines) + "\n"


def _line(r: Row) -> str:
    start = f"| {r.model} | {r.runtime} | {r.threads} "
    if r.error is not None:
        return start + f"| {r.error.replace('|', '/')} " + "| " * 8 + "|"
    peak = None if r.peak_share is None else 100 * r.peak_share
    cells = [
        _number(r.median_ms, 2), _number(r.min_ms, 2), _number(r.p95_ms, 2),
        _number(r.gflops, 1), _number(peak, 0, " %"), _number(r.ratio, 2),
        _number(r.create_ms, 0), _number(r.first_run_ms, 1),
        "" if r.max_rel_diff is None else f"{r.max_rel_diff:.0e}",
    ]  # fmt: skip
    return start + "| " + " | ".join(cells) + " |"


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "" if value is None else f"{value:.{digits}f}{unit}"
