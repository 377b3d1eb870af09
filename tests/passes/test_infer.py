"""Types, folding of shape arithmetic, and inlining of If."""

from __future__ import annotations

import pytest
from wasmkiln.errors import LimitError, ShapeError, UnsupportedOperatorError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import BOOL, I64
from wasmkiln.ir.expr import arg
from wasmkiln.ir.graph import Graph, Node
from wasmkiln.ops.control import If
from wasmkiln.ops.map import Map
from wasmkiln.ops.movement import View
from wasmkiln.ops.reduce import Reduce
from wasmkiln.options import CompileOptions
from wasmkiln.passes.bind import bind
from wasmkiln.passes.infer import infer

from tests.passes.graphs import body, filled, graph, node, typed, weights

TRUE, FALSE = Const.scalar(BOOL, True), Const.scalar(BOOL, False)


def branch(nodes: list, output: str, **consts: Const) -> Graph:  # type: ignore[type-arg]
    """A branch of an If: a graph without inputs."""
    return Graph("branch", tuple(nodes), {}, {"result": output}, consts)


def test_shape_arithmetic_vanishes() -> None:
    # x.reshape(x.shape[0], -1), as PyTorch exports it
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 rest", "shape", axis=0),
        node("Reshape", "x shape", "y"),
    ]
    consts = {
        "zero": Const.scalar(I64, 0),
        "axes": filled(0, 1, dtype=I64),
        "rest": filled(-1, 1, dtype=I64),
    }
    g = typed({"x": "f32[n,3,4]"}, nodes, "y", consts, CompileOptions(dims={"n": 5}))
    assert body(g) == "y: f32[5,12] = Reshape(x, shape)\n-> y\n"
    assert g.consts["shape"].ints() == (5, -1)


def test_errors_name_the_node_its_operator_and_its_inputs() -> None:
    g = graph({"x": "f32[2,3]", "z": "f32[4]"}, [node("Add", "x z", "y", "sum")], "y")
    with pytest.raises(ShapeError, match=r"Add 'sum' .*f32\[2,3\], f32\[4\].*do not broadcast"):
        infer(bind(g, CompileOptions()), CompileOptions())


@pytest.mark.parametrize(("condition", "taken"), [(TRUE, "Relu"), (FALSE, "Neg")])
def test_if_is_replaced_by_the_branch_taken(condition: Const, taken: str) -> None:
    op = If(
        then_branch=branch([node("Relu", "x", "r")], "r"),
        else_branch=branch([node("Neg", "x", "r")], "r"),
    )
    g = typed({"x": "f32[4]"}, [node(op, "c", "y")], "y", {"c": condition})
    assert body(g) == f"r.1: f32[4] = {taken}(x)\n-> y = r.1\n"


def test_names_of_two_branches_do_not_meet() -> None:
    def scaled(factor: float) -> Graph:
        return branch([node("Mul", "x k", "r")], "r", k=filled(factor, 4))

    ops = [If(then_branch=scaled(f), else_branch=scaled(0.0)) for f in (2.0, 3.0)]
    nodes = [node(ops[0], "c", "a"), node(ops[1], "c", "b")]
    g = typed({"x": "f32[4]"}, nodes, "a b", {"c": TRUE})
    assert body(g).count("Mul") == 2
    factors = [g.consts[n.inputs[1]].values()[0] for n in g.nodes]
    assert factors == [2.0, 3.0]


def test_nested_branches_see_what_is_around_them() -> None:
    inner = If(then_branch=branch([node("Add", "h x", "s")], "s"), else_branch=branch([], "h"))
    outer = If(
        then_branch=branch([node("Relu", "x", "h"), node(inner, "c", "i")], "i"),
        else_branch=branch([], "x"),
    )
    g = typed({"x": "f32[4]"}, [node(outer, "c", "y")], "y", {"c": TRUE})
    assert body(g) == "h.1: f32[4] = Relu(x)\ns.2: f32[4] = Add(h.1, x)\n-> y = s.2\n"


def test_a_condition_known_at_run_time_is_refused_by_name() -> None:
    op = If(then_branch=branch([], "x"), else_branch=branch([], "x"))
    g = graph({"x": "f32[4]", "c": "bool[1]"}, [node(op, "c", "y", "choice")], "y")
    with pytest.raises(UnsupportedOperatorError, match=r"If 'choice'.*at run time"):
        infer(bind(g, CompileOptions()), CompileOptions())


def test_long_float_vectors_are_left_to_init() -> None:
    nodes = [node("Add", "a a", "s"), node("Mul", "x s", "y")]
    short = typed({"x": "f32[16]"}, nodes, "y", {"a": filled(1.5, 16)})
    assert body(short) == "y: f32[16] = Mul(x, s)\n-> y\n"
    long = typed({"x": "f32[64]"}, nodes, "y", {"a": filled(1.5, 64)})
    assert [n.op.op_type for n in long.nodes] == ["Add", "Mul"]
    outside = typed({"x": "f32[8]"}, nodes, "y", {"a": weights(8)})
    assert [n.op.op_type for n in outside.nodes] == ["Add", "Mul"]


def test_ranks_have_a_limit() -> None:
    with pytest.raises(LimitError, match="'x' has rank 65, above 64"):
        typed({"x": f"f32[{','.join(['1'] * 65)}]"}, [node("Relu", "x", "y")], "y")
    consts = {"shape": filled(1, 65, dtype=I64)}
    with pytest.raises(LimitError, match=r"Reshape .*: rank 65 is above 64"):
        typed({"x": "f32[1]"}, [node("Reshape", "x shape", "y")], "y", consts)


def test_sizes_are_not_negative() -> None:
    consts = {"shape": filled(-1, 2, dtype=I64)}
    with pytest.raises(ShapeError, match=r"Expand .*: its output has a negative size"):
        typed({"x": "f32[1]"}, [node("Expand", "x shape", "y")], "y", consts)


def test_inputs_of_a_variable_number_may_not_be_absent() -> None:
    nodes = [node("Concat", "x - x", "y", axis=0)]
    with pytest.raises(ShapeError, match=r"Concat .*: an input is absent that is needed"):
        typed({"x": "f32[2]"}, nodes, "y")


def test_operands_of_another_dtype_than_a_map_takes() -> None:
    nodes = [Node(Map(expr=arg(0) + 1.0), ("x",), ("y",), "y")]
    with pytest.raises(UnsupportedOperatorError, match=r"i32\[2\] is not supported, only f32"):
        typed({"x": "i32[2]"}, nodes, "y")


def test_sums_of_bools_are_refused() -> None:
    nodes = [Node(Reduce(axes=(0,), fold="sum"), ("x",), ("y",), "y")]
    with pytest.raises(UnsupportedOperatorError, match="the sum of bool is not supported"):
        typed({"x": "bool[2]"}, nodes, "y")


def test_a_view_of_a_constant_has_its_elements() -> None:
    nodes = [Node(View(shape=()), ("c",), ("y",), "y")]
    with pytest.raises(ShapeError, match=r"i64\[2\] does not have the elements of \[\]"):
        typed({}, nodes, "y", {"c": filled(1, 2, dtype=I64)})
