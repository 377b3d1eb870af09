"""Steps of a program as operations, and the peak's module."""

from __future__ import annotations

from pathlib import Path

import onnx
import wasmtime
from wasmkiln.artifact import Artifact

from bench.micro import Operation, compile_steps, rows, table
from bench.models import small
from bench.peak import peak_module
from bench.task import Task, read_inputs


def _compiled(tmp_path: Path, option: str = "fuse=true") -> tuple[Task, Artifact, list[Operation]]:
    path = tmp_path / "autoencoder.onnx"
    onnx.save(small.autoencoder(), path)
    task = Task("autoencoder", path, read_inputs(path))
    artifact, found = compile_steps(task, "relaxed", [option])
    return task, artifact, found


def test_each_step_belongs_to_one_operation(tmp_path: Path) -> None:
    _, artifact, found = _compiled(tmp_path)
    assert sorted(k for o in found for k in o.steps) == list(range(artifact.main.steps))
    assert sum(o.macs for o in found) == 32 * (2 * 784 * 512 + 2 * 512 * 256 + 2 * 256 * 64)


def test_rows_are_distinct_operations_and_shares_are_of_the_run(tmp_path: Path) -> None:
    task, artifact, found = _compiled(tmp_path)
    sweep = [1.0] * artifact.main.steps
    times = {"steps": [sweep, sweep], "spins": [1, 1], "whole": [1, 1], "peak": {"gflops": 50}}
    made = rows(task, found, times)
    assert abs(sum(r.share for r in made) - 1) < 1e-9
    assert sum(r.count for r in made) == len(found)
    first = max(made, key=lambda r: r.macs)
    assert first.gflops == 2 * first.macs / (first.ms * 1e6)
    assert len({line.count("|") for line in table(made).splitlines()}) == 1


def test_switches_reach_the_compiler(tmp_path: Path) -> None:
    steps = [_compiled(tmp_path, f"fuse={v}")[1].main.steps for v in ("true", "false")]
    assert steps[0] < steps[1]


def test_the_peak_module_is_valid() -> None:
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    wasmtime.Module.validate(wasmtime.Engine(config), peak_module())
