"""Sizes as they are written on the command line, and which dimension is meant."""

from __future__ import annotations

import pytest
from wasmkiln import InvalidInputError
from wasmkiln.bundle.sizes import combinations, find_symbol, parse_sizes
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.shape import Sym
from wasmkiln.ir.types import InputType


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("8", (8,)),
        ("1,8", (1, 8)),
        ("16..18", (16, 17, 18)),
        ("16..64:16", (16, 32, 48, 64)),
        ("1,4..6,5", (1, 4, 5, 6)),
        ("0", (0,)),
    ],
)
def test_sizes(text: str, sizes: tuple[int, ...]) -> None:
    assert parse_sizes(text) == sizes


@pytest.mark.parametrize("text", ["", "a", "1..", "5..4", "-1", "1..9:0", "1..99999999", "1,,2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_sizes(text)


def inputs(*shapes: tuple[str | int, ...]) -> dict[str, InputType]:
    return {
        f"x{i}": InputType(F32, tuple(Sym(d) if isinstance(d, str) else d for d in shape))
        for i, shape in enumerate(shapes)
    }


@pytest.mark.parametrize(
    ("shapes", "batch", "sequence"),
    [
        ([("batch", "sequence")], "batch", "sequence"),
        ([("batch_size", "sequence_length"), ("batch_size", 4)], "batch_size", "sequence_length"),
        ([("N", "T", 8)], "N", "T"),
        ([("sequence", "batch", 8)], "batch", "sequence"),
    ],
)
def test_symbols_by_name_or_place(
    shapes: list[tuple[str | int, ...]], batch: str, sequence: str
) -> None:
    assert find_symbol(inputs(*shapes), "batch") == batch
    assert find_symbol(inputs(*shapes), "sequence") == sequence


def test_symbols_that_cannot_be_told() -> None:
    with pytest.raises(InvalidInputError, match="--dim with one of a, b"):
        find_symbol(inputs(("a",), ("b",)), "batch")
    with pytest.raises(InvalidInputError, match="all dimensions of the inputs are fixed"):
        find_symbol(inputs((1, 2)), "sequence")


def test_combinations() -> None:
    assert list(combinations({})) == [{}]
    assert list(combinations({"a": (1, 2), "b": (3, 4)}))[:3] == [
        {"a": 1, "b": 3},
        {"a": 1, "b": 4},
        {"a": 2, "b": 3},
    ]
