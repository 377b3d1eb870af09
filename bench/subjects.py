"""The runtimes that are measured: on a page of their own, or native onnxruntime in here."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Protocol

import numpy as np
from playwright.sync_api import Browser, Error, Page

from bench.stats import Sample
from bench.task import Task

__all__ = ["NATIVE", "RUNTIMES", "Subject", "SubjectError", "start_subject"]

NATIVE = "onnxruntime-native"
# Those that run unless others are asked for; "wasmkiln-baseline" is one more.
RUNTIMES = ("wasmkiln", "onnxruntime-web", "tfjs", NATIVE)
Array = np.ndarray[Any, Any]


class SubjectError(Exception):
    """A runtime can't run a model; the message is the first line of what it says."""


class Subject(Protocol):
    """A runtime with a model loaded. created: createMs, firstRunMs, and details of its own."""

    created: dict[str, Any]

    def burst(self, runs: int) -> list[Sample]:
        """Some runs in a row, after one that is not measured."""

    def output(self) -> Array:
        """The first output of another run, flat."""

    def close(self) -> None:
        """Give up all that it holds."""


def start_subject(browser: Browser, url: str, runtime: str, task: Task, threads: int) -> Subject:
    """Load a model into a runtime. Raises SubjectError."""
    if runtime == NATIVE:
        return _Native(task, threads)
    return _Tab(browser, url, runtime, task, threads)


class _Tab:
    """A runtime on a page of its own, in a profile of its own."""

    def __init__(self, browser: Browser, url: str, runtime: str, task: Task, threads: int) -> None:
        self._page: Page = browser.new_context().new_page()
        self._page.goto(f"{url}bench/bench.html?runtime={runtime}")
        inputs = [
            {"name": i.name, "dtype": i.dtype, "shape": list(i.shape), "url": f"{stem}.{n}.bin"}
            for stem in (task.url.removesuffix(".onnx"),)
            for n, i in enumerate(task.inputs)
        ]
        argument = {"model": task.url, "threads": threads, "inputs": inputs}
        try:
            self.created: dict[str, Any] = self._evaluate("t => bench.create(t)", argument)
        except SubjectError:
            self.close()
            raise

    def burst(self, runs: int) -> list[Sample]:
        """Runs on the page, timed there."""
        return [Sample(s["ms"], s["spin"]) for s in self._evaluate("n => bench.burst(n)", runs)]

    def output(self) -> Array:
        """All numbers of the first output."""
        return np.array(self._evaluate("() => bench.output()", None), np.float64)

    def close(self) -> None:
        """Close the page, and with it the profile."""
        self._page.context.close()

    def _evaluate(self, script: str, argument: Any) -> Any:
        try:
            return self._page.evaluate(script, argument)
        except Error as error:
            raise SubjectError(_first_line(error.message.removeprefix("Page.evaluate: "))) from None


class _Native:
    """Native onnxruntime in this process: a yardstick, not a peer."""

    def __init__(self, task: Task, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        start = perf_counter()
        try:
            self._session = onnxruntime.InferenceSession(
                task.path, options, providers=["CPUExecutionProvider"]
            )
            created = perf_counter()
            self._feeds = task.feeds()
            self.output()
        except Exception as error:  # Its exceptions have no common base.
            raise SubjectError(_first_line(str(error))) from None
        self.created = {
            "createMs": 1e3 * (created - start),
            "firstRunMs": 1e3 * (perf_counter() - created),
        }

    def burst(self, runs: int) -> list[Sample]:
        """Runs in this process."""
        self._session.run(None, self._feeds)
        taken = []
        for _ in range(runs):
            before = _spin()
            start = perf_counter()
            self._session.run(None, self._feeds)
            ms = 1e3 * (perf_counter() - start)
            taken.append(Sample(ms, max(before, _spin())))
        return taken

    def output(self) -> Array:
        """All numbers of the first output."""
        out: Array = np.asarray(self._session.run(None, self._feeds)[0]).reshape(-1)
        return out.astype(np.float64)

    def close(self) -> None:
        """End the session's threads."""
        del self._session


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "no message"
    return line.removeprefix("Error: ")[:300]


def _spin() -> float:
    start = perf_counter()
    x = 1
    for _ in range(10_000):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
    return 1e3 * (perf_counter() - start)
