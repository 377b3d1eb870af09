"""Sequences between nodes, against onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from wasmkiln.errors import InvalidInputError, LimitError, ShapeError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I32, I64, STRING
from wasmkiln.ir.value import NOTHING, SequenceValue, Value
from wasmkiln.ops.base import create
from wasmkiln.ops.sequence import MAX_ITEMS

from .check import Array, build, check_model, node

OPSET = 17


def check(nodes: Sequence[onnx.NodeProto], outputs: str, **arrays: Any) -> None:
    values = {name: np.asarray(a) for name, a in arrays.items()}
    check_model(build(nodes, values, set(), outputs.split(), OPSET), values)


def numbers(*shape: int, dtype: str = "f4") -> Array:
    return np.arange(np.prod(shape), dtype="f8").reshape(shape).astype(dtype)


def texts(*shape: int) -> Array:
    return np.array([f"t{i}" for i in range(int(np.prod(shape)))], object).reshape(shape)


def evaluated(op_type: str, *inputs: Value | None, **attributes: Any) -> Value:
    outputs = create("", op_type, OPSET, attributes).evaluate(*inputs)
    assert outputs is not None
    result: Value = outputs[0]
    return result


def of(*values: float) -> Const:
    return Const.of(F32, (len(values),), values)


def place(value: int) -> Const:
    return Const.scalar(I64, value)


THREE = SequenceValue((of(1), of(2, 3), of()))


@pytest.mark.parametrize("position", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", ["i4", "i8"])
def test_at_and_length(dtype: str, position: int) -> None:
    nodes = [
        node("SequenceConstruct", "a b a", "s"),
        node("SequenceAt", "s at", "y"),
        node("SequenceLength", "s", "n"),
    ]
    at = np.array(position, dtype)
    check(nodes, "y n", a=numbers(2, 3), b=numbers(4), at=at)
    check(nodes, "y n", a=texts(2, 2), b=texts(3), at=at)


@pytest.mark.parametrize("position", [0, 1, 2, -1, -2])
def test_insert_and_erase(position: int) -> None:
    nodes = [
        node("SequenceEmpty", "", "none"),
        node("SequenceInsert", "none a", "one"),
        node("SequenceInsert", "one b", "two"),
        node("SequenceInsert", "two c at", "three"),
        node("SequenceErase", "three", "left"),
        node("SequenceErase", "three at", "other"),
        node("ConcatFromSequence", "three", "x", axis=0),
        node("ConcatFromSequence", "left", "y", axis=0),
        node("ConcatFromSequence", "other", "z", axis=0),
    ]
    at = np.array(position)
    check(nodes, "x y z", a=numbers(1), b=numbers(2) + 5, c=numbers(3) + 50, at=at)


@pytest.mark.parametrize(("axis", "new_axis"), [(0, 0), (1, 0), (-1, 0), (0, 1), (2, 1), (-1, 1)])
def test_concat(axis: int, new_axis: int) -> None:
    nodes = [
        node("SequenceConstruct", "a b", "s"),
        node("ConcatFromSequence", "s", "y", axis=axis, new_axis=new_axis),
    ]
    shape = (2, 3) if new_axis or axis else (4, 3)
    check(nodes, "y", a=numbers(2, 3), b=numbers(*shape) + 10)
    check(nodes, "y", a=numbers(2, 3, dtype="u1"), b=numbers(*shape, dtype="u1"))
    check(nodes, "y", a=texts(2, 3), b=texts(*shape))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("split", [None, 1, 2, 3, 9, [1, 2], [3, 0], [0, 1, 2]])
def test_split(split: Any, axis: int) -> None:
    for keepdims in (0, 1) if split is None else (1,):
        _check_split(np.array(split) if split is not None else None, axis, keepdims)


def _check_split(size: Array | None, axis: int, keepdims: int) -> None:
    x = numbers(3, 3, dtype="f8")
    inputs = "x" if size is None else "x size"
    nodes = [
        node("SplitToSequence", inputs, "s", axis=axis, keepdims=keepdims),
        node("SequenceLength", "s", "n"),
        node("SequenceAt", "s last", "y"),
        node("SequenceAt", "s first", "z"),
    ]
    given = {} if size is None else {"size": size}
    at = {"last": np.array(-1), "first": np.array(0)}
    check(nodes, "n y z", x=x, **at, **given)
    check(nodes, "n y z", x=texts(3, 3), **at, **given)


def test_given_sizes_keep_the_axis() -> None:
    """As ONNX says; onnxruntime drops it."""
    parts = evaluated("SplitToSequence", of(1, 2), place(1), keepdims=False)
    assert parts == SequenceValue((of(1), of(2)))


def test_map() -> None:
    """The engine runs the body; it captures a value from around it."""
    body = build([node("Add", "item more", "t"), node("Mul", "t scale", "o")], {}, set(), ["o"])
    graph = body.graph
    for name in ("item", "more"):
        graph.input.append(onnx.ValueInfoProto(name=name))
        graph.input[-1].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    nodes = [
        node("Neg", "a", "scale"),
        node("SequenceConstruct", "a b", "s"),
        node("SequenceMap", "s a", "t", body=graph),
        node("ConcatFromSequence", "t", "y", axis=0),
    ]
    check(nodes, "y", a=numbers(2, 3) + 1, b=numbers(2, 3) + 7)


@pytest.mark.parametrize("position", [3, -4])
@pytest.mark.parametrize("op_type", ["SequenceAt", "SequenceErase"])
def test_positions_outside(op_type: str, position: int) -> None:
    message = rf"^position {position} is outside of a sequence of 3: -3 to 2 are allowed$"
    with pytest.raises(InvalidInputError, match=message):
        evaluated(op_type, THREE, place(position))


def test_insertion_outside() -> None:
    assert evaluated("SequenceInsert", THREE, of(9), place(3)) == SequenceValue(
        (*THREE.items, of(9))
    )
    message = r"^position 4 is outside of a sequence of 3: -3 to 3 are allowed$"
    with pytest.raises(InvalidInputError, match=message):
        evaluated("SequenceInsert", THREE, of(9), place(4))


def test_nothing_to_erase() -> None:
    with pytest.raises(InvalidInputError, match="position -1 is outside of a sequence of 0"):
        evaluated("SequenceErase", SequenceValue(()))


ERRORS: list[tuple[str, tuple[Value | None, ...], dict[str, Any], str]] = [
    ("SequenceAt", (of(1), place(0)), {}, r"the input is f32\[1\], a sequence is expected"),
    ("SequenceAt", (THREE, of(1)), {}, r"the position is f32\[1\], one i32 or i64 is expected"),
    ("SequenceAt", (THREE, THREE), {}, "the position is seq of 3, a tensor is expected"),
    ("SequenceLength", (NOTHING,), {}, "the input is nothing, a sequence is expected"),
    ("SequenceConstruct", (THREE,), {}, "an input is seq of 3, a tensor is expected"),
    (
        "SequenceConstruct",
        (of(1), Const.strings((1,), ("a",))),
        {},
        r"f32\[1\] and string\[1\] can't be in one sequence",
    ),
    ("SequenceInsert", (THREE, place(1)), {}, r"f32\[1\] and i64\[\] can't be in one sequence"),
    (
        "ConcatFromSequence",
        (SequenceValue((of(1), of(2, 3))),),
        {"axis": 0, "new_axis": True},
        r"f32\[1\] and f32\[2\] can't be joined along axis 0",
    ),
    (
        "ConcatFromSequence",
        (SequenceValue((of(1, 2).reshaped((1, 2)), of(3).reshaped((1, 1)))),),
        {"axis": 0},
        r"f32\[1,2\] and f32\[1,1\] can't be joined along axis 0",
    ),
    ("ConcatFromSequence", (SequenceValue(()),), {"axis": 0}, "the sequence is empty"),
    ("ConcatFromSequence", (THREE,), {"axis": 1}, "axis 1 is outside a tensor of rank 1"),
    ("SplitToSequence", (of(1, 2), place(0)), {}, "2 can't be split into parts of size 0"),
    ("SplitToSequence", (of(1, 2), of(1)), {}, r"split is f32\[1\], an i32 or i64 or a list"),
    (
        "SplitToSequence",
        (of(1, 2), Const.of(I32, (2,), (3, -1))),
        {},
        r"sizes \(3, -1\) do not split an axis of size 2",
    ),
    ("SplitToSequence", (of(1, 2),), {"axis": 1}, "axis 1 is outside a tensor of rank 1"),
]


@pytest.mark.parametrize(("op_type", "inputs", "attributes", "message"), ERRORS)
def test_wrong_kinds_and_shapes(
    op_type: str, inputs: tuple[Value | None, ...], attributes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ShapeError, match=f"^{message}"):
        evaluated(op_type, *inputs, **attributes)


def test_axes_without_elements_are_not_unrolled() -> None:
    empty = Const(STRING, (MAX_ITEMS + 1, 0), ())
    with pytest.raises(LimitError, match=f"an axis of size {MAX_ITEMS + 1} would become"):
        evaluated("SplitToSequence", empty)
    halves = evaluated("SplitToSequence", empty, place(MAX_ITEMS))
    assert isinstance(halves, SequenceValue) and len(halves.items) == 2
