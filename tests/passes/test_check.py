"""`verify` finds what a wrong pass leaves behind."""

from __future__ import annotations

import pytest
from wasmkiln.errors import InternalError
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.graph import Graph
from wasmkiln.ir.types import TensorType
from wasmkiln.passes.check import verify
from wasmkiln.record import replace

from tests.passes.graphs import node, typed

GOOD = typed({"x": "f32[4]"}, [node("Relu", "x", "a"), node("Neg", "a", "y")], "y")
RELU, NEG = GOOD.nodes


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (replace(GOOD, nodes=(NEG, RELU)), "'a' is not defined before"),
        (replace(GOOD, nodes=(RELU, RELU, NEG)), "'a' is defined twice"),
        (replace(GOOD, nodes=(RELU,)), "output 'y' is 'y', which nothing defines"),
        (
            replace(GOOD, types={k: t for k, t in GOOD.types.items() if k != "a"}),
            "'a' is typed None",
        ),
        (replace(GOOD, types={**GOOD.types, "a": TensorType(F32, (5,))}), r"typed f32\[5\]"),
    ],
)
def test_damage_is_found(broken: Graph, message: str) -> None:
    verify(GOOD)
    with pytest.raises(InternalError, match=message):
        verify(broken)
