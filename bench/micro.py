"""python -m bench micro: the time of every step of a model's program, in Chromium on one thread.

A model is compiled here, without Pyodide, and its artifact runs in the page: first whole, then step
by step in the same order, so that each kernel meets the caches and values of a real run. A row is
one operation of the compiled graph, which may be several kernel calls; equal ones are one row. At
the end come the families of kernels over all models, and the rows that lose most time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from wasmkiln.artifact import Artifact
from wasmkiln.backends.wasm.emit import emit
from wasmkiln.errors import WasmkilnError
from wasmkiln.ir.graph import Graph, Node
from wasmkiln.onnx.load import load
from wasmkiln.passes import partition, run_passes
from wasmkiln.program.lowering import lower
from wasmkiln.program.program import Call, Program
from wasmkiln.record import replace

from bench.families import family_table, slow_table
from bench.machine import machine_facts
from bench.models import find_tasks
from bench.serve import open_site, publish, publish_file, serving
from bench.stats import fast_mean, undisturbed
from bench.task import Task, options
from tests.browser import chromium_launch_options

__all__ = ["MicroRow", "Operation", "main", "operations", "table"]

LEAST_MS = 1e-6  # in place of 0, which a coarse clock may give


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the compiled graph: its kernels, shapes, and the steps that carry it out."""

    op: str
    kernels: tuple[str, ...]
    shapes: str
    macs: int
    steps: tuple[int, ...]
    key: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class MicroRow:
    """One distinct operation. ms: of one; share: of the whole run, all `count` together."""

    model: str
    op: str
    kernels: tuple[str, ...]
    shapes: str
    count: int
    ms: float
    share: float
    macs: int
    gflops: float
    peak_share: float


def compile_steps(
    task: Task, simd: str, switches: Sequence[str] = ()
) -> tuple[Artifact, list[Operation]]:
    """The artifact of a task for one thread, and what its main steps are."""
    chosen = replace(options(task, 1, simd), **_switches(switches))
    g = run_passes(load(str(task.path)).graph, chosen)
    init, main = partition(g, chosen.hoist)
    # The number of a node in place of its origin tells afterwards which calls are whose.
    numbered = [replace(n, origin=(str(i),)) for i, n in enumerate(main)]
    program = lower(g, init, numbered, chosen.threads)
    return emit(program, chosen), operations(g, main, program)


def operations(g: Graph, main: Sequence[Node], program: Program) -> list[Operation]:
    """The nodes that became calls, in order; calls carry their node's number as origin."""
    by_node: dict[int, list[int]] = {}
    for step, call in enumerate(program.main):
        by_node.setdefault(int(call.origin[0]), []).append(step)
    return [_operation(g, main[i], program.main, steps) for i, steps in by_node.items()]


def _operation(g: Graph, node: Node, calls: Sequence[Call], steps: list[int]) -> Operation:
    types = tuple(g.types[i] if i else None for i in node.inputs)
    outs = tuple(g.types[o] for o in node.outputs if o)
    macs = node.op.cost(types, outs)
    shapes = " ".join(_shape(t.shape) for t in types[:2] if t is not None)
    text = f"{shapes} → {_shape(outs[0].shape)}"
    kernels = tuple(calls[k].kernel.name for k in steps)
    sizes = tuple(w if isinstance(w, int) else None for k in steps for w in calls[k].args)
    return Operation(type(node.op).__name__, kernels, text, macs, tuple(steps), (kernels, sizes))


def _shape(shape: Sequence[object]) -> str:
    return "x".join(str(d) for d in shape) or "1"


def _switches(switches: Sequence[str]) -> dict[str, Any]:
    """Options by `name=value`; true and false are what they say, digits are numbers."""
    words: dict[str, Any] = {"true": True, "false": False}
    pairs = [switch.split("=", 1) for switch in switches]
    return {n: words.get(v.lower(), int(v) if v.isdigit() else v) for n, v in pairs}


def measure(browser: Browser, url: str, task: Task, sweeps: int) -> dict[str, Any]:
    """Times of whole runs and of each step by sweep, and this page's peak."""
    page = browser.new_page()
    page.goto(f"{url}bench/micro.html")
    peak = page.evaluate("() => micro.measurePeak(20)")
    page.evaluate("name => micro.load(name)", task.name)
    page.evaluate("() => micro.warmUp(8)")
    page.wait_for_timeout(300)  # The optimising compiler works in the background.
    page.evaluate("() => micro.sweep(2)")
    result: dict[str, Any] = page.evaluate("n => micro.sweep(n)", sweeps)
    page.close()
    return {**result, "peak": peak}


