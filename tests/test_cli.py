"""The command line, run in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onnx import TensorProto, helper
from wasmkiln.cli import main
from wasmkiln.passes import PIPELINE

from tests.small import small_net


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "net.onnx"
    file.write_bytes(small_net())
    return str(file)


def test_inspect_tells_nodes_sizes_and_macs(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", path, "--dim", "N=2"]) == 0
    out = capsys.readouterr().out
    assert "x: f32[2,3,9,7]" in out
    # Two images: 3x3 convolution, 1x1 convolution, classifier.
    assert f"MACs      {2 * (63 * 8 * 27 + 63 * 8 * 8 + 8 * 5):,}" in out
    assert "stem" in out
    assert "relaxed SIMD" in out


def test_inspect_json(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", path, "--json", "--simd", "baseline", "--threads", "2"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["artifact"]["simd"] == "baseline"
    assert facts["artifact"]["shared"] is True
    assert facts["opsets"] == {"": 17}
    assert len(facts["nodes"]) == 8
    assert len(facts["graph"]["sources"]) == 8
    assert facts["memory"]["arenaBytes"] == facts["artifact"]["arenaBytes"]
    assert [step["kernel"] for step in facts["steps"]]


def test_inspect_passes_prints_the_graph_after_each(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", path, "--passes"]) == 0
    out = capsys.readouterr().out
    for name, _ in PIPELINE:
        assert f"=== after {name}:" in out


def test_errors_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x00\x01\x02")
    assert main(["inspect", str(bad)]) == 1
    assert capsys.readouterr().err.startswith("wasmkiln: InvalidModelError: ")
    assert main(["inspect", str(tmp_path / "missing.onnx")]) == 1
    assert "missing.onnx" in capsys.readouterr().err


def test_inspect_shows_what_the_host_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scalar = helper.make_tensor_value_info("go", TensorProto.BOOL, [])
    kinds = {"i": TensorProto.INT64, "c": TensorProto.BOOL, "v": TensorProto.FLOAT}
    inputs = [helper.make_tensor_value_info(name, kind, []) for name, kind in kinds.items()]
    outputs = [scalar, helper.make_tensor_value_info("next", TensorProto.FLOAT, [])]
    body = helper.make_graph(
        [helper.make_node("Exp", ["v"], ["next"]), helper.make_node("IsInf", ["next"], ["go"])],
        "body", inputs, outputs,
    )  # fmt: skip
    nodes = [
        helper.make_node("Abs", ["x"], ["a"], "absolute"),
        helper.make_node("Loop", ["", "", "a"], ["y"], "repeat" + "ed" * 40, body=body),
    ]
    file = tmp_path / "loop.onnx"
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
    )  # fmt: skip
    file.write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())
    assert main(["inspect", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["absolute", "Abs", "open"] for line in lines)
    (loop,) = (line for line in lines if " Loop " in line)
    assert loop.split()[1:] == ["Loop", "host"] and "…" in loop
    assert main(["inspect", str(file), "--json"]) == 0
    assert [row["how"] for row in json.loads(capsys.readouterr().out)["nodes"]] == ["open", "host"]


@pytest.mark.parametrize("wrong", [["--dim", "N"], ["--shape", "x=1,a"], []])
def test_wrong_use_exits_with_2(path: str, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["inspect", path, *wrong] if wrong else [])
    assert exit.value.code == 2
