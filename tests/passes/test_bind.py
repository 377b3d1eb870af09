"""Inputs get concrete types from the model and the options, which must agree."""

from __future__ import annotations

import pytest
from wasmkiln.errors import InvalidInputError
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ir.graph import Graph
from wasmkiln.ir.types import InputType, TensorType
from wasmkiln.options import CompileOptions
from wasmkiln.passes.bind import bind

from tests.passes.graphs import filled, graph, weights

INPUTS = {"image": "f32[batch,3,h,w]", "mask": "f32[batch,h]", "k": "i64[2]"}


def types(**options: object) -> dict[str, str]:
    """The inputs' types under some options."""
    g = bind(graph(INPUTS, (), ""), CompileOptions(**options))  # type: ignore[arg-type]
    return {name: str(t) for name, t in g.types.items()}


def test_unbound_symbols_are_one() -> None:
    assert types() == {"image": "f32[1,3,1,1]", "mask": "f32[1,1]", "k": "i64[2]"}


def test_dims_bind_a_symbol_wherever_it_occurs() -> None:
    found = types(dims={"batch": 2, "h": 8})
    assert found == {"image": "f32[2,3,8,1]", "mask": "f32[2,8]", "k": "i64[2]"}


def test_a_whole_shape_binds_its_symbols_for_other_inputs() -> None:
    found = types(shapes={"image": (4, 3, 8, 6)}, dims={"batch": 4})
    assert found == {"image": "f32[4,3,8,6]", "mask": "f32[4,8]", "k": "i64[2]"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": {"nope": (1,)}}, "no input 'nope'; the inputs are image, mask, k"),
        ({"shapes": {"k": (3,)}}, r"'k': the model declares \[2\], given is \[3\]"),
        ({"shapes": {"image": (1, 3, 8)}}, r"declares \[batch,3,h,w\], given is \[1,3,8\]"),
        ({"shapes": {"mask": (-1, 8)}}, "negative"),
        ({"shapes": {"image": (2, 3, 8, 8), "mask": (3, 8)}}, "'batch' is 3 .* but 2 in input"),
        (
            {"shapes": {"image": (4, 3, 8, 6)}, "dims": {"batch": 2}},
            r"input 'image': 'batch' is 4 in \[4,3,8,6\], but 2 in the options",
        ),
        ({"dims": {"width": 3}}, "no input has 'width'; the symbols are batch, h, w"),
        ({"dims": {"batch": -1}}, "'batch' cannot be -1"),
    ],
)
def test_contradictions_name_both_sides(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        types(**options)


def test_an_input_without_a_rank_needs_a_shape() -> None:
    g = Graph("test", (), {"x": InputType(F32, None)}, {}, {})
    with pytest.raises(InvalidInputError, match="'x': the model does not say its rank"):
        bind(g, CompileOptions())
    assert bind(g, CompileOptions(shapes={"x": (2, 5)})).types["x"] == TensorType(F32, (2, 5))


def test_constants_are_typed_and_small_ones_keep_their_value() -> None:
    consts = {"axes": filled(1, 2, dtype=I64), "w": weights(64, 64)}
    g = bind(graph({}, (), "", consts), CompileOptions())
    assert g.types["axes"].value == consts["axes"]
    assert g.types["w"] == TensorType(F32, (64, 64))
