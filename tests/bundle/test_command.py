"""`wasmkiln compile`: the folder that it writes, and what it says when it can't."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import helper
from wasmkiln.cli import main

from tests.planned import symbolic_encoder
from tests.shared import ROOT
from tests.small import model, small_net

FILES = {
    "README.txt",
    "index.html",
    "manifest.json",
    "model-baseline.wasm",
    "model.d.ts",
    "model.js",
    "model.wasm",
    "plans.bin",
    "weights-0.bin",
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "net.onnx"
    path.write_bytes(small_net())
    return str(path)


def test_a_folder(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "out"
    assert main(["compile", file, "-o", str(out), "--batch", "1,8"]) == 0
    assert {path.name for path in out.iterdir()} == FILES
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["name"] == "net"
    assert manifest["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["N", 3, 9, 7]}]
    printed = capsys.readouterr().out
    digest = hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    assert f"integrity sha256-{digest}" in printed
    assert "net" in (out / "README.txt").read_text("utf-8")
    assert len((out / "index.html").read_text("utf-8").splitlines()) < 30
    for path in out.iterdir():
        assert b"{{" not in path.read_bytes() or path.suffix in (".wasm", ".bin", ".js")


def test_one_level_and_small(file: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["--simd", "baseline", "--optimize-for", "size", "--threads", "1", "--name", "a <b>"]
    assert main(["compile", file, "-o", str(out), *given]) == 0
    assert {path.name for path in out.iterdir()} == FILES - {"model.wasm"}
    assert "<title>a b</title>" in (out / "index.html").read_text("utf-8")


def test_sizes_that_are_left_open_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(symbolic_encoder())
    assert main(["compile", str(path), "-o", str(tmp_path / "out"), "--sequence", "4..6"]) == 0
    said = capsys.readouterr().err
    assert "batch = 1; --dim NAME=SIZES" in said
    assert "plans     3 of 3" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dim", "M=1"], "InvalidInputError: --dim: no input has a dimension 'M'; there are N"),
        (["--sequence", "4"], "InvalidInputError: --sequence: it can't be told"),
        (["--batch", "1..5000"], "holds more than 4096 sizes"),
        (["--dim", "N"], "NAME=SIZES is expected"),
        (["--shard", "100"], "a multiple of 64"),
        (["--threads", "0"], "from 1 to 64"),
        (["--weights", "f8"], "invalid choice"),
    ],
)
def test_wrong_use(
    file: str,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    try:
        status = main(["compile", file, "-o", str(out), *arguments])
    except SystemExit as end:
        status = int(end.code or 0)
    assert status in (1, 2)
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_models_that_cannot_be_compiled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    node = helper.make_node("NonZero", ["x"], ["y"])
    path.write_bytes(model([node], {"x": (2, 3)}, {"y": None}))
    assert main(["compile", str(path), "-o", str(tmp_path / "out")]) == 1
    assert (
        "UnsupportedOperatorError: the model does not run without Python" in capsys.readouterr().err
    )
    assert main(["compile", "missing.onnx", "-o", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_python_dash_m(file: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wasmkiln", "compile", file, "-o", str(tmp_path / "out")]
    path = {"PYTHONPATH": str(ROOT / "py")}
    done = subprocess.run(command, capture_output=True, text=True, env=path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "manifest.json").exists()
