"""Plans: other shapes need neither other code nor other weights, and share one memory."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from wasmkiln import CompileOptions, InvalidInputError, plans

from tests.planned import (
    Array,
    check,
    growing,
    images,
    made,
    run,
    sentences,
    symbolic_encoder,
)
from tests.small import model, small_net

TEN = [(1, 16), (1, 7), (2, 16), (3, 33), (1, 1), (4, 1), (2, 2), (1, 64), (8, 12), (5, 100)]


@pytest.mark.parametrize("start", range(0, 10, 3))
@pytest.mark.parametrize("threads", [1, 2])
def test_an_encoder_is_compiled_once_for_ten_sizes(start: int, threads: int) -> None:
    data = symbolic_encoder()
    with made(data, CompileOptions(threads=threads)) as found:
        for size in (*TEN[start:], *TEN[:start], *TEN[start:]):
            check(found, data, sentences(*size))
        assert found.machine.compiles == 1


@pytest.mark.parametrize("first", [1, 4])
def test_a_convolutional_net_is_compiled_once_for_ten_batches(first: int) -> None:
    data = small_net()
    with made(data) as found:
        for batch in (first, 1, 2, 3, 5, 7, 8, 11, 16, 31, 4):
            check(found, data, images(batch, 3, 9, 7))
        assert found.machine.compiles == 1


def detector() -> bytes:
    """Any number of images of any size, in depthwise blocks with a gate, and up again."""
    rng = np.random.default_rng(5)
    nodes = [helper.make_node("Conv", ["x", "stem"], ["s"], pads=[1] * 4, strides=[2, 2])]
    weights = {"stem": rng.normal(0, 0.3, (8, 3, 3, 3))}
    x = "s"
    for i, (window, stride) in enumerate([(3, 1), (5, 2), (3, 2), (5, 1)]):
        pads = [window // 2] * 4
        wide = {"w": (16, 8, 1, 1), "d": (16, 1, window, window), "p": (8, 16, 1, 1)}
        gate = {"f": (4, 16, 1, 1), "g": (16, 4, 1, 1)}
        for name, shape in (wide | gate).items():
            weights[f"{name}{i}"] = rng.normal(0, 0.3, shape)
        nodes += [
            helper.make_node("Conv", [x, f"w{i}"], [f"a{i}"]),
            helper.make_node("HardSwish", [f"a{i}"], [f"b{i}"]),
            helper.make_node(
                "Conv", [f"b{i}", f"d{i}"], [f"c{i}"], pads=pads, strides=[stride] * 2, group=16
            ),
            helper.make_node("Relu", [f"c{i}"], [f"e{i}"]),
            helper.make_node("GlobalAveragePool", [f"e{i}"], [f"m{i}"]),
            helper.make_node("Conv", [f"m{i}", f"f{i}"], [f"n{i}"]),
            helper.make_node("Relu", [f"n{i}"], [f"o{i}"]),
            helper.make_node("Conv", [f"o{i}", f"g{i}"], [f"q{i}"]),
            helper.make_node("HardSigmoid", [f"q{i}"], [f"r{i}"]),
            helper.make_node("Mul", [f"e{i}", f"r{i}"], [f"t{i}"]),
            helper.make_node("Conv", [f"t{i}", f"p{i}"], [f"u{i}"]),
        ]
        x = f"u{i}"
        if stride == 1:
            nodes.append(helper.make_node("Add", [f"u{i}", "s" if i == 0 else "u2"], [f"v{i}"]))
            x = f"v{i}"
    weights["scales"] = np.array([1, 1, 2, 2])
    nodes += [
        helper.make_node("Resize", [x, "", "scales"], ["up"], mode="nearest"),
        helper.make_node("Concat", ["up", "u1"], ["y"], axis=1),
    ]
    arrays = {n: w.astype(np.float32) for n, w in weights.items()}
    return model(nodes, {"x": ["N", 3, "H", "W"]}, {"y": [None] * 4}, arrays)  # type: ignore[list-item]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_detector_is_compiled_once_for_ten_sizes_of_images(threads: int) -> None:
    data = detector()
    sizes = [(1, 64, 48), (2, 32, 32), (1, 16, 16), (1, 96, 160), (3, 40, 200), (1, 128, 8)]
    sizes += [(1, 8, 320), (2, 48, 56), (1, 320, 240), (5, 24, 72)]
    with made(data, CompileOptions(threads=threads)) as found:
        for n, height, width in (*sizes, *sizes[:3]):
            check(found, data, images(n, 3, height, width))
        assert found.machine.compiles == 1


def test_plans_share_weights_and_take_turns_in_one_memory() -> None:
    with made(symbolic_encoder()) as found:
        run(found, sentences(8, 100))
        weights, memory = found.machine.constant_bytes, found.machine.memory_bytes
        for size in TEN:
            run(found, sentences(*size))
        # The embeddings of its positions are all that a length adds.
        added = sum(sequence * 48 * 4 + 256 for sequence in {size[1] for size in TEN})
        assert weights < found.machine.constant_bytes < weights + added
        assert found.machine.memory_bytes <= memory + 65536


def test_memory_grows_with_the_activations() -> None:
    data = small_net()
    with made(data) as found:
        check(found, data, images(1, 3, 9, 7))
        before = found.machine.memory_bytes
        check(found, data, images(500, 3, 9, 7))
        assert found.machine.memory_bytes > before + 500 * 9 * 7 * 8 * 4
        check(found, data, images(1, 3, 9, 7))


def test_constants_that_depend_on_shapes_are_added_and_dropped() -> None:
    data = growing()
    numbers = [*range(1, 9)] * 6
    random.Random(1).shuffle(numbers)
    with made(data) as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "MAX_PLANS", 3)
        for n in numbers:
            check(found, data, images(n, 64))
            assert found.machine.constant_bytes <= (3 + 1) * 8 * 64 * 4 + 4096


def test_values_that_are_needed_share_code_and_weights() -> None:
    weights = {"w": np.random.default_rng(0).normal(0, 1, (64, 64)).astype(np.float32)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Reshape", ["a", "shape"], ["y"]),
    ]
    data = model(nodes, {"x": [6, 64]}, {"y": None}, weights)
    graph = onnx.load_from_string(data)
    graph.graph.input.append(helper.make_tensor_value_info("shape", TensorProto.INT64, [2]))
    data = graph.SerializeToString()
    with made(data) as found:
        for shape in ((6, 64), (64, 6), (32, 12), (1, 384)):
            check(found, data, {**images(6, 64), "shape": np.array(shape)})
        assert found.machine.compiles == 1
        assert found.machine.constant_bytes < 2 * 64 * 64 * 4


def test_what_no_variant_foresees_is_compiled_when_it_comes() -> None:
    data = model(
        [helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])],
        {"x": None},  # type: ignore[dict-item]
        {"y": None},
    )
    with made(data) as found:
        for shape in ((5, 1), (5, 7), (1, 5), (5, 7)):
            check(found, data, images(*shape))
        assert found.machine.compiles == 2


@pytest.mark.parametrize("sizes", [{"N": 2}, {"M": 3}, {"N": 2, "M": 3}])
def test_dimensions_by_name_hold_for_runs(sizes: dict[str, int]) -> None:
    data = model([helper.make_node("Abs", ["x"], ["y"])], {"x": ["N", "M"]}, {"y": ["N", "M"]})
    with made(data, CompileOptions(dims=sizes)) as found:
        check(found, data, images(2, 3))
        with pytest.raises(InvalidInputError, match=r"input 'x': '.' is 4 in .*, but . in the opt"):
            run(found, images(4, 4))
        check(found, data, images(2, 3))


def zero_cases() -> Sequence[tuple[str, bytes, dict[str, Array]]]:
    net = small_net()
    concat = [
        helper.make_node("Concat", ["x", "z"], ["c"], axis=0),
        helper.make_node("MatMul", ["c", "w"], ["d"]),
        helper.make_node("Relu", ["d"], ["y"]),
    ]
    w = {"w": np.ones((3, 4), np.float32)}
    joined = model(concat, {"x": ["n", 3], "z": ["m", 3]}, {"y": [None, 4]}, w)  # type: ignore[list-item]
    inner = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["p"]),
        helper.make_node("Softmax", ["p"], ["y"]),
    ]
    product = model(inner, {"x": ["n", "k"]}, {"y": ["n", "n"]})
    reduced = model(
        [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)], {"x": ["n", "k"]}, {"y": []}
    )
    x = {"x": np.ones((2, 3), np.float32)}
    none: dict[str, Array] = {"z": np.zeros((0, 3), np.float32)}
    return [
        ("batch", net, {"x": np.zeros((0, 3, 9, 7), np.float32)}),
        ("operand", joined, {**x, **none}),
        ("output", joined, {"x": none["z"], **none}),
        ("depth", product, {"x": np.zeros((3, 0), np.float32)}),
        ("rows", product, {"x": np.zeros((0, 3), np.float32)}),
        ("sum", reduced, {"x": np.zeros((0, 3), np.float32)}),
        ("tokens", symbolic_encoder(), sentences(0, 5)),
    ]


@pytest.mark.parametrize("case", zero_cases(), ids=lambda case: case[0])
def test_sizes_of_zero(case: tuple[str, bytes, dict[str, Array]]) -> None:
    _, data, feeds = case
    with made(data) as found:
        check(found, data, feeds)
