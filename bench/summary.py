"""python -m bench summary: a compact table out of figures that were written before.

One line a model: medians in milliseconds, and wasmkiln's over each other's in brackets.
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
    threads = sorted({r["threads"] for r in rows})
    runtimes = list(dict.fromkeys(r["runtime"] for r in rows))
    columns = [(runtime, n) for runtime in runtimes for n in threads]
    heads = [f"{runtime}, {n} thread{'s' if n > 1 else ''}" for runtime, n in columns]
    lines = [f"| model | {' | '.join(heads)} |", "|---|" + "--:|" * len(columns)]
    models = dict.fromkeys(r["model"] for r in rows)
    found = {(r["model"], r["runtime"], r["threads"]): r for r in rows}
    for model in models:
        cells = [_cell(found.get((model, *column))) for column in columns]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["median_ms"] is None:
        return "unsupported" if row["error"].startswith("unsupported") else "none"
    text = _short(row["median_ms"])
    shown = row["ratio"] is not None and row["runtime"] != OURS
    return f"{text} ({row['ratio']:.2f})" if shown else text


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
