"""Graphs that need the host between compiled segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln import CompileOptions, InferenceSession, UnsupportedOperatorError, plans
from wasmkiln.engine.runner import Runner
from wasmkiln.host import default_host
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ir.value import NOTHING, SequenceValue
from wasmkiln.onnx.load import load

from tests.ops.check import build, check_model, node

FLOAT, INT64, BOOL, STRING = (
    TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING,
)  # fmt: skip


def info(name: str, dtype: int = FLOAT, shape: Any = None) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes: list[Any], inputs: list[Any], outputs: list[Any], *weights: Any) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def runner(*args: Any) -> Runner:
    return Runner(load(model(*args)), CompileOptions(), default_host())


def branches(then: list[Any], other: list[Any], output: Any) -> dict[str, Any]:
    return {
        "then_branch": helper.make_graph(then, "then", [], [output]),
        "else_branch": helper.make_graph(other, "else", [], [output]),
    }


def test_a_condition_computed_from_data_picks_a_compiled_branch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[None] = []
    original = plans.plan_graph
    monkeypatch.setattr(plans, "plan_graph", lambda *a: (compiled.append(None), original(*a))[1])
    nodes = [
        node("ReduceSum", "x", "sum", keepdims=0),
        node("Greater", "sum zero", "positive"),
        node("If", "positive", "y", name="sign", **branches(
            [node("Mul", "x two", "a")], [node("Neg", "x", "a")], info("a"))),
    ]  # fmt: skip
    weights = [numpy_helper.from_array(np.float32(v), n) for n, v in (("zero", 0), ("two", 2))]
    x = np.arange(40, dtype=np.float32)
    with InferenceSession(model(nodes, [info("x", FLOAT, ["n"])], [info("y")], *weights)) as s:
        for _ in range(2):
            np.testing.assert_array_equal(s.run(None, {"x": x})[0], 2 * x)
            np.testing.assert_array_equal(s.run(None, {"x": -x})[0], x)
        tried = len(compiled)
        s.run(None, {"x": x + 1})
        s.run(None, {"x": -x - 1})
        assert len(compiled) == tried > 0
        assert [(r.op, r.how) for r in s.report()][-1] == ("If", "kernel")


def test_a_shape_computed_from_much_data_is_read_between_two_segments() -> None:
    nodes = [
        node("ReduceMax", "ids", "most", keepdims=1),
        node("Concat", "most minus", "shape", axis=0),
        node("Reshape", "ids", "y", name="fold"),
    ]
    nodes[2].input.append("shape")
    arrays = {"ids": np.arange(1, 61) % 7, "minus": np.array([-1])}
    for _ in range(2):
        check_model(build(nodes, arrays, {"minus"}, ["y"]), {"ids": arrays["ids"]})
    weight = numpy_helper.from_array(arrays["minus"], "minus")
    made = model(nodes, [info("ids", INT64, ["n"])], [info("y", INT64)], weight)
    with InferenceSession(made) as s:
        for most in (6, 4, 6, 3):
            ids = np.minimum(np.arange(1, 61) % 7, most)
            (y,) = s.run(None, {"ids": ids})
            np.testing.assert_array_equal(y, ids.reshape(most, -1))
        with pytest.raises(UnsupportedOperatorError, match="between its 2 parts"):
            s.artifact()


def test_strings_move_through_compiled_code() -> None:
    nodes = [
        node("Equal", "texts other", "same"),
        node("Where", "same texts fallback", "chosen"),
        node("Transpose", "chosen", "turned"),
        node("Concat", "turned turned", "y", axis=1),
    ]
    other = helper.make_tensor("other", STRING, [3], [b"a", "ü".encode(), b""])
    fallback = helper.make_tensor("fallback", STRING, [1], [b"-"])
    made = model(nodes, [info("texts", STRING, [2, 3])], [info("y", STRING)], other, fallback)
    texts = np.array([["a", "ü", "x"], ["b", "ü", ""]], dtype=object)
    with InferenceSession(made) as s:
        for given in (texts, texts.astype(str)):
            (y,) = s.run(None, {"texts": given})
            expected = np.where(texts == ["a", "ü", ""], texts, "-").T
            np.testing.assert_array_equal(y, np.concatenate([expected, expected], 1))
            assert y.dtype == object


def test_values_that_are_no_tensors_pass_by() -> None:
    r = runner([node("Identity", "x", "y")], [info("x")], [info("y")])
    two = SequenceValue((Const.of(F32, (1,), (2,)), Const.of(F32, (), (3,))))
    for value in (two, NOTHING):
        inner = Runner(r.model, CompileOptions(), default_host(), inner=True)
        assert inner.run({"x": value}) == {"y": value}


def test_what_takes_tensors_refuses_others() -> None:
    r = runner([node("Relu", "x", "y", name="act")], [info("x")], [info("y")])
    inner = Runner(r.model, CompileOptions(), default_host(), inner=True)
    with pytest.raises(UnsupportedOperatorError, match=r"Relu 'act'.*'x' is a SequenceValue, not"):
        inner.run({"x": SequenceValue(())})


def test_a_loop_on_the_host_takes_values_from_around_it() -> None:
    """Collatz: the number of steps is known only at the end, and a weight is captured."""
    body = helper.make_graph(
        [
            node("Mod", "value two", "odd"),
            node("Cast", "odd", "is_odd", to=BOOL),
            node("Mul", "value three", "tripled"),
            node("Add", "tripled one", "up"),
            node("Div", "value two", "down"),
            node("Where", "is_odd up down", "next"),
            node("Add", "next shift", "shown"),
            node("Greater", "next one", "go"),
        ],
        "body",
        [info("i", INT64, []), info("c", BOOL, []), info("value", INT64, [])],
        [info("go", BOOL, []), info("next", INT64, []), info("shown", INT64, [])],
    )
    nodes = [
        node("Add", "start one", "more"),
        node("Sub", "more one", "first"),
        node("Loop", "- - first", "last steps", body=body),
    ]
    names = {"two": 2, "three": 3, "one": 1}
    weights = [numpy_helper.from_array(np.int64(v), n) for n, v in names.items()]
    inputs = [info("start", INT64, []), info("shift", INT64, [])]
    outputs = [info("last", INT64, []), info("steps", INT64, ["n"])]
    with InferenceSession(model(nodes, inputs, outputs, *weights)) as s:
        for start, count in ((6, 8), (7, 16), (27, 111)):
            last, steps = s.run(None, {"start": np.array(start), "shift": np.array(100)})
            assert (last, len(steps), steps[-1]) == (1, count, 101)


def test_constants_are_computed_by_the_host_once_read() -> None:
    r = runner([node("Relu", "x", "y")], [info("x")], [info("y"), info("w")],
               numpy_helper.from_array(np.arange(2000), "w"))  # fmt: skip
    assert r.constant("w").dtype == I64
    assert r.constant("w").ints()[-1] == 1999


def test_parts_are_compiled_once_for_ten_batches() -> None:
    w = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
    nodes = [
        node("MatMul", "x w", "a"),
        node("Relu", "a", "b"),
        node("NonZero", "b", "where"),
    ]
    made = model(nodes, [info("x", FLOAT, ["n", 4])], [info("where", INT64)], w)
    found = Runner(load(made), CompileOptions(), default_host())
    for n in (1, 4, 2, 3, 1, 5, 6, 7, 8, 9):
        x = np.random.default_rng(n).normal(0, 1, (n, 4)).astype(np.float32)
        given = found.run({"x": Const(F32, x.shape, x.tobytes())})["where"]
        assert isinstance(given, Const)
        np.testing.assert_array_equal(
            np.reshape(given.ints(), given.shape), np.nonzero(np.maximum(x, 0))
        )
    compiles = [part.machine.compiles for part in found._segments.values()]
    assert compiles and max(compiles) == 1
    found.release()
