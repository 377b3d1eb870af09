"""Reductions do the elementwise work around them."""

from __future__ import annotations

from collections.abc import Sequence

from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import I64
from wasmkiln.ir.graph import Node
from wasmkiln.options import CompileOptions
from wasmkiln.passes.expand import expand
from wasmkiln.passes.fuse import fuse_maps
from wasmkiln.passes.maps import to_maps
from wasmkiln.passes.reductions import fuse_reductions

from tests.passes.graphs import OPTIONS, filled, node, run, typed

X = {"x": "f32[32,64]", "z": "f32[32,64]", "column": "f32[32,1]"}
CONSTS = {"axes": Const.of(I64, (1,), (1,)), "eps": filled(1e-5), "two": filled(2.0)}


def fused(nodes: Sequence[Node], outputs: str = "y", options: CompileOptions = OPTIONS) -> str:
    """The text after fusing."""
    passes = expand, to_maps, fuse_maps, fuse_reductions
    return run(typed(X, nodes, outputs, CONSTS), *passes, options=options)


def test_what_stands_in_front_is_done_on_the_way() -> None:
    text = fused([node("Exp", "x", "e"), node("ReduceSum", "e axes", "y")])
    assert text == (
        "y.1: f32[32,1] = Reduce(axes=(1,), fold='sum', pre=exp(x0), post=x0)(x)\n-> y = y.1\n"
    )


def test_what_stands_behind_is_done_to_the_result() -> None:
    nodes = [node("ReduceMean", "x axes", "m"), node("Add", "m eps", "a"), node("Sqrt", "a", "y")]
    text = fused(nodes)
    assert "post=sqrt(add(div(x0, x1), 9.999999747378752e-06))" in text and "Map" not in text


def test_layer_normalization_takes_three_kernels() -> None:
    nodes = [
        node("ReduceMean", "x axes", "m"),
        node("Sub", "x m", "d"),
        node("Pow", "d two", "q"),
        node("ReduceMean", "q axes", "v"),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "s"),
        node("Div", "d s", "y"),
    ]
    kernels = [line.partition(" = ")[2] for line in fused(nodes).splitlines()[:-1]]
    assert [k.partition("(")[0] for k in kernels] == ["Reduce", "Reduce", "Map"]
    assert "pre=mul(sub(x0, x1), sub(x0, x1))" in kernels[1]
    assert "div(sub(x1, x2), x0)" in kernels[2]


def test_operands_for_each_output_may_stand_behind_too() -> None:
    nodes = [node("ReduceMax", "x axes", "m"), node("Add", "m column", "y")]
    assert fused(nodes) == (
        "y: f32[32,1] = Reduce(axes=(1,), fold='max', pre=x0, post=add(x0, x2))(x, column)\n-> y\n"
    )


def test_two_full_operands_do_not_fit() -> None:
    text = fused([node("Mul", "x z", "p"), node("ReduceSum", "p axes", "y")])
    assert "Map(expr=mul(x0, x1))(x, z)" in text


def test_what_others_use_is_kept() -> None:
    text = fused([node("Exp", "x", "e"), node("ReduceSum", "e axes", "y")], "e y")
    assert "Map(expr=exp(x0))(x)" in text


def test_switched_off_it_changes_nothing() -> None:
    nodes = [node("Exp", "x", "e"), node("ReduceSum", "e axes", "y")]
    assert fused(nodes, options=CompileOptions(fuse=False)).count("Map(") == 1
