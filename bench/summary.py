"""python -m bench summary: a compact table out of figures that were written before.

Medians in milliseconds, and wasmkiln's over each other's in brackets.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report import OURS

__all__ = ["main", "summary"]


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows, as they are in the JSON, as Markdown."""
    runtimes = list(dict.fromkeys(r["runtime"] for r in rows))
    lines = [f"| model | threads | {' | '.join(runtimes)} |"]
    lines.append("|---|" + "--:|" * (1 + len(runtimes)))
    found = {(r["model"], r["threads"], r["runtime"]): r for r in rows}
    shown = ""
    for model, threads in dict.fromkeys((r["model"], r["threads"]) for r in rows):
        cells = [_cell(found.get((model, threads, runtime))) for runtime in runtimes]
        name = "" if model == shown else model
        lines.append(f"| {name} | {threads} | {' | '.join(cells)} |")
        shown = model
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["median_ms"] is None:
        return "unsupported" if row["error"].startswith("unsupported") else "none"
    text = _short(row["median_ms"])
    if row["runtime"] == OURS:
        return f"**{text}**"
    return text if row["ratio"] is None else f"{text} ({row['ratio']:.2f})"


def _short(ms: float) -> str:
    """Three digits are all that a shared machine gives."""
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def main(argv: Sequence[str]) -> int:
    """Print the table, with what the figures were taken on; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench summary", description=__doc__)
    parser.add_argument("file", help="what --json has written")
    report = json.loads(Path(parser.parse_args(argv).file).read_text())
    facts = report["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items() if v)
    print(summary(report["rows"]))
    print(
        f"`{facts['command']}`: {facts['cpu']}, {facts['cores']} cores; FMA peak of one thread "
        f"{facts['peak_gflops']} GFLOP/s. {versions}."
    )
    return 0
