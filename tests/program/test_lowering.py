"""What lowering leaves in memory: of constants only those that runs read."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from wasmkiln.compiler import compile_model
from wasmkiln.program.constants import constant_indices
from wasmkiln.program.program import Program

from tests.small import model, small_net


def unread(program: Program) -> dict[int, int]:
    """Bytes of the constants that init uses and no run does, by buffer."""
    left = constant_indices(program, program.init) - constant_indices(program, program.main)
    return {index: program.buffers[index].nbytes for index in left}


@pytest.mark.parametrize("swapped", [False, True])
def test_weights_that_are_packed_are_not_kept_as_they_were(swapped: bool) -> None:
    """Whose product is of quantized values, so that they are reshaped, shifted and summed first."""
    w = np.arange(600, dtype=np.int8).reshape((30, 20) if swapped else (20, 30))
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "s", "wz"], ["wf"]),
        helper.make_node("Transpose", ["wf"], ["wt"], perm=[1, 0] if swapped else [0, 1]),
        helper.make_node("MatMul", ["xf", "wt"], ["m"]),
        helper.make_node("QuantizeLinear", ["m", "s", "z"], ["mq"]),
        helper.make_node("DequantizeLinear", ["mq", "s", "z"], ["y"]),
    ]
    weights = {
        "w": w,
        "s": np.float32(0.1),
        "z": np.uint8(9),
        "wz": np.int8(0),
    }
    data = model(nodes, {"x": [4, 20]}, {"y": [4, 30]}, weights)  # type: ignore[arg-type]
    program = compile_model(data).program
    assert program.init
    assert sum(unread(program).values()) < 600


def test_a_constant_that_is_an_output_is_kept() -> None:
    nodes = [
        helper.make_node("Reshape", ["w", "shape"], ["y"]),
        helper.make_node("Relu", ["x"], ["z"]),
    ]
    weights = {"w": np.ones((4, 5), np.float32), "shape": np.array([20])}
    program = compile_model(model(nodes, {"x": [1]}, {"y": [20], "z": [1]}, weights)).program
    kinds = {binding.name: binding.slot.buffer.kind for binding in program.outputs}
    assert kinds["y"] == "constant"


def test_a_net_of_floats_keeps_nothing_that_it_does_not_read() -> None:
    assert not unread(compile_model(small_net()).program)
