"""python -m bench start: from navigation to the first prediction, and what it costs.

For each runtime a fresh profile visits a page that loads a model and predicts once (cold), then
visits it again (warm: the HTTP cache is filled, and a compiled model kept). Medians of several
profiles. "page" is the visitors' page itself with the photo of a link, whose model is known by its
hash; its memory is not comparable, as it holds Python while it keeps itself for offline use.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright
from wasmkiln.compiler import compile_model
from wasmkiln.errors import WasmkilnError

from bench.compare import measure_peak
from bench.machine import machine_facts
from bench.models import find_tasks
from bench.serve import open_site, publish, publish_file
from bench.task import Task, options
from bench.traffic import Traffic, counting, renderer_bytes
from tests.browser import chromium_launch_options

__all__ = ["Visit", "main", "summarise_visits", "table"]

RUNTIMES = ("page", "wasmkiln", "onnxruntime-web", "blank")
PHOTO = "samples/cat.jpg"
SETTLE_MS = 1500  # Memory is looked at after collectors and compilers had their time.
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit; times in milliseconds since navigation, next_ms the median of later runs.

    transferred: bytes of bodies without the model's own, model_bytes.
    """

    runtime: str
    visit: str
    ready_ms: float
    first_ms: float
    next_ms: float
    transferred: int
    model_bytes: int
    renderer: int | None
    details: Mapping[str, Any] = field(default_factory=dict)


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns the exit status."""
    arguments = _parser().parse_args(argv)
    site, (task, *_) = publish(open_site(), find_tasks([arguments.model]))
    site = publish_file(site, "start.json", json.dumps(_argument(task, arguments.threads)).encode())
    visits: list[Visit] = []
    with sync_playwright() as playwright, counting(site, _rate(arguments)) as (url, traffic):
        for _ in range(arguments.runs):
            for runtime in arguments.runtimes:
                visits += _profile(playwright, url, runtime, traffic)
        browser = playwright.chromium.launch(**chromium_launch_options(playwright))
        facts = machine_facts(browser.version, measure_peak(browser, url))
        browser.close()
    rows = summarise_visits(visits)
    emitted = _emitted(task, arguments.threads)
    print(
        f"{task.name}, {arguments.threads} threads, medians of {arguments.runs}"
        f"{f', {arguments.mbit:g} Mbit/s' if arguments.mbit else ''}\n\n{table(rows)}"
    )
    print("\n".join(_facts(rows, emitted)))
    if arguments.json:
        report = {
            "machine": facts,
            "model": task.name,
            "emitted": emitted,
            "rows": [asdict(row) for row in rows],
            "visits": [asdict(visit) for visit in visits],
        }
        Path(arguments.json).write_text(json.dumps(report, indent=1, default=str) + "\n")
    return 0


def _rate(arguments: argparse.Namespace) -> float | None:
    """Bytes a second that the server sends."""
    return arguments.mbit * 1e6 / 8 if arguments.mbit else None


def _argument(task: Task, threads: int) -> dict[str, Any]:
    stem = task.url.removesuffix(".onnx")
    inputs = [
        {"name": i.name, "dtype": i.dtype, "shape": list(i.shape), "url": f"{stem}.{n}.bin"}
        for n, i in enumerate(task.inputs)
    ]
    return {"model": task.url, "threads": threads, "inputs": inputs}


def _profile(playwright: Playwright, url: str, runtime: str, traffic: Traffic) -> list[Visit]:
    """A cold and a warm visit by a profile of their own."""
    launch = chromium_launch_options(playwright)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        context = playwright.chromium.launch_persistent_context(folder, **launch)
        try:
            made = [
                _visit(context, url, runtime, visit, traffic, Path(folder))
                for visit in ("cold", "warm")
            ]
        finally:
            context.close()
    return made


def _visit(
    context: BrowserContext, url: str, runtime: str, visit: str, traffic: Traffic, profile: Path
) -> Visit:
    page = context.new_page()
    traffic.take()
    if runtime == "page":
        started = _visit_page(page, url)
    else:
        page.goto(f"{url}bench/start.html?runtime={runtime}")
        started = page.evaluate("() => started")
    sent = traffic.take()
    if "error" in started:
        raise SystemExit(f"{runtime}: {started['error']}")
    page.wait_for_timeout(SETTLE_MS)
    renderer = renderer_bytes(profile)
    page.close()
    model = sum(n for path, n in sent.items() if path.endswith(".onnx"))
    return Visit(
        runtime, visit, started["readyMs"], started["firstMs"], started["nextMs"],
        sent.total() - model, model, renderer, _details(started["details"]),
    )  # fmt: skip


def _visit_page(page: Page, url: str) -> dict[str, Any]:
    """What the bench's own page would say, of the visitors' page."""
    page.goto(f"{url}?image={PHOTO}")
    page.wait_for_function(_PAGE_IS_THROUGH, timeout=180_000)
    times: dict[str, Any] = page.evaluate(_PAGE_TIMES)
    return times


_PAGE_IS_THROUGH = """() => performance.getEntriesByName('wasmkiln:first-prediction').length
    && localStorage.getItem('wasmkiln:expected')"""
_PAGE_TIMES = """() => ({
    readyMs: performance.getEntriesByName('wasmkiln:ready')[0].startTime,
    firstMs: performance.getEntriesByName('wasmkiln:first-prediction')[0].duration,
    nextMs: 0,
    details: {},
})"""


def _details(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a runtime says of its start."""
    return {**given.get("stats", {}), **({"boot": given["boot"]} if "boot" in given else {})}


