"""Small models that ask for too much: of memory, of time, or of patience.

Each function gives a model; its name is the case's. What a model asks for may well be refused, or
computed; it must not be tried blindly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["BOMBS"]

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
HUGE = 2**62
Array = np.ndarray[Any, Any]

BOMBS: dict[str, Callable[[], onnx.ModelProto]] = {}


def _model(
    nodes: Sequence[onnx.NodeProto],
    consts: dict[str, Any] | None = None,
    shape: Sequence[int | str] = (2, 3),
    output: str = "y",
    opset: int = 21,
    functions: Sequence[onnx.FunctionProto] = (),
    dtype: int = FLOAT,
) -> onnx.ModelProto:
    weights = [numpy_helper.from_array(np.asarray(v), n) for n, v in (consts or {}).items()]
    inputs = [helper.make_tensor_value_info("x", dtype, shape)]
    outputs = [onnx.ValueInfoProto(name=output)]
    outputs[0].type.tensor_type.elem_type = FLOAT
    graph = helper.make_graph(nodes, "bomb", inputs, outputs, weights)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=10)


def _node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    names = ["" if n == "-" else n for n in inputs.split()]
    return helper.make_node(op, names, outputs.split(), **attributes)


def _add(name: str, *nodes: onnx.NodeProto, **how: Any) -> None:
    BOMBS[name] = lambda: _model(nodes, **how)


def _ints(*values: int) -> Array:
    return np.array(values, "int64")


def _use(value: str) -> onnx.NodeProto:
    """Makes a value, whatever its dtype, part of the output."""
    return _node("Shape", value, "y")


for _n in (2**31 - 1, 2**32, 2**40, 2**62, -1):
    _add(f"constant_of_shape_{_n}", _node("ConstantOfShape", "s", "c"), _node("ReduceSum", "c"),
         consts={"s": _ints(_n)})  # fmt: skip
    _add(f"tile_{_n}", _node("Tile", "x s"), consts={"s": _ints(_n, 2)})
    _add(f"expand_{_n}", _node("Expand", "x s"), consts={"s": _ints(_n, 1, 1)})
    _add(f"pad_{_n}", _node("Pad", "x s"), consts={"s": _ints(0, _n, 0, 0)})
    _add(f"range_{_n}", _node("Range", "a b c", "r"), _node("Add", "r r"),
         consts={"a": np.int64(0), "b": np.int64(_n), "c": np.int64(1)})  # fmt: skip
    _add(f"one_hot_{_n}", _node("OneHot", "i d v"),
         consts={"i": _ints(1, 2), "d": np.int64(_n), "v": np.array([0, 1], "f4")})  # fmt: skip
    _add(f"reshape_{_n}", _node("Reshape", "x s"), consts={"s": _ints(_n, 2)})
    _add(f"resize_{_n}", _node("Resize", "x - - s"), consts={"s": _ints(_n, 3)})
    _add(f"top_k_{_n}", _node("TopK", "x k", "y i"), consts={"k": _ints(_n)})
    _add(f"window_{_n}", _node("HannWindow", "n"), consts={"n": np.int64(_n)})
    _add(f"split_{_n}", _node("Split", "x s", "y z"), consts={"s": _ints(_n, 2 - _n)})
    _add(f"slice_{_n}", _node("Slice", "x a b c d"),
         consts={"a": _ints(0), "b": _ints(_n), "c": _ints(0), "d": _ints(-_n)})  # fmt: skip
    _add(f"gather_{_n}", _node("Gather", "x i"), consts={"i": _ints(_n, 0)})
    _add(f"gather_nd_{_n}", _node("GatherND", "x i"), consts={"i": _ints(_n)})
    _add(f"scatter_{_n}", _node("ScatterND", "x i u"),
         consts={"i": _ints(_n, 0)[None], "u": np.zeros(1, "f4")})  # fmt: skip
    _add(f"depth_to_space_{_n}", _node("DepthToSpace", "x", blocksize=_n), shape=[1, 4, 2, 2])
    _add(f"unsqueeze_{_n}", _node("Unsqueeze", "x a"), consts={"a": _ints(_n)})
    _add(f"max_pool_{_n}", _node("MaxPool", "x", kernel_shape=[_n]), shape=[1, 1, 9])
    _add(f"average_pool_pads_{_n}", _node("AveragePool", "x", kernel_shape=[3], pads=[_n, _n]),
         shape=[1, 1, 9])  # fmt: skip
    for _field in ("strides", "dilations", "pads", "output_padding"):
        _w = {"w": np.ones((1, 1, 3), "f4")}
        _size = [_n, _n] if _field == "pads" else [_n]
        _add(f"conv_transpose_{_field}_{_n}", _node("ConvTranspose", "x w", **{_field: _size}),
             consts=_w, shape=[1, 1, 9])  # fmt: skip
        if _field != "output_padding":
            _add(f"conv_{_field}_{_n}", _node("Conv", "x w", **{_field: _size}), consts=_w,
                 shape=[1, 1, 9])  # fmt: skip
    _add(f"lrn_{_n}", _node("LRN", "x", size=_n), shape=[1, 3, 4, 4])
    _add(f"eye_{_n}", _node("ConstantOfShape", "s", "c"), _node("EyeLike", "c"),
         consts={"s": _ints(_n, _n)})  # fmt: skip
    _add(f"input_{_n}", _node("Relu", "x"), shape=[_n, 2])
    _add(f"input_products_{_n}", _node("Relu", "x"), shape=[_n, _n, _n, 0])
    _add(f"hidden_size_{_n}", _node("LSTM", "x w r", hidden_size=_n), shape=[3, 1, 2],
         consts={"w": np.ones((1, 4, 2), "f4"), "r": np.ones((1, 4, 1), "f4")})  # fmt: skip
    _add(f"group_{_n}", _node("Conv", "x w", group=_n), consts={"w": np.ones((1, 1, 3), "f4")},
         shape=[1, 1, 9])  # fmt: skip

# Numbers that plain Python would make as large as they are.
for _op in ("Pow", "Mul", "Add", "Div", "Mod"):
    _add(f"fold_{_op}", _node(_op, "a b"), consts={"a": _ints(9, HUGE), "b": _ints(HUGE, -HUGE)})
for _direction in ("LEFT", "RIGHT"):
    _c = {"a": np.array([3, 2**63], "u8"), "b": np.array([HUGE, 2**64 - 1], "u8")}
    _add(f"fold_shift_{_direction}", _node("BitShift", "a b", direction=_direction), consts=_c)
_add("fold_shift_signed", _node("BitShift", "a b", direction="LEFT"), opset=26,
     consts={"a": _ints(3), "b": _ints(HUGE)})  # fmt: skip
_add("fold_negative_power", _node("Pow", "a b"), consts={"a": _ints(0), "b": _ints(-HUGE)})
_add("fold_cast", _node("Cast", "a", to=INT64), consts={"a": np.array([1e300, np.inf, np.nan])})
_add("fold_floor", _node("Floor", "a", "b"), _node("Exp", "b"), consts={"a": np.array([1e300])})
_add("range_of_a_float", _node("Range", "a b c"),
     consts={"a": np.float32(0), "b": np.float32(1e30), "c": np.float32(1e-30)})  # fmt: skip
_add("range_of_nan", _node("Range", "a b c"),
     consts={"a": np.float32(0), "b": np.float32(np.nan), "c": np.float32(1)})  # fmt: skip
_add("range_without_step", _node("Range", "a b c"),
     consts={"a": np.int64(0), "b": np.int64(9), "c": np.int64(0)})  # fmt: skip
_add("fold_tile", _node("Tile", "c s", "z"), _use("z"),
     consts={"c": np.ones(1000, "i8"), "s": _ints(2**20)})  # fmt: skip
_add("fold_expand", _node("Expand", "c s", "z"), _node("Mul", "z z", "w"), _use("w"),
     consts={"c": _ints(1), "s": _ints(2**26)})  # fmt: skip


def _bomb(build: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    BOMBS[build.__name__.strip("_")] = build
    return build


def _chain(op: str, count: int, twice: bool = False, **attributes: Any) -> list[onnx.NodeProto]:
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    return [
        _node(op, f"{a} {a}" if twice else a, b, **attributes)
        for a, b in zip(names, names[1:], strict=False)
    ]


@_bomb
def _doubling_by_concat() -> onnx.ModelProto:
    return _model(_chain("Concat", 60, twice=True, axis=0))


@_bomb
def _doubling_of_constants() -> onnx.ModelProto:
    nodes = [_node("Concat", "c c", "t0", axis=0)]
    nodes += [_node("Concat", f"t{i} t{i}", f"t{i + 1}", axis=0) for i in range(40)]
    return _model([*nodes, _use("t40")], {"c": np.ones(512, "i8")})


@_bomb
def _twenty_thousand_nodes() -> onnx.ModelProto:
    return _model(_chain("Relu", 20_000))


@_bomb
def _twenty_thousand_matrix_products() -> onnx.ModelProto:
    names = ["x", *(f"t{i}" for i in range(9_999)), "y"]
    pairs = zip(names, names[1:], strict=False)
    nodes = [
        n
        for a, b in pairs
        for n in (_node("MatMul", f"{a} w", f"{b}m"), _node("Relu", f"{b}m", b))
    ]
    return _model(nodes, {"w": np.eye(3, dtype="f4")})


@_bomb
def _twenty_thousand_shapes() -> onnx.ModelProto:
    nodes = []
    for i in range(5_000):
        nodes += [
            _node("Shape", "x", f"s{i}"),
            _node("Gather", f"s{i} zero", f"g{i}"),
            _node("Concat", f"g{i} three", f"c{i}", axis=0),
            _node("Reshape", f"x c{i}", f"r{i}"),
        ]
    nodes.append(_node("Max", " ".join(f"r{i}" for i in range(5_000))))
    return _model(nodes, {"zero": _ints(0), "three": _ints(3)})


@_bomb
def _many_transposes() -> onnx.ModelProto:
    return _model(_chain("Transpose", 10_000, perm=[1, 0]))


@_bomb
def _a_concat_of_many() -> onnx.ModelProto:
    return _model([_node("Concat", " ".join(["x"] * 100_000), axis=0)])


@_bomb
def _a_sum_of_many() -> onnx.ModelProto:
    return _model([_node("Sum", " ".join(["x"] * 50_000))])


@_bomb
def _a_split_into_many() -> onnx.ModelProto:
    outputs = " ".join(["y", *(f"z{i}" for i in range(49_999))])
    return _model([_node("Split", "x", outputs, axis=0, num_outputs=50_000)], shape=[50_000, 3])


@_bomb
def _one_value_used_by_thousands() -> onnx.ModelProto:
    nodes = [_node("Exp", "x", "e"), *(_node("Tanh", "e", f"t{i}") for i in range(3_000))]
    return _model([*nodes, _node("Concat", " ".join(f"t{i}" for i in range(3_000)), axis=0)])


@_bomb
def _an_exponential_diamond() -> onnx.ModelProto:
    return _model(_chain("Add", 200, twice=True))


@_bomb
def _an_exponential_diamond_of_constants() -> onnx.ModelProto:
    nodes = [_node("Mul", "c c", "t0")]
    nodes += [_node("Mul", f"t{i} t{i}", f"t{i + 1}") for i in range(500)]
    return _model([*nodes, _node("Cast", "t500", to=FLOAT)], {"c": _ints(3)})


@_bomb
def _a_long_chain_of_cubes() -> onnx.ModelProto:
    nodes = [_node("Relu", "x", "t0")]
    for i in range(60):
        nodes += [_node("Mul", f"t{i} t{i}", f"u{i}"), _node("Sub", f"u{i} t{i}", f"t{i + 1}")]
    return _model([*nodes, _node("Abs", "t60")])


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
    inner = helper.make_graph([_node("Identity", "go", "on"), *body], "body", inputs, outputs)
    return _model([_node("Loop", "n t x", body=inner)], {"n": np.int64(trips), "t": np.bool_(True)})


for _trips in (40, 5_000, 2**60, 2**63 - 1, -1):
    BOMBS[f"loop_doubling_{_trips}"] = lambda n=_trips: _loop(n, [_node("Concat", "v v", "w", axis=0)])
    BOMBS[f"loop_adding_{_trips}"] = lambda n=_trips: _loop(n, [_node("Add", "v v", "w")])
    BOMBS[f"loop_idle_{_trips}"] = lambda n=_trips: _loop(n, [_node("Identity", "v", "w")])


@_bomb
def _loops_in_loops() -> onnx.ModelProto:
    model = _loop(100, [_node("Add", "v v", "w")])
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
        [_node("Add", "s e", "t"), _node("Identity", "t", "o")], "body",
        [value("s", FLOAT, [3]), value("e", FLOAT, [3])],
        [value("t", FLOAT, [3]), value("o", FLOAT, [3])],
    )  # fmt: skip
    scan = _node("Scan", "z x", "f y", body=body, num_scan_inputs=1)
    return _model([scan], {"z": np.zeros(3, "f4")}, shape=[1_000_000, 3])


def _nested_ifs(depth: int) -> onnx.GraphProto:
    value = helper.make_tensor_value_info("r", FLOAT, None)
    graph = helper.make_graph([_node("Relu", "x", "r")], "leaf", [], [value])
    for _ in range(depth):
        node = _node("If", "c", "r", then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "branch", [], [value])
    return graph


@_bomb
def _ifs_nested_and_doubling() -> onnx.ModelProto:
    graph = _nested_ifs(10)
    node = _node("If", "c", then_branch=graph, else_branch=graph)
    return _model([node], {"c": np.bool_(True)})


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
    return _model([helper.make_node("f29", ["x"], ["y"], domain="own")], functions=functions)


@_bomb
def _a_function_of_itself() -> onnx.ModelProto:
    imports = [helper.make_opsetid("own", 1)]
    body = [helper.make_node("f", ["a"], ["b"], domain="own")]
    functions = [helper.make_function("own", "f", ["a"], ["b"], body, imports)]
    return _model([helper.make_node("f", ["x"], ["y"], domain="own")], functions=functions)


@_bomb
def _functions_nested_deep() -> onnx.ModelProto:
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    functions = []
    for i in range(3_000):
        body = [helper.make_node(f"f{i + 1}", ["a"], ["b"], domain="own")]
        functions.append(helper.make_function("own", f"f{i}", ["a"], ["b"], body, imports))
    return _model([helper.make_node("f0", ["x"], ["y"], domain="own")], functions=functions)


@_bomb
def _rank_of_a_thousand() -> onnx.ModelProto:
    return _model([_node("Reshape", "x s", "t"), _node("Transpose", "t")], {"s": _ints(*[1] * 998, 2, 3)})


@_bomb
def _rank_of_sixty_twos() -> onnx.ModelProto:
    return _model([_node("Expand", "x s", "t"), _node("ReduceSum", "t")], {"s": _ints(*[2] * 60, 2, 3)})


@_bomb
def _einsum_of_many_letters() -> onnx.ModelProto:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return _model([_node("Einsum", "x x", equation=f"ab,{letters[2:4]}->abcd")])


@_bomb
def _outer_products() -> onnx.ModelProto:
    nodes = [_node("Einsum", "x x", "t0", equation="ab,cd->abcd")]
    nodes.append(_node("Einsum", "t0 t0", "t1", equation="abcd,efgh->abcdefgh"))
    nodes.append(_node("Einsum", "t1 t1", equation="abcdefgh,ijklmnop->abcdefghijklmnop"))
    return _model(nodes, shape=[8, 8])


@_bomb
def _wide_broadcasts() -> onnx.ModelProto:
    nodes, name = [], "x"
    for i in range(12):
        dims = _ints(*[1] * i, -1, *[1] * (12 - i))
        nodes += [_node("Constant", "", f"s{i}", value=numpy_helper.from_array(dims)),
                  _node("Reshape", f"x s{i}", f"r{i}"),
                  _node("Add", f"{name} r{i}" if i else "r0 r0", f"a{i}")]  # fmt: skip
        name = f"a{i}"
    return _model([*nodes, _node("ReduceMax", name)], shape=[64])


@_bomb
def _a_string_of_megabytes() -> onnx.ModelProto:
    return _model([_node("Cast", "x", to=TensorProto.STRING), _node("Resize", "x", mode="x" * 2**22)])


@_bomb
def _attributes_by_the_million() -> onnx.ModelProto:
    return _model([_node("Transpose", "x", perm=[0] * 1_000_000)])


@_bomb
def _axes_by_the_hundred_thousand() -> onnx.ModelProto:
    return _model([_node("Unsqueeze", "x a")], {"a": np.arange(100_000)})


@_bomb
def _a_list_of_ints_as_a_constant() -> onnx.ModelProto:
    return _model([_node("Constant", "", "c", value_ints=list(range(300_000))), _use("c")])


@_bomb
def _strings_where_numbers_belong() -> onnx.ModelProto:
    texts = helper.make_tensor("s", TensorProto.STRING, [2], [b"2", b"3"])
    model = _model([_node("Reshape", "x s", "t"), _node("Add", "t s")])
    model.graph.initializer.append(texts)
    return model


@_bomb
def _a_large_product() -> onnx.ModelProto:
    return _model([_node("MatMul", "a b")],
                  {"a": np.zeros((1, 4096), "f4"), "b": np.zeros((4096, 1), "f4")})  # fmt: skip


@_bomb
def _an_outer_product_of_a_gigabyte() -> onnx.ModelProto:
    return _model([_node("MatMul", "a b", "t"), _node("ReduceSum", "t")],
                  {"a": np.zeros((30_000, 1), "f4"), "b": np.zeros((1, 30_000), "f4")})  # fmt: skip


@_bomb
def _many_large_outputs() -> onnx.ModelProto:
    model = _model([_node("Expand", "x s", f"y{i}") for i in range(64)], {"s": _ints(2**20, 2, 3)},
                   output="y0")  # fmt: skip
    for i in range(1, 64):
        model.graph.output.add(name=f"y{i}").type.tensor_type.elem_type = FLOAT
    return model


@_bomb
def _pads_by_data() -> onnx.ModelProto:
    nodes = [_node("Cast", "x", "i", to=INT64), _node("Reshape", "i s", "p"), _node("Pad", "x p")]
    return _model(nodes, {"s": _ints(-1)})


@_bomb
def _a_shape_by_data() -> onnx.ModelProto:
    nodes = [_node("Mul", "x k", "m"), _node("ConstantOfShape", "m")]
    return _model(nodes, {"k": _ints(HUGE)}, shape=[3], dtype=INT64)


@_bomb
def _an_input_that_repeats_a_loop() -> onnx.ModelProto:
    model = _loop(1, [_node("Add", "v v", "w")])
    del model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info("n", INT64, []))
    return model


@_bomb
def _a_dynamic_window() -> onnx.ModelProto:
    nodes = [_node("ReduceMax", "x", "m", keepdims=0), _node("HannWindow", "m")]
    return _model(nodes, shape=[3], dtype=INT64)
