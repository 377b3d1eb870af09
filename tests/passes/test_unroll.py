"""Loops in the text of graphs: what becomes of a body's nodes, names and origins."""

from __future__ import annotations

import pytest
from wasmkiln.errors import DataDependentError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import BOOL, F32, I64
from wasmkiln.ir.graph import Graph
from wasmkiln.ir.types import InputType
from wasmkiln.ops.loop import Loop, Scan
from wasmkiln.record import replace

from tests.passes.graphs import body, node, typed

SCALARS = {"i": InputType(I64, ()), "c": InputType(BOOL, ())}
LOOP = Loop(
    body=Graph(
        "body",
        (node("Add", "v w", "next"),),
        SCALARS | {"v": InputType(F32, None)},
        {"c": "c", "next": "next"},
        {},
    )
)
SCAN = Scan(
    body=Graph(
        "body",
        (node("Add", "v x", "next"),),
        {"v": InputType(F32, None), "x": InputType(F32, None)},
        {"next": "next"},
        {},
    ),
    num_scan_inputs=1,
)


def test_each_iteration_has_its_own_names() -> None:
    g = typed(
        {"start": "f32[4]", "w": "f32[4]"},
        [node(LOOP, "m - start", "y", "loop")],
        "y",
        {"m": Const.scalar(I64, 2)},
    )
    assert body(g) == (
        "next.3: f32[4] = Add(start, w)\nnext.5: f32[4] = Add(next.3, w)\n-> y = next.5\n"
    )


def test_a_body_works_on_the_slices_of_a_scan() -> None:
    g = typed({"start": "f32[4]", "xs": "f32[2,4]"}, [node(SCAN, "start xs", "y", "scan")], "y")
    assert (
        body(g)
        == """\
xs.1: f32[1,4] = StridedSlice(starts=(0, 0), steps=(1, 1), sizes=(1, 4))(xs)
xs.2: f32[4] = View(shape=(4,))(xs.1)
next.3: f32[4] = Add(start, xs.2)
xs.4: f32[1,4] = StridedSlice(starts=(1, 0), steps=(1, 1), sizes=(1, 4))(xs)
xs.5: f32[4] = View(shape=(4,))(xs.4)
next.6: f32[4] = Add(next.3, xs.5)
-> y = next.6
"""
    )


def test_nodes_say_which_loop_they_carry_out() -> None:
    inner = replace(LOOP.body, nodes=(node("Add", "v w", "next", "sum"),))
    loop = LOOP.with_(body=inner)
    inputs = {"start": "f32[4]", "w": "f32[4]"}
    g = typed(inputs, [node(loop, "m - start", "y", "loop")], "y", {"m": Const.scalar(I64, 2)})
    assert [n.origin for n in g.nodes] == [("loop", "sum")] * 2


def test_unknown_counts_name_the_input_behind_them() -> None:
    inputs = {"start": "f32[4]", "w": "f32[4]", "m": "i64[]"}
    with pytest.raises(DataDependentError, match=r"Loop 'loop'.*the trip count") as caught:
        typed(inputs, [node(LOOP, "m - start", "y", "loop")], "y")
    assert caught.value.inputs == ("m",)