def summarise_visits(visits: Sequence[Visit]) -> list[Visit]:
    """The medians by runtime and visit; details are those of the visit that took the median."""
    groups: dict[tuple[str, str], list[Visit]] = {}
    for v in visits:
        groups.setdefault((v.runtime, v.visit), []).append(v)
    made = []
    for (runtime, visit), same in groups.items():
        middle = sorted(same, key=lambda v: v.ready_ms)[(len(same) - 1) // 2]
        memory = [v.renderer for v in same if v.renderer]
        made.append(
            Visit(
                runtime, visit,
                median(v.ready_ms for v in same),
                median(v.first_ms for v in same),
                median(v.next_ms for v in same),
                round(median(v.transferred for v in same)),
                round(median(v.model_bytes for v in same)),
                round(median(memory)) if memory else None,
                middle.details,
            )
        )  # fmt: skip
    return made


def table(rows: Sequence[Visit]) -> str:
    """Rows as Markdown."""
    lines = [
        "| runtime | visit | ready ms | first prediction | later runs | MB without model "
        "| MB of model | renderer MiB |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        memory = f"{r.renderer / MIB:.0f}" if r.renderer else ""
        lines.append(
            f"| {r.runtime} | {r.visit} | {r.ready_ms:.0f} | {r.first_ms:.0f} | {r.next_ms:.1f} "
            f"| {r.transferred / 1e6:.2f} | {r.model_bytes / 1e6:.2f} | {memory} |"
        )
    return "\n".join(lines) + "\n"


def _emitted(task: Task, threads: int) -> dict[str, int]:
    """Sizes of the module, which is the same natively and in Pyodide."""
    try:
        artifact = compile_model(str(task.path), options(task, threads)).artifact
    except WasmkilnError:
        return {}
    code = artifact.code
    packed = len(gzip.compress(code, 9, mtime=0))
    return {
        "code_bytes": len(code),
        "code_gzip_bytes": packed,
        "memory_bytes": artifact.pages * 65536,
        "weight_bytes": artifact.weight_bytes,
        "arena_bytes": artifact.arena_bytes,
    }


def _facts(rows: Sequence[Visit], emitted: Mapping[str, int]) -> list[str]:
    """What wasmkiln says of its own compiling."""
    lines = []
    if emitted:
        lines.append(
            f"emitted code {emitted['code_bytes'] / 1e3:.1f} kB, "
            f"{emitted['code_gzip_bytes'] / 1e3:.1f} kB gzip; memory "
            f"{emitted['memory_bytes'] / MIB:.1f} MiB, of it weights "
            f"{emitted['weight_bytes'] / MIB:.1f}, activations {emitted['arena_bytes'] / MIB:.1f}"
        )
    for r in rows:
        if r.details.get("phases"):
            phases = ", ".join(f"{k} {1e3 * v:.0f}" for k, v in r.details["phases"].items())
            steps = r.details.get("boot", {}).items()
            boot = ", ".join(f"{k} {1e3 * v:.0f}" for k, v in steps)
            lines.append(
                f"{r.visit}: worker's start {boot}; "
                f"compile {r.details['compileMs']:.0f} ms ({phases}), "
                f"load {r.details['loadMs']:.0f}, warm-up {r.details['warmMs']:.0f}"
            )
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench start", description=__doc__)
    parser.add_argument("model", nargs="?", default="efficientnet-lite0", help="a name or a file")
    parser.add_argument("--runs", type=int, default=5, help="profiles for each runtime (5)")
    parser.add_argument("--threads", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument(
        "--runtimes", type=lambda t: t.split(","), default=list(RUNTIMES), metavar="A,B"
    )
    parser.add_argument("--mbit", type=float, help="the line, in Mbit/s; by default unlimited")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    return parser
