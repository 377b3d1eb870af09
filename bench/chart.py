"""The comparison as a picture: how many times wasmkiln's time each runtime takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report import OURS, Row

__all__ = ["draw", "relative"]

COLOURS = {
    OURS: "#1b7f5c",
    "onnxruntime-web": "#3c6fb0",
    "tfjs": "#d98032",
    "onnxruntime-native": "#9a9a9a",
}
LONGEST = 8.0  # Longer bars are cut there; the number beside them is not.


def relative(rows: Sequence[Row], threads: int) -> dict[str, dict[str, float]]:
    """For each model that wasmkiln runs, each runtime's median over wasmkiln's."""
    made: dict[str, dict[str, float]] = {}
    for r in rows:
        if r.threads == threads and r.ratio:
            made.setdefault(r.model, {})[r.runtime] = 1 / r.ratio
    return made


def draw(rows: Sequence[Row], facts: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: a panel for each number of threads, a group of bars for each model."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = sorted({r.threads for r in rows})
    panels = [relative(rows, n) for n in counts]
    models = [m for m in dict.fromkeys(r.model for r in rows) if any(m in p for p in panels)]
    height = 1.2 + 0.62 * max(len(models), 1)
    figure, axes = pyplot.subplots(
        1, len(counts), figsize=(6.5 * len(counts), height), sharey=True, squeeze=False
    )
    for axis, threads, panel in zip(axes[0], counts, panels, strict=True):
        _panel(axis, models, panel)
        axis.set_title(f"{threads} thread{'s' if threads > 1 else ''}")
        axis.set_xlabel("median time over wasmkiln's: more is slower")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=len(labels), frameon=False)
    note = f"{facts['cpu']}, Chromium {facts['versions']['chromium']}"
    figure.text(0.99, 0.005, note, ha="right", va="bottom", fontsize=7)
    figure.tight_layout(rect=(0, 0.02, 1, 0.95))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _panel(axis: Any, models: Sequence[str], panel: Mapping[str, Mapping[str, float]]) -> None:
    thickness = 0.8 / len(COLOURS)
    for i, (runtime, colour) in enumerate(COLOURS.items()):
        have = [(k, panel[m][runtime]) for k, m in enumerate(models) if runtime in panel.get(m, {})]
        if not have:
            continue
        places = [k + (i - 1.5) * thickness for k, _ in have]
        lengths = [min(value, LONGEST) for _, value in have]
        axis.barh(places, lengths, thickness, color=colour, label=runtime)
        for place, length, (_, value) in zip(places, lengths, have, strict=True):
            axis.text(length, place, f" {value:.1f}", va="center", fontsize=6)
    axis.axvline(1.0, color=COLOURS[OURS], linewidth=0.8)
    axis.set_yticks(range(len(models)), models)
    axis.set_ylim(len(models) - 0.4, -0.6)
    axis.set_xlim(0, LONGEST + 0.5)
