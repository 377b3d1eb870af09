"""python -m bench: wasmkiln beside its peers, in one Chromium, in one run.

Prints a Markdown table and, with --json, writes all figures. Times on a shared machine vary; the
ratios within a run are what counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import onnx
from playwright.sync_api import sync_playwright
from tests.browser import chromium_launch_options
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site, prepare

from bench import peers
from bench.measure import NATIVE, Row, Task, measure

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
RUNTIMES = ("wasmkiln", "onnxruntime-web", NATIVE)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    arguments = _parser().parse_args(argv)
    site = prepare(ROOT, CACHE, Progress(sys.stderr))
    default = next(p for u, p in site.files.items() if u.endswith(".onnx"))
    tasks = [_task(i, Path(p)) for i, p in enumerate(arguments.models or [default])]
    rows: list[Row] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_launch_options(playwright))
        with _serve(_with_bench(site, tasks)) as url:
            for task in tasks:
                for threads in arguments.threads:
                    rows += measure(
                        browser, url, task, arguments.runtimes, threads, arguments.rounds
                    )
                    print(table(rows[-len(arguments.runtimes) :]), flush=True)
        version = browser.version
        browser.close()
    machine = {"cpu": _cpu(), "chromium": version, "python": platform.python_version()}
    if arguments.json:
        report = {"machine": machine, "rows": [asdict(row) for row in rows]}
        Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n")
    return 0


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table; ratios are wasmkiln's time over the runtime's."""
    ours = next((r.median_ms for r in rows if r.runtime == "wasmkiln"), None)
    lines = [
        "| model | runtime | threads | median ms | min | p95 | create | first run | ours / it "
        "| max diff |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        ratio = f"{ours / r.median_ms:.2f}" if ours else ""
        lines.append(
            f"| {r.model} | {r.runtime} | {r.threads} | {r.median_ms:.2f} | {r.min_ms:.2f} "
            f"| {r.p95_ms:.2f} | {r.create_ms:.0f} | {r.first_run_ms:.0f} | {ratio} "
            f"| {r.max_abs_diff:.1e} |"
        )
    return "\n".join(lines) + "\n"


class _serve:
    def __init__(self, site: Site) -> None:
        self._server = SiteServer(site, "127.0.0.1", 0)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self._server.url

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _with_bench(site: Site, tasks: Sequence[Task]) -> Site:
    pages = {f"/bench/{p.name}": p for p in (ROOT / "bench" / "page").iterdir()}
    models = {"/bench/" + task.url: Path(task.path) for task in tasks}
    packages = peers.files(peers.install(CACHE / "bench"))
    return Site(site.static, {**site.files, **pages, **models, **packages})


def _task(index: int, path: Path) -> Task:
    """The model's only input, with 1 for each symbolic dimension."""
    model = onnx.load(path, load_external_data=False)
    known = {i.name for i in model.graph.initializer}
    (given,) = [i for i in model.graph.input if i.name not in known]
    shape = tuple(d.dim_value or 1 for d in given.type.tensor_type.shape.dim)
    return Task(path.stem, str(path), f"model{index}.onnx", given.name, shape)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("models", nargs="*", help="ONNX files (the default model if none is given)")
    parser.add_argument(
        "--runtimes",
        type=lambda text: text.split(","),
        default=list(RUNTIMES),
        help=f"comma-separated, of {', '.join(RUNTIMES)}",
    )
    parser.add_argument(
        "--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2]
    )
    parser.add_argument("--rounds", type=int, default=12, help="turns of five runs each")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
