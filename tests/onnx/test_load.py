"""Whole models into checked graphs, and what is wrong with those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln.errors import (
    InvalidInputError,
    InvalidModelError,
    UnsupportedOperatorError,
    WasmkilnError,
)
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64, DType
from wasmkiln.ir.shape import Sym
from wasmkiln.ir.types import InputType
from wasmkiln.onnx.load import Model, ModelMetadata, load

from tests.onnx.make import model, reference, value

node = helper.make_node

SPARSE = helper.make_sparse_tensor(
    numpy_helper.from_array(np.float32([5]), "s"), numpy_helper.from_array(np.int64([1]), "i"), [3]
)


def loaded(*nodes: onnx.NodeProto, **more: Any) -> Model:
    return load(model(nodes, **more).SerializeToString())


def relu(**more: Any) -> Model:
    return loaded(node("Relu", ["x"], ["y"], name="act"), **more)


def test_what_a_model_holds() -> None:
    proto = model([node("Relu", ["x"], ["y"], name="act")])
    proto.producer_name, proto.producer_version = "maker", "2"
    helper.set_model_props(proto, {"author": "somebody"})
    data = proto.SerializeToString()
    ours = load(data)
    assert ours.graph.name == "test"
    assert ours.graph.inputs == {"x": InputType(F32, (2, 3))}
    assert ours.graph.outputs == {"y": "y"}
    assert ours.outputs == {"y": InputType(F32, (2, 3))}
    assert (ours.ir_version, ours.producer, ours.opsets) == (8, "maker 2", {"": 17})
    assert ours.metadata == {"author": "somebody"}
    assert [file.size for file in ours.files] == [len(data)]
    (only,) = ours.graph.nodes
    assert (only.op.op_type, only.inputs, only.outputs) == ("Relu", ("x",), ("y",))
    assert (only.name, only.origin) == ("act", ("act",))


def test_a_node_without_a_name_goes_by_its_output() -> None:
    (only,) = loaded(node("Relu", ["x"], ["y"])).graph.nodes
    assert (only.name, only.origin) == ("y", ("y",))


def test_all_ways_to_give_a_model(tmp_path: Path) -> None:
    data = model([node("Relu", ["x"], ["y"])]).SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    graphs = [load(given).graph for given in (data, bytearray(data), memoryview(data), path)]
    assert all(g == graphs[0] for g in graphs)
    assert load(str(path)).graph == graphs[0]


def test_large_initializers_are_not_read() -> None:
    big = numpy_helper.from_array(np.arange(3000, dtype=np.float32), "w")
    data = model([node("Add", ["x", "w"], ["y"])], initializers=[big]).SerializeToString()
    span = load(data).graph.consts["w"].data
    assert data[span.offset : span.offset + span.nbytes] == big.raw_data


def test_an_input_with_an_initializer_is_a_constant() -> None:
    weight = numpy_helper.from_array(np.float32([1, 2, 3]), "w")
    ours = loaded(
        node("Add", ["x", "w"], ["y"]),
        inputs=[value("x", (2, 3)), value("w", (3,))],
        initializers=[weight],
    )
    assert list(ours.graph.inputs) == ["x"]
    assert ours.graph.consts["w"].values() == (1, 2, 3)


def test_sparse_initializers_are_constants() -> None:
    proto = model([node("Add", ["x", "s"], ["y"])])
    proto.graph.sparse_initializer.append(SPARSE)
    assert load(proto.SerializeToString()).graph.consts["s"].values() == (0, 5, 0)


@pytest.mark.parametrize(
    ("attributes", "dtype", "shape", "values"),
    [
        ({"value": numpy_helper.from_array(np.float32([1, 2]), "t")}, F32, (2,), (1, 2)),
        ({"value_float": 1.5}, F32, (), (1.5,)),
        ({"value_floats": [1.5, 2.5]}, F32, (2,), (1.5, 2.5)),
        ({"value_int": -3}, I64, (), (-3,)),
        ({"value_ints": [4, 5]}, I64, (2,), (4, 5)),
        ({"sparse_value": SPARSE}, F32, (3,), (0, 5, 0)),
    ],
)
def test_constant_nodes_become_constants(
    attributes: dict[str, Any], dtype: DType, shape: tuple[int, ...], values: tuple[float, ...]
) -> None:
    ours = loaded(node("Constant", [], ["c"], **attributes), node("Add", ["x", "c"], ["y"]))
    assert [n.op.op_type for n in ours.graph.nodes] == ["Add"]
    const = ours.graph.consts["c"]
    assert (const.dtype, const.shape, const.values()) == (dtype, shape, values)


def test_sizes_of_inputs() -> None:
    ours = loaded(
        node("Relu", ["x"], ["y"]),
        inputs=[
            value("x", ("batch", 3, None, "?")),
            value("z", ("batch", "x_2", "?"), TensorProto.INT64),
            value("w", None),
            value("s", ()),
            value("m", (-1, 0)),
        ],
    )
    assert ours.graph.inputs == {
        "x": InputType(F32, (Sym("batch"), 3, Sym("x_2_", ""), Sym("x_3", "?"))),
        "z": InputType(I64, (Sym("batch"), Sym("x_2"), Sym("z_2", "?"))),
        "w": InputType(F32, None),
        "s": InputType(F32, ()),
        "m": InputType(F32, (Sym("m_0", ""), 0)),
    }


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([value("x", (-2,))], "input 'x' has the dimension -2"),
        ([value("x", (2**31,))], "input 'x' has the dimension 2147483648"),
        ([value("x", (1,) * 65)], "input 'x' has rank 65"),
        ([value("x", ())] * 2, "two inputs are named 'x'"),
        ([value("", ())], "input without a name"),
        ([onnx.ValueInfoProto(name="x")], "input 'x' has no type"),
        ([value("x", (), 99)], "input 'x' has the unknown element type 99"),
        ([helper.make_value_info("x", helper.make_sparse_tensor_type_proto(1, []))],
         "input 'x' is a sparse tensor, which is not supported"),
    ],
)  # fmt: skip
def test_inputs_that_are_refused(inputs: list[onnx.ValueInfoProto], message: str) -> None:
    with pytest.raises(WasmkilnError, match=message):
        relu(inputs=inputs)


def test_nodes_out_of_order_are_sorted() -> None:
    ours = loaded(node("Relu", ["t"], ["y"]), node("Neg", ["x"], ["t"]))
    assert [n.op.op_type for n in ours.graph.nodes] == ["Neg", "Relu"]


def test_absent_inputs() -> None:
    ours = loaded(
        node("Clip", ["x", "", "h"], ["t"]),
        node("Clip", ["t", "", ""], ["y"]),
        initializers=[numpy_helper.from_array(np.float32(6), "h")],
    )
    assert [n.inputs for n in ours.graph.nodes] == [("x", "", "h"), ("t",)]


def test_subgraphs_become_graphs() -> None:
    weight = numpy_helper.from_array(np.float32([1, 2, 3]), "w")
    then = helper.make_graph(
        [node("Add", ["t", "w"], ["a"])], "then", [], [value("a", (2, 3))], [weight]
    )
    other = helper.make_graph([], "else", [], [value("t", (2, 3))])
    ours = loaded(
        node("If", ["c"], ["y"], then_branch=then, else_branch=other),
        node("Neg", ["x"], ["t"]),
        inputs=[value("x", (2, 3)), value("c", (), TensorProto.BOOL)],
    )
    assert [n.op.op_type for n in ours.graph.nodes] == ["Neg", "If"]
    branch = ours.graph.nodes[1].op.then_branch
    assert branch.nodes[0].inputs == ("t", "w")
    assert branch.consts["w"].values() == (1, 2, 3)
    assert ours.graph.nodes[1].op.else_branch.outputs == {"t": "t"}


def branch(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "b", [], [value("r", (2, 3))])


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ([node("Relu", ["lost"], ["r"], name="n")], "If 'if' uses 'lost', which nothing defines"),
        ([], "If 'if' uses 'r', which nothing defines"),
        ([node("Relu", ["y"], ["r"])], "the graph has a cycle: If 'if'"),
        ([node("Relu", ["x"], ["r"])] * 2, "'r' is defined twice"),
        ([node("Relu", ["x", "x"], ["r"], name="n")], "If 'if': Relu 'n': inputs are"),
    ],
)
def test_unsound_subgraphs(inner: list[onnx.NodeProto], message: str) -> None:
    graphs = {"then_branch": branch(*inner), "else_branch": branch(node("Relu", ["x"], ["r"]))}
    with pytest.raises(InvalidModelError, match=message):
        loaded(node("If", ["x"], ["y"], name="if", **graphs))


def test_all_unsupported_operators_are_listed_once() -> None:
    with pytest.raises(UnsupportedOperatorError) as caught:
        loaded(
            node("Mystery", ["x"], ["a"], name="first"),
            node("Mystery", ["a"], ["b"], name="second"),
            node("Relu", ["b"], ["c"]),
            node("Other", ["c"], ["d"], domain="com.example"),
            node("If", ["d"], ["y"], then_branch=branch(node("Hidden", ["x"], ["r"], name="h")),
                 else_branch=branch(node("Relu", ["x"], ["r"]))),
            domains=["com.example"],
        )  # fmt: skip
    assert str(caught.value).splitlines() == [
        "Mystery (opset 17) is not supported: Mystery 'first' and 1 more",
        "com.example.Other (opset 1) is not supported: Other giving 'd'",
        "Hidden (opset 17) is not supported: Hidden 'h'",
    ]


def test_a_long_list_is_shortened() -> None:
    nodes = [node(f"Op{i}", ["x"], [f"t{i}"]) for i in range(500)]
    with pytest.raises(UnsupportedOperatorError, match=r"and 450 more$") as caught:
        loaded(*nodes, node("Relu", ["x"], ["y"]))
    assert len(str(caught.value).splitlines()) == 51


def test_operators_of_ours_are_not_for_models() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"wasmkiln\.Map \(opset 1\) is not supp"):
        loaded(node("Map", ["x"], ["y"], domain="wasmkiln"), domains=["wasmkiln"])


def test_an_operator_newer_than_the_models_opset() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"HardSwish \(opset 13\) is not supported"):
        loaded(node("HardSwish", ["x"], ["y"]), opset=13)


def test_an_opset_newer_than_we_know_is_accepted() -> None:
    assert relu(opset=1000).opsets == {"": 1000}


def test_both_names_of_the_default_domain() -> None:
    proto = model([node("Relu", ["x"], ["y"], domain="ai.onnx")])
    proto.opset_import[0].domain = "ai.onnx"
    assert load(proto.SerializeToString()).graph.nodes[0].op.op_type == "Relu"


def test_opset_imports_that_are_refused() -> None:
    proto = model([node("Relu", ["x"], ["y"])])
    imports = helper.make_opsetid
    for given, message in (
        ([], "the model has no opset_import"),
        ([imports("", 0)], "the model imports version 0 of ai.onnx"),
        ([imports("", -1)], "the model imports version -1 of ai.onnx"),
        ([imports("", 7), imports("ai.onnx", 8)], "imports versions 7 and 8 of ai.onnx"),
        ([imports("other", 1)], "Relu giving 'y': the model imports no version of domain ''"),
    ):
        del proto.opset_import[:]
        proto.opset_import.extend(given)
        with pytest.raises(InvalidModelError, match=message):
            load(proto.SerializeToString())


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Relu", ["x"], ["y"])] * 2, "'y' is defined twice: by Relu giving 'y' and"),
        ([node("Relu", ["x"], ["x"]), node("Relu", ["x"], ["y"])], "'x' is defined twice"),
        ([node("Relu", ["z"], ["y"], name="n")], "Relu 'n' uses 'z', which nothing defines"),
        ([node("Relu", ["x"], ["z"])], "nothing defines the graph's output 'y'"),
        ([node("Add", ["x", "b"], ["y"], name="a"), node("Neg", ["y"], ["b"], name="n")],
         "the graph has a cycle: (Add 'a' > Neg 'n'|Neg 'n' > Add 'a')"),
        ([node("Add", ["x"], ["y"], name="a")], "Add 'a': inputs are .*, where 2 are needed"),
        ([node("Add", ["", "x"], ["y"], name="a")], "Add 'a': inputs are"),
        ([node("Clip", ["x"] * 4, ["y"], name="c")], "Clip 'c': .*where 1 to 3 are needed"),
        ([node("Relu", ["x"], ["y"]), node("Relu", ["x"], [""], name="n")], "'n' has no outputs"),
        ([node("Constant", [], ["y"], name="c")], "Constant 'c': has no value"),
        ([node("Constant", ["x"], ["y"], name="c", value_int=1)], "Constant 'c': inputs are"),
        ([node("Elu", ["x"], ["y"], name="e", alpha="much")],
         "Elu 'e': attribute 'alpha' must be a float, and is 'much'"),
        ([node("Elu", ["x"], ["y"], name="e", alpha=[1.0])], "must be a float, and is"),
        ([node("If", ["x"], ["y"], name="i", then_branch=1, else_branch=2)],
         "If 'i': attribute 'else_branch' must be a graph, and is 2"),
    ],
)  # fmt: skip
def test_unsound_models(nodes: list[onnx.NodeProto], message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        loaded(*nodes)


def test_an_attribute_that_no_operator_has() -> None:
    with pytest.raises(UnsupportedOperatorError, match="'zeal' is not supported: Elu 'e'"):
        loaded(node("Elu", ["x"], ["y"], name="e", zeal=1))


def test_an_attribute_given_twice() -> None:
    elu = node("Elu", ["x"], ["y"], name="e", alpha=1.0)
    elu.attribute.append(elu.attribute[0])
    with pytest.raises(InvalidModelError, match="Elu 'e': attribute 'alpha' is given twice"):
        loaded(elu)


def test_a_reference_outside_a_function() -> None:
    elu = node("Elu", ["x"], ["y"], name="e")
    elu.attribute.append(reference("alpha", onnx.AttributeProto.FLOAT, "slope"))
    with pytest.raises(InvalidModelError, match="'alpha' refers to 'slope' of a function"):
        loaded(elu)


def test_initializers_that_are_refused() -> None:
    weight = numpy_helper.from_array(np.float32([1]), "w")
    nameless = numpy_helper.from_array(np.float32([1]))
    for tensors, message in (
        ([weight, weight], "two initializers are named 'w'"),
        ([nameless], "an initializer has no name"),
        ([TensorProto(name="w", data_type=1, dims=[2], raw_data=b"")], "takes 8 bytes, but it has"),
    ):
        with pytest.raises(InvalidModelError, match=message):
            relu(initializers=tensors)


def test_unsupported_weights_are_listed_with_the_operators() -> None:
    half = 1 << 19
    weight = onnx.TensorProto(name="w", data_type=21, dims=[2 * half + 1], raw_data=bytes(half + 1))
    with pytest.raises(UnsupportedOperatorError) as caught:
        loaded(node("Mystery", ["x", "w"], ["y"], name="m"), initializers=[weight])
    assert str(caught.value).splitlines() == [
        "tensor 'w' of 1048577 packed elements is not supported: needed for initializers",
        "Mystery (opset 17) is not supported: Mystery 'm'",
    ]


def test_outputs_that_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="the graph gives one output twice: y, y"):
        relu(outputs=("y", "y"))
    proto = model([node("Relu", ["x"], ["y"])])
    proto.graph.output[0].ClearField("type")
    with pytest.raises(InvalidModelError, match="output 'y' has no type"):
        load(proto.SerializeToString())


def test_initializers_that_are_inputs_too_may_be_overridden_from_ir_4_on() -> None:
    proto = model([node("Add", ["x", "w"], ["y"])], [value("x", (2, 3)), value("w", (3,))])
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "w"))
    for ir_version, expected in ((3, {}), (4, {"w": InputType(F32, (3,))})):
        proto.ir_version = ir_version
        ours = load(proto.SerializeToString())
        assert list(ours.graph.inputs) == ["x"]
        assert ours.overridable == expected


def test_values_replace_initializers() -> None:
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    data = model([node("Add", ["x", "w"], ["y"])], initializers=[weight]).SerializeToString()
    given = Const.of(F32, (3,), (1, 2, 3))
    assert load(data, initializers={"w": given}).graph.consts["w"] is given
    with pytest.raises(InvalidInputError, match=r"'w' is f32\[3\]; the value given is f32\[1\]"):
        load(data, initializers={"w": Const.of(F32, (1,), (1,))})
    with pytest.raises(InvalidInputError, match="no initializer 'v'"):
        load(data, initializers={"v": given})


def test_what_a_model_says_about_itself() -> None:
    proto = model([node("Relu", ["x"], ["y"])])
    assert load(proto.SerializeToString()).about == ModelMetadata(graph_name="test")
    proto.producer_name, proto.producer_version, proto.domain = "maker", "3", "org.example"
    proto.doc_string, proto.graph.doc_string, proto.model_version = "all", "graph", 7
    helper.set_model_props(proto, {"k": "v"})
    assert load(proto.SerializeToString()).about == ModelMetadata(
        "maker", "test", "org.example", "all", "graph", 7, {"k": "v"}
    )
