"""Half precision is computed in f32; only the model's inputs and outputs stay as they are."""

from __future__ import annotations

import pytest
from wasmkiln.ir.dtype import BF16, F16, F32, DType
from wasmkiln.passes.promote import promote

from tests.passes.graphs import OPTIONS, filled, node, run, typed, weights


@pytest.mark.parametrize("half", [F16, BF16])
def test_inputs_outputs_and_weights_are_cast(half: DType) -> None:
    consts = {"w": weights(4, 4, dtype=half), "k": filled(0.5, 1, dtype=half)}
    nodes = [node("Mul", "x w", "p"), node("Add", "p k", "y")]
    g = typed({"x": f"{half}[4,4]"}, nodes, "y", consts)
    assert run(g, promote) == (
        "x.1: f32[4,4] = Map(expr=cast<f32>(x0))(x)\n"
        "w.2: f32[4,4] = Map(expr=cast<f32>(x0))(w)\n"
        "p: f32[4,4] = Mul(x.1, w.2)\n"
        "y: f32[4,4] = Add(p, k.3)\n"
        f"y.4: {half}[4,4] = Map(expr=cast<{half}>(x0))(y)\n"
        "-> y = y.4\n"
    )


def test_casts_between_halves_and_singles_do_nothing() -> None:
    nodes = [
        node("Cast", "x", "h", to=F16.onnx),
        node("Relu", "h", "r"),
        node("Cast", "r", "y", to=F32.onnx),
    ]
    text = run(typed({"x": "f32[4]"}, nodes, "y"), promote)
    assert "f16" not in text and text.count("Cast(to=1)") == 2


def test_tensors_among_attributes_are_widened() -> None:
    value = filled(2.0, 1, dtype=F16)
    nodes = [node("Shape", "x", "s"), node("ConstantOfShape", "s", "c", value=value)]
    nodes += [node("Add", "x c", "y")]
    text = run(typed({"x": "f16[40,40]"}, nodes, "y"), promote)
    assert "c: f32[40,40] = ConstantOfShape" in text
    assert "y: f32[40,40] = Add(x.1, c)" in text


def test_other_graphs_are_not_touched() -> None:
    g = typed({"x": "f32[4]"}, [node("Relu", "x", "y")], "y")
    assert promote(g, OPTIONS) is g
