"""python -m bench agreement FOLDER: stored cases of many models, beside native onnxruntime.

For each NAME.onnx with a NAME.npz: how far both runtimes are from the stored outputs, and how long
they take to load and to run, natively and on one thread. `--json FILE` writes the rows.

The archive holds `in:INPUT` and, for each output, `out:OUTPUT`, or `sample:OUTPUT` with every
`step:OUTPUT`-th element, or `outjson:OUTPUT`: maps as JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime
import wasmkiln

__all__ = ["Figures", "Result", "expected_of", "main"]

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """One runtime on one model; milliseconds, and the greatest differences from what is stored.

    relative: of the greatest magnitude in the same output.
    """

    load_ms: float = 0.0
    first_ms: float = 0.0
    run_ms: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A model, and both runtimes on it. hosted: nodes that ours runs in Python."""

    model: str
    ours: Figures
    theirs: Figures
    hosted: int = 0


def main(argv: list[str]) -> int:
    """Print the table; 1 if ours fails on a model."""
    parser = argparse.ArgumentParser(prog="python -m bench agreement", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--models", default="", help="names, separated by commas")
    args = parser.parse_args(argv)
    onnxruntime.set_default_logger_severity(4)
    chosen = set(filter(None, args.models.split(",")))
    files = [p for p in sorted(args.folder.glob("*.onnx")) if p.with_suffix(".npz").is_file()]
    results = []
    print("| model | load ms | first | run | onnxruntime: load | run | ours / its "
          "| difference | relative | onnxruntime's | on the host |")  # fmt: skip
    print("|---" * 11 + "|")
    for path in files:
        if not chosen or path.stem in chosen:
            results.append(measure(path))
            print(line(results[-1]), flush=True)
    if args.json:
        args.json.write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n")
    return 1 if any(r.ours.error for r in results) else 0


def measure(path: Path) -> Result:
    """Both runtimes on one model, taking turns."""
    case = np.load(path.with_suffix(".npz"))
    runs: dict[str, Callable[[], list[Any]]] = {}
    figures: dict[str, Figures] = {}
    hosted = 0
    for name, load in (("ours", _wasmkiln), ("theirs", _onnxruntime)):
        start = perf_counter()
        try:
            session = load(str(path))
            loaded = perf_counter()
            feeds = _feeds(session, case)
            runs[name] = lambda s=session, f=feeds: s.run(None, f)  # type: ignore[misc]
            begun = perf_counter()
            outputs = runs[name]()
            first = perf_counter() - begun
            names = [o.name for o in session.get_outputs()]
            absolute, relative = _differences(case, names, outputs)
        except Exception as error:  # both have many kinds
            figures[name] = Figures(error=f"{type(error).__name__}: {error}".splitlines()[0])
            runs.pop(name, None)
            continue
        times = (1000 * (loaded - start), 1000 * first)
        figures[name] = Figures(*times, 0.0, absolute, relative)
        if name == "ours":
            hosted = sum(row.how == "host" for row in session.report())
    for name, ms in _alternate(runs).items():
        f = figures[name]
        figures[name] = Figures(f.load_ms, f.first_ms, ms, f.absolute, f.relative)
    return Result(path.stem, figures["ours"], figures["theirs"], hosted)


def line(r: Result) -> str:
    """A row of the table."""
    ours, theirs = r.ours, r.theirs
    if ours.error:
        return f"| {r.model} | {ours.error} |" + " |" * 9
    load, run = (f"{theirs.load_ms:.0f}", f"{theirs.run_ms:.2f}") if theirs.run_ms else ("", "")
    ratio = f"{ours.run_ms / theirs.run_ms:.2f}" if theirs.run_ms else ""
    own = theirs.error[:40] or f"{theirs.relative:.0e}"
    return (
        f"| {r.model} | {ours.load_ms:.0f} | {ours.first_ms:.1f} | {ours.run_ms:.2f} | {load} "
        f"| {run} | {ratio} | {ours.absolute:.0e} | {ours.relative:.0e} | {own} "
        f"| {r.hosted or ''} |"
    )


def expected_of(case: Any, output: str, actual: Any) -> tuple[Any, Any]:
    """Numbers that must agree: those stored for an output, and the same ones of `actual`."""
    if f"outjson:{output}" in case.files:
        rows = json.loads(str(case[f"outjson:{output}"]))
        ours = [v for row in actual for v in row.values()]
        return np.array([v for row in rows for v in row.values()]), np.array(ours)
    if f"out:{output}" in case.files:
        return case[f"out:{output}"], actual
    step = int(case[f"step:{output}"])
    return case[f"sample:{output}"], actual.reshape(-1)[::step]


def _wasmkiln(path: str) -> Any:
    return wasmkiln.InferenceSession(path, wasmkiln.CompileOptions(threads=1))


def _onnxruntime(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _feeds(session: Any, case: Any) -> dict[str, Any]:
    kinds = {i.name: i.type for i in session.get_inputs()}
    stored = {name[3:]: case[name] for name in case.files if name.startswith("in:")}
    return {
        name: array.astype(np.float32) if kinds[name] == "tensor(float)" else array
        for name, array in stored.items()
    }


def _differences(case: Any, names: list[str], outputs: list[Any]) -> tuple[float, float]:
    absolute = relative = 0.0
    for name, actual in zip(names, outputs, strict=True):
        wanted, got = expected_of(case, name, actual)
        if wanted.shape != got.shape:
            raise ValueError(f"'{name}' is {got.shape}, not {wanted.shape}")
        most = np.abs(wanted.astype(float)).max(initial=0)
        far = float(np.abs(wanted.astype(float) - got.astype(float)).max(initial=0))
        absolute = max(absolute, far)
        relative = max(relative, far / most if most else far)
    return absolute, relative


def _alternate(runs: dict[str, Callable[[], list[Any]]]) -> dict[str, float]:
    """Median milliseconds, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = perf_counter()
            run()
            times[name].append(1000 * (perf_counter() - start))
    return {name: median(t) for name, t in times.items()}
