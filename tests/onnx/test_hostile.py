"""Any bytes may come as a model: only errors of ours come out, in bounded time and memory."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln.errors import InvalidModelError, LimitError, WasmkilnError
from wasmkiln.onnx import wire
from wasmkiln.onnx.load import load

from tests.onnx.make import blob, integer, model, value

node = helper.make_node


def small_model() -> bytes:
    """A model with a bit of everything that can be damaged."""
    rng = np.random.default_rng(3)
    weight = numpy_helper.from_array(rng.normal(size=(4, 3, 3, 3)).astype(np.float32), "w")
    large = numpy_helper.from_array(rng.normal(size=(3000,)).astype(np.float32), "large")
    typed = helper.make_tensor("typed", TensorProto.INT64, [3], [1, -2, 3])
    branch = helper.make_graph([node("Neg", ["t"], ["r"])], "b", [], [value("r", (2, 3))])
    other = helper.make_graph([node("Relu", ["t"], ["r"])], "b", [], [value("r", (2, 3))])
    local = helper.make_function(
        "local", "F", ["a"], ["b"], [node("Elu", ["a"], ["b"], alpha=0.5)],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [
        node("F", ["x"], ["t"], domain="local", name="call"),
        node("Constant", [], ["k"], value=typed),
        node("Cast", ["k"], ["kf"], to=TensorProto.FLOAT, name="cast"),
        node("Add", ["t", "kf"], ["u"], name="add"),
        node("Concat", ["u", "u"], ["v"], axis=0, name="concat"),
        node("If", ["c"], ["z"], then_branch=branch, else_branch=other, name="if"),
        node("Add", ["z", "u"], ["y"], name="last"),
    ]
    inputs = [value("x", ("n", 3)), value("c", (), TensorProto.BOOL)]
    proto = model(
        nodes, inputs, initializers=[weight, typed, large], functions=[local], domains=["local"]
    )
    return bytes(proto.SerializeToString())


def attempt(data: bytes) -> str:
    """What loading gives: "ok", or the name of our error. Any other exception escapes."""
    try:
        load(data)
    except InvalidModelError as error:
        assert type(error) is not InvalidModelError  # they are told apart
        assert str(error)
        return "InvalidModelError"
    except WasmkilnError as error:
        assert str(error)
        return type(error).__name__
    return "ok"


def test_the_undamaged_model_loads() -> None:
    assert attempt(small_model()) == "ok"


def test_truncated_anywhere() -> None:
    data = small_model()
    ends = {*range(0, len(data), 997), *range(200), *range(len(data) - 400, len(data))}
    outcomes = [attempt(data[:end]) for end in sorted(ends)]
    # At the bounds of the outermost fields a file may end and be well-formed, but for the function.
    assert set(outcomes) == {"InvalidModelError", "UnsupportedOperatorError"}
    assert outcomes.count("UnsupportedOperatorError") == 1


def test_random_bytes() -> None:
    rng = random.Random(20240)
    outcomes = {attempt(rng.randbytes(rng.randrange(1, 80))) for _ in range(2000)}
    assert "ok" not in outcomes


def test_random_fields_of_a_message() -> None:
    """Random bytes rarely are protobuf; these nearly always are."""
    rng = random.Random(7)

    def message(depth: int) -> bytes:
        out = b""
        for _ in range(rng.randrange(6)):
            number = rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 14, 20, 21, 25])
            match rng.randrange(5):
                case 0:
                    out += integer(number, rng.choice([0, 1, 7, 2**31, 2**63, 2**64 - 1]))
                case 1:
                    out += blob(number, rng.randbytes(rng.randrange(5)))
                case 2:
                    out += bytes([number << 3 & 120 | 5]) + rng.randbytes(4)
                case _ if depth < 7:
                    out += blob(number, message(depth + 1))
        return out

    for _ in range(2000):
        attempt(integer(1, 8) + blob(8, integer(2, 17)) + blob(7, message(0)) + message(0))


def test_flipped_and_moved_bytes() -> None:
    rng = random.Random(11)
    original = small_model()
    head = [k for k in range(len(original)) if not 700 < k < len(original) - 1200]
    outcomes = set()
    for _ in range(2000):
        data = bytearray(original)
        for _ in range(rng.randrange(1, 4)):
            at = rng.choice(head)
            match rng.randrange(3):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + rng.randrange(1, 9)]
                case _:
                    data[at:at] = rng.randbytes(rng.randrange(1, 9))
            head = [k for k in head if k < len(data)]
        outcomes.add(attempt(bytes(data)))
    assert {"ok", "InvalidModelError", "UnsupportedOperatorError"} <= outcomes


def nested_graphs(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        attribute = blob(1, b"then_branch") + blob(6, graph) + integer(20, 5)
        graph = blob(1, blob(4, b"If") + blob(2, b"o") + blob(5, attribute))
    return blob(8, integer(2, 17)) + blob(7, graph)


@pytest.mark.parametrize("depth", [22, 1000])
def test_graphs_nested_too_deep(depth: int) -> None:
    with pytest.raises(LimitError, match="nested over 64 deep"):
        load(nested_graphs(depth))


def test_types_nested_too_deep() -> None:
    kind = blob(1, integer(1, 1))
    for _ in range(500):
        kind = blob(4, blob(1, kind))
    info = blob(1, b"x") + blob(2, kind)
    with pytest.raises(LimitError, match="nested over 64 deep"):
        load(blob(8, integer(2, 17)) + blob(7, blob(11, info)))


def test_millions_of_empty_messages_cost_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_ITEMS", 10_000)
    data = blob(8, integer(2, 17)) + blob(7, blob(1, b"") * 2_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="over 10000 messages and strings"):
            load(data)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_length_beyond_the_file_reserves_nothing() -> None:
    tracemalloc.start()
    try:
        assert attempt(b"\x3a" + b"\xff\xff\xff\xff\x7f" + bytes(50)) == "InvalidModelError"
        assert attempt(b"\x3a" + b"\xff" * 9 + b"\x01") == "InvalidModelError"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dims", [[2**31 - 1] * 3, [2**40], [2**62, 4], [-1], [2**63 - 1] * 8])
def test_huge_dims_reserve_nothing(dims: list[int]) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=bytes(16))
    data = model([node("Relu", ["x"], ["y"])], initializers=[tensor]).SerializeToString()
    tracemalloc.start()
    try:
        assert attempt(data) == "InvalidModelError"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_many_trailing_absent_inputs() -> None:
    data = model([node("Relu", ["x", *[""] * 200_000], ["y"])]).SerializeToString()
    assert attempt(data) == "ok"


def test_many_small_subgraphs_stay_linear() -> None:
    """Each subgraph may see all names around it; copying them each time would be quadratic."""
    branch = helper.make_graph([node("Relu", ["x"], ["r"])], "b", [], [value("r", (2, 3))])
    make = helper.make_node
    one = make("If", ["c"], ["o"], then_branch=branch, else_branch=branch)
    nodes = []
    for k in range(4000):
        copy = onnx.NodeProto()
        copy.CopyFrom(one)
        copy.output[0] = f"o{k}"
        nodes.append(copy)
    proto = model(
        [*nodes, node("Relu", ["x"], ["y"])],
        [value("x", (2, 3)), value("c", (), TensorProto.BOOL)],
    )
    assert len(load(proto.SerializeToString()).graph.nodes) == 4001
