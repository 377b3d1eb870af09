"""Drive runtimes on pages of one browser in turns, and summarise what they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, sleep
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

NATIVE = "onnxruntime (native)"
DISTURBED = 1.25  # a sample counts only if the spin beside it took at most this times the best spin
PAUSE_S = 0.05  # threads of the last runtime go to sleep before the next one runs


@dataclass(frozen=True, slots=True)
class Task:
    """A model and its one float32 input. url is relative to the bench page."""

    name: str
    path: str
    url: str
    input: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One runtime's figures on one model; milliseconds. share: of samples that were undisturbed."""

    model: str
    runtime: str
    threads: int
    median_ms: float
    min_ms: float
    p95_ms: float
    samples: int
    share: float
    create_ms: float
    first_run_ms: float
    max_abs_diff: float
    details: Mapping[str, Any]


def measure(
    browser: Browser, url: str, task: Task, runtimes: Sequence[str], threads: int, rounds: int
) -> list[Row]:
    """Measure runtimes A B A B ... on one model; all must compute the same."""
    subjects: dict[str, Any] = {}
    for name in runtimes:
        subjects[name] = (
            _Native(task, threads) if name == NATIVE else _Tab(browser, url, name, task, threads)
        )
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in runtimes}
    for _ in range(rounds):
        for name, subject in subjects.items():
            samples[name] += subject.burst(5)
            sleep(PAUSE_S)
    outputs = {name: subject.output() for name, subject in subjects.items()}
    reference = outputs.get(NATIVE, next(iter(outputs.values())))
    rows = [
        _row(task.name, name, threads, samples[name], subjects[name].created,
             float(np.abs(outputs[name] - reference).max()))
        for name in runtimes
    ]  # fmt: skip
    for subject in subjects.values():
        subject.close()
    return rows


def _row(
    model: str,
    runtime: str,
    threads: int,
    samples: list[tuple[float, float]],
    created: dict[str, Any],
    difference: float,
) -> Row:
    best = min(spin for _, spin in samples)
    good = sorted(ms for ms, spin in samples if spin <= DISTURBED * best)
    details = {k: v for k, v in created.items() if k not in ("createMs", "firstRunMs")}
    return Row(
        model, runtime, threads, median(good), good[0], good[int(0.95 * (len(good) - 1))],
        len(good), len(good) / len(samples), created["createMs"], created["firstRunMs"],
        difference, details,
    )  # fmt: skip


class _Tab:
    """A runtime on a page of its own."""

    def __init__(self, browser: Browser, url: str, runtime: str, task: Task, threads: int) -> None:
        self._page: Page = browser.new_context().new_page()
        self._page.goto(f"{url}bench/bench.html?runtime={runtime}")
        self._page.wait_for_function("globalThis.bench !== undefined")
        argument = {
            "model": task.url,
            "threads": threads,
            "input": task.input,
            "shape": list(task.shape),
        }
        self.created: dict[str, Any] = self._page.evaluate("t => bench.create(t)", argument)

    def burst(self, runs: int) -> list[tuple[float, float]]:
        taken = self._page.evaluate("n => bench.burst(n)", runs)
        return [(s["ms"], s["spin"]) for s in taken]

    def output(self) -> np.ndarray[Any, Any]:
        return np.array(self._page.evaluate("() => bench.output()"), np.float32)

    def close(self) -> None:
        self._page.context.close()


class _Native:
    """Native onnxruntime in this process: a yardstick, not a peer."""

    def __init__(self, task: Task, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        start = perf_counter()
        self._session = onnxruntime.InferenceSession(
            task.path, options, providers=["CPUExecutionProvider"]
        )
        created = perf_counter()
        self._feeds = {task.input: values(int(np.prod(task.shape))).reshape(task.shape)}
        self.output()
        self.created = {
            "createMs": 1e3 * (created - start),
            "firstRunMs": 1e3 * (perf_counter() - created),
        }

    def burst(self, runs: int) -> list[tuple[float, float]]:
        self.output()
        taken = []
        for _ in range(runs):
            before = _spin()
            start = perf_counter()
            self.output()
            ms = 1e3 * (perf_counter() - start)
            taken.append((ms, max(before, _spin())))
        return taken

    def output(self) -> np.ndarray[Any, Any]:
        out: np.ndarray[Any, Any] = self._session.run(None, self._feeds)[0].reshape(-1)
        return out

    def close(self) -> None:
        del self._session


def values(count: int) -> np.ndarray[Any, Any]:
    """The same pseudo-random values as the page's `values`."""
    out = np.empty(count, np.float32)
    x = 12345
    for i in range(count):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = x / 2**31 - 1
    return out


def _spin() -> float:
    start = perf_counter()
    x = 1
    for _ in range(10_000):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
    return 1e3 * (perf_counter() - start)
