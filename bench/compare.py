"""python -m bench: wasmkiln beside its peers, in one Chromium, in one run.

Prints a Markdown table; --json writes all figures, --markdown the table, --chart a picture. Times
on a shared machine vary; the ratios within a run are what counts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.machine import machine_facts
from bench.measure import Effort, measure
from bench.models import MODELS, find_tasks
from bench.report import Row, markdown
from bench.serve import open_site, publish, publish_tfjs, serving
from bench.subjects import RUNTIMES
from bench.task import count_macs
from tests.browser import chromium_launch_options

__all__ = ["main"]

FULL = Effort(rounds=12, turn_ms=250, warm_ms=1500)
QUICK = Effort(rounds=4, turn_ms=80, warm_ms=300, most_runs=8)


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns the exit status."""
    arguments = _parser().parse_args(argv)
    effort = QUICK if arguments.quick else FULL
    if arguments.rounds:
        effort = replace(effort, rounds=arguments.rounds)
    names = [*arguments.files, *arguments.models]
    tasks = [replace(t, macs=count_macs(t)) for t in find_tasks(names, arguments.quick)]
    site, tasks = publish(open_site(), tasks)
    if "tfjs" in arguments.runtimes:
        for task in tasks:
            site = publish_tfjs(site, task)
    rows: list[Row] = []
    with sync_playwright() as playwright, serving(site) as url:
        browser = playwright.chromium.launch(**chromium_launch_options(playwright))
        peak = measure_peak(browser, url)
        facts = machine_facts(browser.version, peak)
        print(_heading(facts) + "\n" + markdown([]), end="", flush=True)
        for task in tasks:
            for threads in arguments.threads:
                made = measure(
                    browser, url, task, arguments.runtimes, threads, effort, peak["gflops"]
                )
                rows += made
                print(markdown(made, header=False), end="", flush=True)
                _write(arguments, facts, rows)
        browser.close()
    if arguments.chart:
        from bench.chart import draw

        draw(rows, facts, Path(arguments.chart))
    return 0


def measure_peak(browser: Browser, url: str) -> dict[str, Any]:
    """GFLOP/s of fused multiply-adds on registers only, on one thread."""
    page = browser.new_page()
    page.goto(f"{url}bench/micro.html")
    result: dict[str, Any] = page.evaluate("() => micro.measurePeak(40)")
    page.close()
    return result


def _write(arguments: argparse.Namespace, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """Written after each model, so that a run that is broken off leaves what it has."""
    if arguments.json:
        report = {"machine": facts, "rows": [asdict(row) for row in rows]}
        Path(arguments.json).write_text(json.dumps(report, indent=1, default=str) + "\n")
    if arguments.markdown:
        Path(arguments.markdown).write_text(f"{_heading(facts)}\n{markdown(rows)}")


def _heading(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items() if v)
    return (
        f"`{facts['command']}` on {facts['cpu']}, {facts['cores']} cores, {facts['system']}; "
        f"FMA peak {facts['peak_gflops']} GFLOP/s a thread. {versions}.\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, epilog="models: " + ", ".join(MODELS)
    )
    parser.add_argument("files", nargs="*", help="ONNX files, or names of models")
    parser.add_argument("--models", type=_words, default=[], help="names, comma-separated")
    parser.add_argument(
        "--runtimes", type=_words, default=list(RUNTIMES), help=f"of {', '.join(RUNTIMES)}"
    )
    parser.add_argument("--threads", type=lambda t: [int(n) for n in t.split(",")], default=[1, 2])
    parser.add_argument(
        "--quick", action="store_true", help="fewer models, fewer and shorter turns"
    )
    parser.add_argument("--rounds", type=int, help="turns of each runtime")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--markdown", metavar="FILE", help="write the table")
    parser.add_argument("--chart", metavar="FILE", help="draw a PNG (needs matplotlib)")
    return parser


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]