def rows(task: Task, found: Sequence[Operation], times: dict[str, Any]) -> list[MicroRow]:
    """Distinct operations, those that take the most first."""
    sweeps = times["steps"]
    groups: dict[tuple[object, ...], list[Operation]] = {}
    for operation in found:
        groups.setdefault(operation.key, []).append(operation)
    taken = {o.steps: fast_mean([sum(s[k] for k in o.steps) for s in sweeps]) for o in found}
    total = max(sum(taken.values()), LEAST_MS)
    made = []
    for same in groups.values():
        ms, first = max(fmean(taken[o.steps] for o in same), LEAST_MS), same[0]
        gflops = 2 * first.macs / ms / 1e6
        made.append(
            MicroRow(
                task.name, first.op, first.kernels, first.shapes, len(same), ms,
                ms * len(same) / total, first.macs, gflops, gflops / times["peak"]["gflops"],
            )
        )  # fmt: skip
    return sorted(made, key=lambda r: -r.share)


def table(found: Sequence[MicroRow], top: int = 0) -> str:
    """The rows as Markdown; `top`: only so many."""
    lines = [
        "| share | ms each | count | GFLOP/s | of peak | operation | shapes | kernels |",
        "|--:|--:|--:|--:|--:|---|---|---|",
    ]
    for r in found[: top or None]:
        speed = f"{r.gflops:.1f} | {100 * r.peak_share:.0f} %" if r.macs else " | "
        lines.append(
            f"| {100 * r.share:.1f} % | {r.ms:.4f} | {r.count} | {speed} | {r.op} | {r.shapes} "
            f"| {' + '.join(dict.fromkeys(r.kernels))} |"
        )
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns the exit status."""
    arguments = _parser().parse_args(argv)
    site = open_site(with_peers=False)
    site, tasks = publish(site, find_tasks(arguments.models))
    compiled: list[tuple[Task, list[Operation]]] = []
    for task in tasks:
        try:
            artifact, found = compile_steps(task, arguments.simd, arguments.option)
        except WasmkilnError as error:
            print(f"{task.name}: unsupported: {str(error).splitlines()[0]}\n")
            continue
        site = publish_file(site, f"{task.name}.wasm", artifact.code)
        site = publish_file(site, f"{task.name}.data", artifact.data)
        site = publish_file(site, f"{task.name}.json", json.dumps(artifact.meta()).encode())
        compiled.append((task, found))
    everything: list[MicroRow] = []
    facts: dict[str, Any] = {}
    with sync_playwright() as playwright, serving(site) as url:
        browser = playwright.chromium.launch(**chromium_launch_options(playwright))
        for task, found in compiled:
            times = measure(browser, url, task, arguments.sweeps)
            facts = machine_facts(browser.version, times["peak"])
            made = rows(task, found, times)
            everything += made
            _print(task, made, times, arguments.top)
        browser.close()
    if everything:
        print(f"Families:\n\n{family_table(everything)}\nSlow:\n\n{slow_table(everything)}")
    if arguments.json:
        report = {"machine": facts, "rows": [asdict(row) for row in everything]}
        Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _print(task: Task, made: Sequence[MicroRow], times: dict[str, Any], top: int) -> None:
    whole = [times["whole"][i] for i in undisturbed(times["spins"])]
    macs = sum(r.macs * r.count for r in made)
    speed = 2 * macs / median(whole) / 1e6
    print(
        f"{task.name}: {median(whole):.2f} ms a run (least {min(whole):.2f}, "
        f"{len(whole)} of {len(times['whole'])} samples undisturbed), {speed:.1f} GFLOP/s; "
        f"peak {times['peak']['gflops']:.1f}\n\n{table(made, top)}",
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench micro", description=__doc__)
    parser.add_argument("models", nargs="*", help="names of models, or ONNX files")
    parser.add_argument("--sweeps", type=int, default=30, help="runs of all steps (30)")
    parser.add_argument("--simd", choices=("relaxed", "baseline"), default="relaxed")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="a switch of CompileOptions, such as fuse=false",
    )  # fmt: skip
    parser.add_argument("--top", type=int, default=0, help="print only so many rows of a model")
    parser.add_argument("--json", metavar="FILE", help="write all rows")
    return parser
