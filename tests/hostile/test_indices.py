"""Indices, lengths and places that data give: whatever they are, nothing outside is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from wasmkiln import CompileOptions, InvalidInputError
from wasmkiln.ops import recurrent

from tests.ops.check import Array, build, node, run_ours

WILD = [2**63 - 1, -(2**63), 2**31, -(2**31) - 1, 10**9, -(10**9), 2**32, 9, -9]


def f4(*shape: int) -> Array:
    """Ones."""
    return np.ones(shape, "f4")


def _run(op: str, *inputs: Array | None, opset: int = 21, threads: int = 1, **how: Any) -> Array:
    names = [f"x{i}" if a is not None else "-" for i, a in enumerate(inputs)]
    arrays = {n: a for n, a in zip(names, inputs, strict=True) if a is not None}
    model = build([node(op, " ".join(names), "y", **how)], arrays, (), ["y"], opset)
    return run_ours(model, arrays, CompileOptions(threads=threads))[0]


def _lengths(op: str, gates: int, **how: Any) -> Callable[[int], Array]:
    def run(wild: int) -> Array:
        lengths = np.array([np.clip(wild, -(2**31), 2**31 - 1), 1], "i4")
        weights = f4(1, gates * 5, 2), f4(1, gates * 5, 5)
        return _run(op, f4(3, 2, 2), *weights, None, lengths, hidden_size=5, opset=14, **how)

    return run


CASES: dict[str, Callable[[int], Array]] = {
    "Gather": lambda i: _run("Gather", f4(4, 3), np.array([i, 0])),
    "GatherElements": lambda i: _run("GatherElements", f4(4, 3), np.array([[i, 0, 1]])),
    "GatherND": lambda i: _run("GatherND", f4(4, 3), np.array([[i], [0]])),
    "ScatterElements": lambda i: _run("ScatterElements", f4(4, 3), np.array([[i, 0, 1]]), f4(1, 3)),
    "ScatterND": lambda i: _run("ScatterND", f4(4, 3), np.array([[i]]), f4(1, 3)),
    "ScatterND add": lambda i: _run(
        "ScatterND", f4(4, 3), np.array([[i]]), f4(1, 3), reduction="add"
    ),
    "TensorScatter": lambda i: _run(
        "TensorScatter", f4(2, 4, 3), f4(2, 1, 3), np.array([i, 0]), opset=24, axis=1
    ),
    "ReverseSequence": lambda i: _run("ReverseSequence", f4(3, 2), np.array([i, 1])),
    "NegativeLogLikelihoodLoss": lambda i: _run(
        "NegativeLogLikelihoodLoss", f4(2, 3), np.array([i, 0])
    ),
    "RotaryEmbedding": lambda i: _run(
        "RotaryEmbedding", f4(1, 2, 2, 4), f4(8, 2), f4(8, 2), np.array([[i, 0]]), opset=23
    ),
    "LSTM": _lengths("LSTM", 4),
    "GRU": _lengths("GRU", 3),
    "RNN": _lengths("RNN", 1),
    "RNN reverse": _lengths("RNN", 1, direction="reverse"),
}


@pytest.mark.parametrize("wild", WILD)
@pytest.mark.parametrize("name", CASES)
def test_what_lies_outside_is_refused(name: str, wild: int) -> None:
    with pytest.raises(InvalidInputError, match="an index in the input lies outside"):
        CASES[name](wild)


@pytest.mark.parametrize("wild", WILD)
def test_lengths_for_steps_that_threads_share(wild: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent, "STEP_MACS", 0)
    lengths = np.array([np.clip(wild, -(2**31), 2**31 - 1)], "i4")
    inputs = [f4(3, 1, 2), f4(1, 20, 2), f4(1, 20, 5), None, lengths]
    with pytest.raises(InvalidInputError, match="an index in the input lies outside"):
        _run("LSTM", *inputs, hidden_size=5, opset=14, threads=3)


@pytest.mark.parametrize("wild", WILD)
def test_one_hot_of_what_lies_outside_is_off(wild: int) -> None:
    arrays = {"i": np.array([wild, 1]), "d": np.array(3), "v": np.array([2, 5], "f4")}
    model = build([node("OneHot", "i d v", "y")], arrays, {"d"}, ["y"])
    (y,) = run_ours(model, {"i": arrays["i"], "v": arrays["v"]})
    assert y.tolist() == [[2, 2, 2], [2, 5, 2]]


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 1e30, -1e30, 2.0**31])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
def test_grids_of_wild_places(place: float, padding: str, mode: str) -> None:
    grid = np.full((1, 2, 2, 2), place, "f4")
    y = _run("GridSample", f4(1, 1, 4, 4), grid, opset=20, padding_mode=padding, mode=mode)
    assert y.shape == (1, 1, 2, 2)


@pytest.mark.parametrize("wild", [i for i in WILD if not 0 <= i <= 5])
def test_attention_to_wild_numbers_of_keys(wild: int) -> None:
    lengths = np.array([wild])
    names = "q k v - - - n"
    arrays = {"q": f4(1, 2, 3, 4), "k": f4(1, 2, 5, 4), "v": f4(1, 2, 5, 4), "n": lengths}
    model = build([node("Attention", names, "y")], arrays, (), ["y"], 24)
    for output in model.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    (y,) = run_ours(model, arrays)
    assert y.shape == (1, 2, 3, 4)
