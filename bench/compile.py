"""python -m bench compile: the time to compile in the tab, by phase, and what comes out.

Each model is compiled twice by a Python that has just started (whose own start does not count): the
first time includes what the compiler imports, and what the browser compiles of Python itself.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from wasmkiln.compiler import Compiled, compile_model
from wasmkiln.program.memory import ideal_peak

from bench.models import find_tasks
from bench.serve import open_site, publish, serving
from bench.task import Task, options
from tests.browser import chromium_launch_options

__all__ = ["Sizes", "line", "main", "sizes_of"]

PAGE = 65536
MIB = 2**20
LATER = 3  # compilations after the first, of which the median counts
COMPILE = """async ([url, options, times]) => {
    const { boot, compile } = await import('./compiler.js');
    await boot();
    const rows = [];
    for (let i = 0; i < times; i++) {
        const model = await (await fetch(url)).arrayBuffer();
        const start = performance.now();
        const { timings } = await compile(model, options, {}, []);
        rows.push({ ms: performance.now() - start, timings });
    }
    return rows;
}"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes: of the code, and of the model's memory by what it holds.

    ideal: the most that is alive at once of activations.
    """

    code: int
    code_gzip: int
    memory: int
    weights: int
    arena: int
    ideal: int

    @property
    def ratio(self) -> float:
        """Memory beyond the weights, over the ideal."""
        return (self.memory - self.weights) / self.ideal if self.ideal else 0.0


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns the exit status."""
    arguments = _parser().parse_args(argv)
    site, tasks = publish(open_site(with_peers=False), find_tasks(arguments.models))
    report = []
    print("\n".join(HEAD))
    with sync_playwright() as playwright, serving(site) as url:
        browser = playwright.chromium.launch(**chromium_launch_options(playwright))
        for task in tasks:
            sizes = sizes_of(compile_model(str(task.path), options(task, arguments.threads)))
            rows = _measure(browser, url, task, arguments.threads)
            print(line(task.name, rows, sizes), flush=True)
            report.append({"model": task.name, "compilations": rows, **asdict(sizes)})
        browser.close()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n")
    return 0


def sizes_of(compiled: Compiled) -> Sizes:
    """What a compiled model takes."""
    artifact = compiled.artifact
    return Sizes(
        len(artifact.code),
        len(gzip.compress(artifact.code, 9, mtime=0)),
        artifact.pages * PAGE,
        artifact.weight_bytes,
        artifact.arena_bytes,
        ideal_peak(compiled.program),
    )


HEAD = (
    "| model | first ms | parse, passes, lower, emit | later ms | parse, passes, lower, emit "
    "| code kB | gzip | memory MiB | weights | activations | ideal | beyond weights / ideal |",
    "|---|--:|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
)


def line(name: str, rows: Sequence[Mapping[str, Any]], sizes: Sizes) -> str:
    """A model's row of the table."""
    first, *later = rows
    again = median(row["ms"] for row in later)
    middle = min(later, key=lambda row: abs(row["ms"] - again))
    memory = " | ".join(
        f"{n / MIB:.1f}" for n in (sizes.memory, sizes.weights, sizes.arena, sizes.ideal)
    )
    return (
        f"| {name} | {first['ms']:.0f} | {_phases(first)} | {again:.0f} | {_phases(middle)} "
        f"| {sizes.code / 1e3:.1f} | {sizes.code_gzip / 1e3:.1f} | {memory} | {sizes.ratio:.2f} |"
    )


def _phases(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{1e3 * seconds:.0f}" for seconds in row["timings"].values())


def _measure(browser: Browser, url: str, task: Task, threads: int) -> list[dict[str, Any]]:
    """The compilations by a Python of the task's own."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{url}models/manifest.json")
        page.evaluate("history.replaceState(null, '', '/')")
        shapes = {i.name: list(i.shape) for i in task.inputs}
        chosen = {"simd": "relaxed", "threads": threads, "dims": {}, "shapes": shapes}
        rows: list[dict[str, Any]] = page.evaluate(
            COMPILE, [f"{url}bench/{task.url}", chosen, 1 + LATER]
        )
        return rows
    finally:
        context.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench compile", description=__doc__)
    parser.add_argument(
        "--models", type=lambda t: t.split(","), default=[], metavar="A,B", help="by default all"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    return parser
