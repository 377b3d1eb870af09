"""The explanation of a compiled model: its fused graph, its steps and its memory plan."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from wasmkiln.compiler import compile_model
from wasmkiln.options import CompileOptions

from tests.small import small_net

Json = dict[str, Any]


@pytest.fixture(scope="module")
def explanation() -> Json:
    """That of a small net, as JSON gives it back."""
    compiled = compile_model(small_net(), CompileOptions(dims={"N": 2}))
    made: Json = json.loads(json.dumps(compiled.explain()))
    return made


def main_nodes(explanation: Json) -> list[Json]:
    return [n for n in explanation["graph"]["nodes"] if n["phase"] == "main" and n["kernels"]]


def test_fused_nodes_name_those_of_the_model(explanation: Json) -> None:
    sources = explanation["graph"]["sources"]
    assert sources[:4] == [["stem", "Conv"], ["relu", "Relu"], ["mix", "Conv"], ["residual", "Add"]]
    carried = [[sources[i][0] for i in node["sources"]] for node in main_nodes(explanation)]
    assert ["stem", "relu"] in carried
    assert ["mix", "residual"] in carried
    assert {name for names in carried for name in names} == {name for name, _ in sources} - {"flat"}


def test_nodes_are_connected_by_typed_values(explanation: Json) -> None:
    graph = explanation["graph"]
    assert graph["inputs"] == ["x"]
    assert graph["values"]["x"] == {"dtype": "float32", "shape": [2, 3, 9, 7]}
    assert graph["values"][graph["outputs"]["y"]]["shape"] == [2, 5]
    made = {"x", *graph["outputs"].values()}
    for node in graph["nodes"]:
        for name in filter(None, node["inputs"]):
            assert name in graph["values"]
            assert name in made or node["phase"] != "main" or name not in _produced(graph)
        made.update(node["outputs"])


def _produced(graph: Json) -> set[str]:
    return {name for node in graph["nodes"] for name in node["outputs"]}


def test_steps_and_multiply_accumulates_add_up(explanation: Json) -> None:
    macs = 2 * (63 * 8 * 27 + 63 * 8 * 8 + 8 * 5)
    assert sum(node["macs"] for node in explanation["graph"]["nodes"]) == macs
    assert sum(step["macs"] for step in explanation["steps"]) == macs
    assert len(explanation["steps"]) == explanation["memory"]["steps"]
    for step in explanation["steps"]:
        assert step["kernel"] in explanation["graph"]["nodes"][step["node"]]["kernels"]


def test_the_plan_is_that_of_the_artifact() -> None:
    compiled = compile_model(small_net(), CompileOptions(threads=2))
    memory = compiled.explain()["memory"]
    artifact = compiled.artifact
    assert memory["weightBytes"] == artifact.weight_bytes
    assert memory["arenaBytes"] == artifact.arena_bytes
    assert memory["steps"] == artifact.main.steps
    assert memory["initSteps"] == artifact.init.steps
    places = {name: b["offset"] for b in memory["buffers"] for name in b["names"]}
    assert [places[b.name] for b in artifact.inputs] == [b.offset for b in artifact.inputs]


def test_buffers_alive_together_lie_apart_unless_one_takes_over(explanation: Json) -> None:
    memory = explanation["memory"]
    last = memory["initSteps"] + memory["steps"] - 1
    arena = [b for b in memory["buffers"] if b["kind"] != "constant"]
    assert {b["kind"] for b in arena} == {"input", "output", "temporary"}
    for buffer in memory["buffers"]:
        assert 0 <= buffer["first"] <= buffer["last"] <= last
        assert buffer["offset"] + buffer["bytes"] <= memory["end"]
    for a, b in combinations(arena, 2):
        apart = a["offset"] + a["bytes"] <= b["offset"] or b["offset"] + b["bytes"] <= a["offset"]
        early, late = sorted((a, b), key=lambda buffer: buffer["first"])
        assert apart or early["last"] <= late["first"]


def test_scratch_names_the_node_that_uses_it(explanation: Json) -> None:
    nodes = explanation["graph"]["nodes"]
    nameless = [b for b in explanation["memory"]["buffers"] if not b["names"]]
    assert all(nodes[b["node"]]["kernels"] for b in nameless)
