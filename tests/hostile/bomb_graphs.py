"""Small models whose structure asks for too much: of nodes, of depth, of doubling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.hostile.building import BOMBS, FLOAT, HUGE, INT64, ints, model, node, use

__all__: list[str] = []


def _bomb(build: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    BOMBS[build.__name__.strip("_")] = build
    return build


def _chain(op: str, count: int, twice: bool = False, **attributes: Any) -> list[onnx.NodeProto]:
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    return [node(op, f"{a} {a}" if twice else a, b, **attributes) for a, b in pairwise(names)]


@_bomb
def _doubling_by_concat() -> onnx.ModelProto:
    return model(_chain("Concat", 60, twice=True, axis=0))


@_bomb
def _doubling_of_constants() -> onnx.ModelProto:
    nodes = [node("Concat", "c c", "t0", axis=0)]
    nodes += [node("Concat", f"t{i} t{i}", f"t{i + 1}", axis=0) for i in range(40)]
    return model([*nodes, use("t40")], {"c": np.ones(512, "i8")})


@_bomb
def _twenty_thousand_nodes() -> onnx.ModelProto:
    return model(_chain("Relu", 20_000))


@_bomb
def _twenty_thousand_matrix_products() -> onnx.ModelProto:
    names = ["x", *(f"t{i}" for i in range(9_999)), "y"]
    pairs = pairwise(names)
    nodes = [
        n for a, b in pairs for n in (node("MatMul", f"{a} w", f"{b}m"), node("Relu", f"{b}m", b))
    ]
    return model(nodes, {"w": np.eye(3, dtype="f4")})


@_bomb
def _twenty_thousand_shapes() -> onnx.ModelProto:
    nodes = []
    for i in range(5_000):
        nodes += [
            node("Shape", "x", f"s{i}"),
            node("Gather", f"s{i} zero", f"g{i}"),
            node("Concat", f"g{i} three", f"c{i}", axis=0),
            node("Reshape", f"x c{i}", f"r{i}"),
        ]
    nodes.append(node("Max", " ".join(f"r{i}" for i in range(5_000))))
    return model(nodes, {"zero": ints(0), "three": ints(3)})


@_bomb
def _many_transposes() -> onnx.ModelProto:
    return model(_chain("Transpose", 10_000, perm=[1, 0]))


@_bomb
def _a_concat_of_many() -> onnx.ModelProto:
    return model([node("Concat", " ".join(["x"] * 100_000), axis=0)])


@_bomb
def _a_sum_of_many() -> onnx.ModelProto:
    return model([node("Sum", " ".join(["x"] * 50_000))])


@_bomb
def _a_split_into_many() -> onnx.ModelProto:
    outputs = " ".join(["y", *(f"z{i}" for i in range(49_999))])
    return model([node("Split", "x", outputs, axis=0, num_outputs=50_000)], shape=[50_000, 3])


@_bomb
def _one_value_used_by_thousands() -> onnx.ModelProto:
    nodes = [node("Exp", "x", "e"), *(node("Tanh", "e", f"t{i}") for i in range(3_000))]
    return model([*nodes, node("Concat", " ".join(f"t{i}" for i in range(3_000)), axis=0)])


@_bomb
def _an_exponential_diamond() -> onnx.ModelProto:
    return model(_chain("Add", 200, twice=True))


@_bomb
def _an_exponential_diamond_of_constants() -> onnx.ModelProto:
    nodes = [node("Mul", "c c", "t0")]
    nodes += [node("Mul", f"t{i} t{i}", f"t{i + 1}") for i in range(500)]
    return model([*nodes, node("Cast", "t500", to=FLOAT)], {"c": ints(3)})


@_bomb
def _a_long_chain_of_cubes() -> onnx.ModelProto:
    nodes = [node("Relu", "x", "t0")]
    for i in range(60):
        nodes += [node("Mul", f"t{i} t{i}", f"u{i}"), node("Sub", f"u{i} t{i}", f"t{i + 1}")]
    return model([*nodes, node("Abs", "t60")])


def _loop(trips: int, body: Sequence[onnx.NodeProto], axes: int = 2) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("i", INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        helper.make_tensor_value_info("v", FLOAT, [None] * axes),
    ]
    outputs = [
        helper.make_tensor_value_info("on", TensorProto.BOOL, []),
        helper.make_tensor_value_info("w", FLOAT, [None] * axes),
    ]
    inner = helper.make_graph([node("Identity", "go", "on"), *body], "body", inputs, outputs)
    return model([node("Loop", "n t x", body=inner)], {"n": np.int64(trips), "t": np.bool_(True)})


def _body(op: str, inputs: str, trips: int, **attributes: Any) -> Callable[[], onnx.ModelProto]:
    return lambda: _loop(trips, [node(op, inputs, "w", **attributes)])


for _trips in (40, 5_000, 2**60, 2**63 - 1, -1):
    BOMBS[f"loop_doubling_{_trips}"] = _body("Concat", "v v", _trips, axis=0)
    BOMBS[f"loop_adding_{_trips}"] = _body("Add", "v v", _trips)
    BOMBS[f"loop_idle_{_trips}"] = _body("Identity", "v", _trips)


@_bomb
def _loops_in_loops() -> onnx.ModelProto:
    model = _loop(100, [node("Add", "v v", "w")])
    for _ in range(6):
        loop = onnx.NodeProto()
        loop.CopyFrom(model.graph.node[0])
        loop.input[:] = ["n", "t", "v"]
        loop.output[:] = ["w"]
        model = _loop(100, [loop])
    return model


@_bomb
def _a_scan_of_many() -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Add", "s e", "t"), node("Identity", "t", "o")], "body",
        [value("s", FLOAT, [3]), value("e", FLOAT, [3])],
        [value("t", FLOAT, [3]), value("o", FLOAT, [3])],
    )  # fmt: skip
    scan = node("Scan", "z x", "f y", body=body, num_scan_inputs=1)
    return model([scan], {"z": np.zeros(3, "f4")}, shape=[1_000_000, 3])


def _nested_ifs(depth: int) -> onnx.GraphProto:
    value = helper.make_tensor_value_info("r", FLOAT, None)
    graph = helper.make_graph([node("Relu", "x", "r")], "leaf", [], [value])
    for _ in range(depth):
        branches = node("If", "c", "r", then_branch=graph, else_branch=graph)
        graph = helper.make_graph([branches], "branch", [], [value])
    return graph


@_bomb
def _ifs_nested_and_doubling() -> onnx.ModelProto:
    graph = _nested_ifs(10)
    branches = node("If", "c", then_branch=graph, else_branch=graph)
    return model([branches], {"c": np.bool_(True)})


@_bomb
def _functions_that_double() -> onnx.ModelProto:
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    functions = []
    for i in range(30):
        inner = f"f{i - 1}" if i else "Neg"
        domain = "own" if i else ""
        body = [
            helper.make_node(inner, ["a"], ["b"], domain=domain),
            helper.make_node(inner, ["b"], ["c"], domain=domain),
        ]
        functions.append(helper.make_function("own", f"f{i}", ["a"], ["c"], body, imports))
    return model([helper.make_node("f29", ["x"], ["y"], domain="own")], functions=functions)


@_bomb
def _a_function_of_itself() -> onnx.ModelProto:
    imports = [helper.make_opsetid("own", 1)]
    body = [helper.make_node("f", ["a"], ["b"], domain="own")]
    functions = [helper.make_function("own", "f", ["a"], ["b"], body, imports)]
    return model([helper.make_node("f", ["x"], ["y"], domain="own")], functions=functions)


@_bomb
def _functions_nested_deep() -> onnx.ModelProto:
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    functions = []
    for i in range(3_000):
        body = [helper.make_node(f"f{i + 1}", ["a"], ["b"], domain="own")]
        functions.append(helper.make_function("own", f"f{i}", ["a"], ["b"], body, imports))
    return model([helper.make_node("f0", ["x"], ["y"], domain="own")], functions=functions)


@_bomb
def _rank_of_a_thousand() -> onnx.ModelProto:
    return model(
        [node("Reshape", "x s", "t"), node("Transpose", "t")], {"s": ints(*[1] * 998, 2, 3)}
    )


@_bomb
def _rank_of_sixty_twos() -> onnx.ModelProto:
    return model([node("Expand", "x s", "t"), node("ReduceSum", "t")], {"s": ints(*[2] * 60, 2, 3)})


@_bomb
def _einsum_of_many_letters() -> onnx.ModelProto:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return model([node("Einsum", "x x", equation=f"ab,{letters[2:4]}->abcd")])


@_bomb
def _outer_products() -> onnx.ModelProto:
    nodes = [node("Einsum", "x x", "t0", equation="ab,cd->abcd")]
    nodes.append(node("Einsum", "t0 t0", "t1", equation="abcd,efgh->abcdefgh"))
    nodes.append(node("Einsum", "t1 t1", equation="abcdefgh,ijklmnop->abcdefghijklmnop"))
    return model(nodes, shape=[8, 8])


@_bomb
def _wide_broadcasts() -> onnx.ModelProto:
    nodes, name = [], "x"
    for i in range(12):
        dims = ints(*[1] * i, -1, *[1] * (12 - i))
        nodes += [node("Constant", "", f"s{i}", value=numpy_helper.from_array(dims)),
                  node("Reshape", f"x s{i}", f"r{i}"),
                  node("Add", f"{name} r{i}" if i else "r0 r0", f"a{i}")]  # fmt: skip
        name = f"a{i}"
    return model([*nodes, node("ReduceMax", name)], shape=[64])


@_bomb
def _a_string_of_megabytes() -> onnx.ModelProto:
    return model([node("Cast", "x", to=TensorProto.STRING), node("Resize", "x", mode="x" * 2**22)])


@_bomb
def _attributes_by_the_million() -> onnx.ModelProto:
    return model([node("Transpose", "x", perm=[0] * 1_000_000)])


@_bomb
def _axes_by_the_hundred_thousand() -> onnx.ModelProto:
    return model([node("Unsqueeze", "x a")], {"a": np.arange(100_000)})


@_bomb
def _a_list_of_ints_as_a_constant() -> onnx.ModelProto:
    return model([node("Constant", "", "c", value_ints=list(range(300_000))), use("c")])


@_bomb
def _strings_where_numbers_belong() -> onnx.ModelProto:
    texts = numpy_helper.from_array(np.array(["2", "3"], object), "s")
    made = model([node("Reshape", "x s", "t"), node("Add", "t s")])
    made.graph.initializer.append(texts)
    return made


@_bomb
def _a_large_product() -> onnx.ModelProto:
    return model([node("MatMul", "a b")],
                  {"a": np.zeros((1, 4096), "f4"), "b": np.zeros((4096, 1), "f4")})  # fmt: skip


@_bomb
def _an_outer_product_of_a_gigabyte() -> onnx.ModelProto:
    return model([node("MatMul", "a b", "t"), node("ReduceSum", "t")],
                  {"a": np.zeros((30_000, 1), "f4"), "b": np.zeros((1, 30_000), "f4")})  # fmt: skip


@_bomb
def _many_large_outputs() -> onnx.ModelProto:
    made = model([node("Expand", "x s", f"y{i}") for i in range(64)], {"s": ints(2**20, 2, 3)},
                   output="y0")  # fmt: skip
    for i in range(1, 64):
        made.graph.output.add(name=f"y{i}").type.tensor_type.elem_type = FLOAT
    return made


@_bomb
def _pads_by_data() -> onnx.ModelProto:
    nodes = [node("Cast", "x", "i", to=INT64), node("Reshape", "i s", "p"), node("Pad", "x p")]
    return model(nodes, {"s": ints(-1)})


@_bomb
def _a_shape_by_data() -> onnx.ModelProto:
    nodes = [node("Mul", "x k", "m"), node("ConstantOfShape", "m")]
    return model(nodes, {"k": ints(HUGE)}, shape=[3], dtype=INT64)


@_bomb
def _an_input_that_repeats_a_loop() -> onnx.ModelProto:
    model = _loop(1, [node("Add", "v v", "w")])
    del model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info("n", INT64, []))
    return model


@_bomb
def _a_dynamic_window() -> onnx.ModelProto:
    nodes = [node("ReduceMax", "x", "m", keepdims=0), node("HannWindow", "m")]
    return model(nodes, shape=[3], dtype=INT64)
