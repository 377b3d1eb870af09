"""Taking turns: who is measured, compared with whom, and what becomes of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from playwright.sync_api import Browser

from bench import measure as module
from bench.measure import Effort, measure
from bench.report import Row
from bench.stats import Sample
from bench.subjects import NATIVE, SubjectError
from bench.task import Task

EFFORT = Effort(rounds=3, turn_ms=20, warm_ms=0)
TASK = Task("net", Path("net.onnx"), (), "a test", macs=10_000_000)


class _Fake:
    """A runtime that takes `ms`, and may break after some bursts."""

    def __init__(self, ms: float, output: float, lasts: int = 100) -> None:
        self.created = {"createMs": 5.0, "firstRunMs": 2 * ms, "note": "kept"}
        self.ms, self.value, self.lasts = ms, output, lasts
        self.bursts: list[int] = []
        self.closed = False

    def burst(self, runs: int) -> list[Sample]:
        self.bursts.append(runs)
        if len(self.bursts) > self.lasts:
            raise SubjectError("Aborted(OOM)")
        return [Sample(self.ms, 1.0)] * runs

    def output(self) -> np.ndarray[Any, Any]:
        return np.array([1.0, self.value])

    def close(self) -> None:
        self.closed = True


def _measure(
    monkeypatch: pytest.MonkeyPatch, subjects: dict[str, _Fake | SubjectError]
) -> list[Row]:
    def start(_: object, __: str, name: str, *___: object) -> _Fake:
        found = subjects[name]
        if isinstance(found, SubjectError):
            raise found
        return found

    monkeypatch.setattr(module, "start_subject", start)
    monkeypatch.setattr(module, "PAUSE_S", 0)
    return measure(cast(Browser, None), "", TASK, list(subjects), 2, EFFORT, peak=50.0)


def test_each_runtime_gets_a_row_with_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, native = _Fake(1.0, 2.0), _Fake(4.0, 4.0)
    first, second = _measure(monkeypatch, {"wasmkiln": ours, NATIVE: native})
    assert (first.median_ms, first.gflops, first.peak_share) == (1.0, 20.0, 0.2)
    assert (first.ratio, second.ratio) == (1.0, 0.25)
    assert (first.max_abs_diff, first.max_rel_diff) == (2.0, 0.5)  # native is the reference
    assert first.details == {"note": "kept"}
    assert ours.bursts == [10] * 3 and native.bursts == [3] * 3  # of 20 ms, the first run took two
    assert ours.closed and native.closed


def test_one_that_breaks_while_warming_up_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.EFFORT", Effort(rounds=2, turn_ms=20, warm_ms=100))
    broken, fine = _measure(monkeypatch, {"wasmkiln": _Fake(1, 2, lasts=0), "tfjs": _Fake(1, 2)})
    assert (broken.error, fine.samples) == ("failed: Aborted(OOM)", 40)


def test_what_cannot_run_is_a_row_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = SubjectError("UnsupportedOperatorError: MatMulNBits is not supported")
    ours, web, native = _measure(
        monkeypatch,
        {"wasmkiln": refusal, "onnxruntime-web": _Fake(1.0, 2.0, lasts=1), NATIVE: _Fake(1.0, 2.0)},
    )
    assert ours.error == "unsupported: UnsupportedOperatorError: MatMulNBits is not supported"
    assert web.error == "failed: Aborted(OOM)" and web.median_ms is None
    assert native.error is None and native.ratio is None
