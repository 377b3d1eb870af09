"""Measure runtimes in turns, A B A B …, on one model, and summarise what they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from time import sleep
from typing import Any

import numpy as np
from playwright.sync_api import Browser

from bench.report import Row, with_ratios
from bench.stats import Sample, Summary, summarise
from bench.subjects import NATIVE, Subject, SubjectError, start_subject
from bench.task import Task

__all__ = ["Effort", "measure"]

UNSUPPORTED = ("UnsupportedOperatorError", "DataDependentError")
PAUSE_S = 0.05  # Threads of the last runtime go to sleep before the next one runs.


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure. rounds: turns of each runtime; turn_ms: the length of a turn.

    warm_ms: engines reach their best code in this time; most_runs: in a turn.
    """

    rounds: int
    turn_ms: float
    warm_ms: float
    most_runs: int = 20


def measure(
    browser: Browser,
    url: str,
    task: Task,
    runtimes: Sequence[str],
    threads: int,
    effort: Effort,
    peak: float,
) -> list[Row]:
    """A row for each runtime; one that can't run the model says why."""
    subjects: dict[str, Subject] = {}
    errors: dict[str, str] = {}
    samples: dict[str, list[Sample]] = {}
    outputs: dict[str, Any] = {}
    try:
        for name in runtimes:
            try:
                subjects[name] = start_subject(browser, url, name, task, threads)
                outputs[name] = subjects[name].output()
            except SubjectError as error:
                errors[name] = str(error)
        working = {n: s for n, s in subjects.items() if n not in errors}
        samples = _take_turns(working, effort, errors)
    finally:
        for subject in subjects.values():
            subject.close()
    reference = next((outputs[n] for n in (NATIVE, *runtimes) if n in outputs), None)
    rows = []
    for name in runtimes:
        row = Row(task.name, name, threads, task.source, task.macs)
        if name in errors:
            rows.append(_failed(row, errors[name]))
        else:
            created = subjects[name].created
            summary = summarise(samples[name])
            rows.append(_row(row, summary, created, outputs[name], reference, peak))
    return with_ratios(rows)


def _take_turns(
    subjects: Mapping[str, Subject], effort: Effort, errors: dict[str, str]
) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {name: [] for name in subjects}
    runs: dict[str, int] = {}
    for turn in range(effort.rounds + 1):
        for name, subject in subjects.items():
            if name in errors:
                continue
            try:
                if turn == 0:
                    runs[name] = _warm_up(subject, effort)
                else:
                    samples[name] += subject.burst(runs[name])
            except SubjectError as error:
                errors[name] = str(error)
            sleep(PAUSE_S)
    return samples


def _warm_up(subject: Subject, effort: Effort) -> int:
    """Run for a while; gives how many runs make a turn."""
    spent: float = subject.created["firstRunMs"]
    last = spent
    for _ in range(8):
        if spent >= effort.warm_ms:
            break
        times = [s.ms for s in subject.burst(3)]
        last = min(times)
        spent += sum(times)
    return max(1, min(effort.most_runs, ceil(effort.turn_ms / max(last, 1e-3))))


def _failed(row: Row, error: str) -> Row:
    unsupported = row.runtime == "wasmkiln" and error.startswith(UNSUPPORTED)
    text = f"unsupported: {error}" if unsupported else f"failed: {error}"
    return Row(row.model, row.runtime, row.threads, row.source, row.macs, error=text)


def _row(
    row: Row, s: Summary, created: Mapping[str, Any], output: Any, reference: Any, peak: float
) -> Row:
    details = {k: v for k, v in created.items() if k not in ("createMs", "firstRunMs")}
    same = not details.get("otherWeights") and output.shape == reference.shape
    difference = float(np.abs(output - reference).max()) if same else None
    scale = float(np.abs(reference).max()) or 1.0
    gflops = 2 * row.macs / s.median_ms / 1e6 if row.macs else None
    return Row(
        row.model, row.runtime, row.threads, row.source, row.macs,
        s.median_ms, s.min_ms, s.p95_ms, s.samples, s.share,
        gflops,
        gflops / (peak * row.threads) if gflops is not None else None,
        None, created["createMs"], created["firstRunMs"],
        difference, None if difference is None else difference / scale, None, details,
    )  # fmt: skip
