"""Maps that feed each other become one."""

from __future__ import annotations

from collections.abc import Sequence

from wasmkiln.ir.const import Const
from wasmkiln.ir.graph import Node
from wasmkiln.options import CompileOptions
from wasmkiln.passes.algebra import weight
from wasmkiln.passes.expand import expand
from wasmkiln.passes.fuse import MAX_INPUTS, MAX_WEIGHT, fuse_maps
from wasmkiln.passes.maps import to_maps

from tests.passes.graphs import OPTIONS, filled, node, run, typed, weights

X = {"x": "f32[64,64]", "z": "f32[64,64]", "row": "f32[64]", "i": "i64[64,64]"}


def fused(
    nodes: Sequence[Node], outputs: str = "y", options: CompileOptions = OPTIONS, **consts: Const
) -> str:
    """The text after fusing."""
    return run(typed(X, nodes, outputs, consts), expand, to_maps, fuse_maps, options=options)


def test_a_chain_becomes_one_expression() -> None:
    nodes = [node("Mul", "x k", "a"), node("Add", "a row", "b"), node("Relu", "b", "y")]
    assert fused(nodes, k=filled(0.5)) == (
        "y: f32[64,64] = Map(expr=max(add(mul(x1, 0.5), x0), 0.0))(row, x)\n-> y\n"
    )


def test_a_value_used_twice_in_one_place_is_computed_once() -> None:
    nodes = [node("Add", "x z", "h"), node("Sigmoid", "h", "s"), node("Mul", "h s", "y")]
    text = fused(nodes)
    assert text.count("Map(") == 1 and text.count("(x, z)") == 1


def test_switched_off_it_changes_nothing() -> None:
    nodes = [node("Neg", "x", "a"), node("Exp", "a", "y")]
    assert fused(nodes, options=CompileOptions(fuse=False)).count("Map(") == 2


def test_what_an_output_needs_is_not_computed_twice() -> None:
    nodes = [node("Exp", "x", "a"), node("Neg", "a", "y")]
    assert fused(nodes, "a y").count("Map(") == 2


def test_a_single_operation_is_repeated_if_only_maps_use_it() -> None:
    nodes = [node("Sub", "x row", "d"), node("Exp", "d", "y"), node("Abs", "d", "w")]
    assert fused(nodes, "y w") == (
        "y: f32[64,64] = Map(expr=exp(sub(x0, x1)))(x, row)\n"
        "w: f32[64,64] = Map(expr=abs(sub(x0, x1)))(x, row)\n"
        "-> y\n-> w\n"
    )
    nodes[0:1] = [node("Sub", "x row", "c"), node("Tanh", "c", "d")]
    assert fused(nodes, "y w").count("tanh") == 1


def test_behind_a_product_it_is_left_for_the_epilogue() -> None:
    nodes = [node("MatMul", "x z", "p"), node("Sub", "p row", "d")]
    nodes += [node("Exp", "d", "y"), node("Abs", "d", "w")]
    assert fused(nodes, "y w").count("sub(") == 1


def test_a_smaller_operand_is_not_computed_for_each_element() -> None:
    nodes = [node("Exp", "row", "e"), node("Add", "x e", "y")]
    assert fused(nodes).count("Map(") == 2


def test_in_tiny_tensors_it_is() -> None:
    nodes = [node("Exp", "s", "e"), node("Add", "r e", "y")]
    g = typed({"s": "f32[1]", "r": "f32[16]"}, nodes, "y")
    assert run(g, to_maps, fuse_maps).count("Map(") == 1


def test_what_is_known_at_load_is_not_computed_again() -> None:
    nodes = [node("Exp", "w", "e"), node("Add", "x e", "y")]
    assert fused(nodes, w=weights(64, 64)).count("Map(") == 2


def test_eight_byte_elements_do_not_slow_others_down() -> None:
    nodes = [node("Exp", "x", "e"), node("Cast", "i", "c", to=1), node("Mul", "e c", "y")]
    text = fused(nodes)
    assert text.count("Map(") == 2
    assert "mul(exp(x1), x0)" in text or "mul(exp(x0), x1)" in text


def test_neither_operands_nor_operations_grow_without_bound() -> None:
    many = [node("Add", f"a{i} x{i}", f"a{i + 1}") for i in range(20)]
    inputs = {"a0": "f32[64,64]", **{f"x{i}": "f32[64,64]" for i in range(20)}}
    g = fuse_maps(to_maps(typed(inputs, many, "a20"), OPTIONS), OPTIONS)
    assert 1 < len(g.nodes) < 8 and max(len(n.inputs) for n in g.nodes) == MAX_INPUTS
    long = [node(("Exp", "Neg", "Abs")[i % 3], f"a{i}", f"a{i + 1}") for i in range(200)]
    g = fuse_maps(to_maps(typed(inputs, long, "a200"), OPTIONS), OPTIONS)
    assert 1 < len(g.nodes) < 8
    assert all(weight(n.op.expr) <= MAX_WEIGHT for n in g.nodes)  # type: ignore[attr-defined]


def test_shared_parts_do_not_explode() -> None:
    nodes = [node("Mul", f"a{i} a{i}", f"b{i}") for i in range(24)]
    nodes = [n for i in range(24) for n in (nodes[i], node("Add", f"b{i} a{i}", f"a{i + 1}"))]
    g = fuse_maps(to_maps(typed({"a0": "f32[64,64]"}, nodes, "a24"), OPTIONS), OPTIONS)
    assert all(n.op.expr.size <= 512 for n in g.nodes)  # type: ignore[attr-defined]


def test_the_origins_unite() -> None:
    nodes = [node("Neg", "x", "a", "first"), node("Exp", "a", "y", "second")]
    g = fuse_maps(to_maps(typed(X, nodes, "y"), OPTIONS), OPTIONS)
    assert [n.origin for n in g.nodes] == [("first", "second")]
