"""Whole small models: the same results with fusion and layout on and off, and as onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from wasmkiln.options import CompileOptions

from tests.ops.check import Array, build, check_model, node
from tests.passes.random_models import RandomModel

VARIANTS = tuple(
    CompileOptions(fuse=fuse, channels_last=channels_last)
    for fuse in (True, False)
    for channels_last in (True, False)
)
RNG = np.random.default_rng(2)


def floats(*shape: int, dtype: str = "float32") -> Array:
    """Normal random numbers."""
    return RNG.standard_normal(shape).astype(dtype)


def ints(*values: int) -> Array:
    """A vector of integers."""
    return np.array(values, dtype=np.int64)


def statistics(channels: int, name: str) -> dict[str, Array]:
    """Parameters of a BatchNormalization."""
    return {
        f"{name}s": floats(channels),
        f"{name}b": floats(channels),
        f"{name}m": floats(channels),
        f"{name}v": RNG.uniform(0.5, 2, channels).astype(np.float32),
    }


def check(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Array],
    consts: dict[str, Array],
    outputs: str = "y",
    atol: float = 2e-5,
) -> None:
    """Compare all variants with onnxruntime."""
    model = build(nodes, {**inputs, **consts}, consts.keys(), outputs.split())
    check_model(model, inputs, 1e-4, atol, options=VARIANTS)


@pytest.mark.parametrize("batch", [1, 2])
def test_residual_block_with_batch_norms(batch: int) -> None:
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", "a ns nb nm nv", "b", epsilon=0.1),
        node("Relu", "b", "c"),
        node("Conv", "c v k", "d", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "d ns nb nm nv", "e"),
        node("Conv", "x u", "f", strides=[2, 2]),
        node("Mul", "f scale", "g"),
        node("Add", "g shift", "h"),
        node("Add", "e h", "i"),
        node("Clip", "i low high", "y"),
    ]
    consts = {
        "w": floats(9, 5, 3, 3),
        "v": floats(9, 9, 3, 3) / 9,
        "k": floats(9),
        "u": floats(9, 5, 1, 1),
    }
    consts |= {"scale": floats(9, 1, 1), "shift": floats(1, 9, 1, 1), **statistics(9, "n")}
    consts |= {"low": np.float32(0), "high": np.float32(6)}
    check(nodes, {"x": floats(batch, 5, 11, 13)}, consts)


def test_grouped_transposed_convolution_with_batch_norm() -> None:
    nodes = [
        node("ConvTranspose", "x w", "a", group=2, strides=[2, 2], pads=[1, 0, 0, 1]),
        node("BatchNormalization", "a ns nb nm nv", "y"),
    ]
    consts = {"w": floats(4, 3, 3, 3), **statistics(6, "n")}
    check(nodes, {"x": floats(2, 4, 5, 6)}, consts)


def test_a_convolution_of_its_own_residual() -> None:
    nodes = [
        node("Relu", "x", "a"),
        node("Conv", "a w", "b", pads=[1, 1, 1, 1]),
        node("Mul", "b a", "c"),
        node("Conv", "c v", "d"),
        node("Add", "c d", "y"),
    ]
    consts = {"w": floats(8, 8, 3, 3) / 8, "v": floats(8, 8, 1, 1)}
    check(nodes, {"x": floats(2, 8, 9, 10)}, consts)


def test_squeeze_and_excite() -> None:
    nodes = [
        node("Conv", "x w", "a", group=6, pads=[2, 2, 2, 2]),
        node("HardSwish", "a", "b"),
        node("GlobalAveragePool", "b", "p"),
        node("Conv", "p v k", "q"),
        node("Relu", "q", "r"),
        node("Conv", "r u", "s"),
        node("HardSigmoid", "s", "t"),
        node("Mul", "t b", "y"),
    ]
    consts = {
        "w": floats(6, 1, 5, 5),
        "v": floats(3, 6, 1, 1),
        "k": floats(3),
        "u": floats(6, 3, 1, 1),
    }
    check(nodes, {"x": floats(2, 6, 9, 10)}, consts)


def test_channel_shuffle_split_and_concat() -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("Reshape", "a five", "b"),
        node("Transpose", "b", "c", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "c four", "d"),
        node("Split", "d sizes", "e f", axis=1),
        node("PRelu", "e slope", "g"),
        node("Concat", "f g x", "h", axis=1),
        node("Conv", "h v", "y"),
        node("ReduceMean", "h axes", "z", keepdims=0),
        node("ArgMax", "h", "m", axis=1, keepdims=0),
    ]
    consts = {"w": floats(12, 4, 1, 1), "v": floats(5, 16, 1, 1), "slope": floats(8, 1, 1)}
    consts |= {
        "five": ints(2, 3, 4, 6, 7),
        "four": ints(2, 12, 6, 7),
        "sizes": ints(8, 4),
        "axes": ints(2, 3),
    }
    check(nodes, {"x": floats(2, 4, 6, 7)}, consts, "y z m")


def test_depth_to_space_and_flatten() -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("DepthToSpace", "a", "b", blocksize=2, mode="CRD"),
        node("DepthToSpace", "a", "c", blocksize=2, mode="DCR"),
        node("Sub", "b c", "d"),
        node("SpaceToDepth", "d", "e", blocksize=2),
        node("Add", "e a", "f"),
        node("Flatten", "f", "g"),
        node("MatMul", "g v", "y"),
    ]
    consts = {"w": floats(8, 3, 1, 1), "v": floats(8 * 30, 7) / 8}
    check(nodes, {"x": floats(2, 3, 5, 6)}, consts, "y d")


def test_pads_in_front_of_everything() -> None:
    nodes = [
        node("Pad", "x around", "a"),
        node("Conv", "a w", "b", strides=[2, 2]),
        node("Pad", "b behind", "c"),
        node("AveragePool", "c", "d", kernel_shape=[3, 3], strides=[2, 2]),
        node("Pad", "d around lowest", "e"),
        node("MaxPool", "e", "f", kernel_shape=[2, 2]),
        node("Pad", "f channels", "y"),
    ]
    consts = {"w": floats(6, 3, 3, 3), "lowest": np.float32(-np.inf)}
    consts |= {"around": ints(0, 0, 1, 1, 0, 0, 1, 2), "behind": ints(0, 0, 0, 0, 0, 0, 1, 2)}
    consts |= {"channels": ints(0, 1, 0, 0, 0, 2, 0, 0)}
    check(nodes, {"x": floats(2, 3, 12, 13)}, consts)


def test_channels_last_model() -> None:
    nodes = [
        node("Transpose", "x", "a", perm=[0, 3, 1, 2]),
        node("Conv", "a w", "b", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Transpose", "b", "c", perm=[0, 2, 3, 1]),
        node("Add", "c k", "d"),
        node("Sigmoid", "d", "e"),
        node("Mul", "d e", "f"),
        node("Transpose", "f", "g", perm=[0, 3, 1, 2]),
        node(
            "Resize", "g - scales", "h", mode="linear", coordinate_transformation_mode="half_pixel"
        ),
        node("Transpose", "h", "i", perm=[0, 2, 3, 1]),
        node("Reshape", "i rows", "j"),
        node("Softmax", "j", "y", axis=-1),
    ]
    consts = {"w": floats(6, 3, 3, 3), "k": floats(6), "scales": np.array([1, 1, 2, 2], np.float32)}
    check(nodes, {"x": floats(2, 9, 10, 3)}, {**consts, "rows": ints(2, -1, 3)}, "y j")


def test_attention_and_layer_norm() -> None:
    nodes = [
        node("ReduceMean", "x last", "m"),
        node("Sub", "x m", "d"),
        node("Pow", "d two", "q"),
        node("ReduceMean", "q last", "v"),
        node("Add", "v eps", "ve"),
        node("Sqrt", "ve", "sd"),
        node("Div", "d sd", "n0"),
        node("Mul", "n0 gamma", "n1"),
        node("Add", "n1 beta", "n"),
        *(node("MatMul", f"n w{h}", f"{h}0") for h in "qkv"),
        *(node("Add", f"{h}0 b{h}", f"{h}1") for h in "qkv"),
        *(node("Reshape", f"{h}1 heads", f"{h}2") for h in "qkv"),
        node("Transpose", "q2", "qt", perm=[0, 2, 1, 3]),
        node("Transpose", "k2", "kt", perm=[0, 2, 3, 1]),
        node("Transpose", "v2", "vt", perm=[0, 2, 1, 3]),
        node("MatMul", "qt kt", "s"),
        node("Div", "s root", "s1"),
        node("Add", "s1 mask", "s2"),
        node("Softmax", "s2", "p", axis=-1),
        node("MatMul", "p vt", "o"),
        node("Transpose", "o", "ot", perm=[0, 2, 1, 3]),
        node("Reshape", "ot flat", "of"),
        node("MatMul", "of wo", "r"),
        node("Add", "r x", "h"),
        node("Gelu", "h", "y"),
    ]
    consts = {
        "last": ints(-1),
        "two": np.float32(2),
        "eps": np.float32(1e-5),
        "root": np.float32(2),
    }
    consts |= {"gamma": floats(12), "beta": floats(12), "wo": floats(12, 12) / 3}
    consts |= {f"w{h}": floats(12, 12) / 3 for h in "qkv"} | {f"b{h}": floats(12) for h in "qkv"}
    consts |= {"heads": ints(2, 7, 3, 4), "flat": ints(2, 7, 12)}
    check(nodes, {"x": floats(2, 7, 12), "mask": floats(2, 1, 1, 7)}, consts)


def test_half_precision() -> None:
    nodes = [
        node("Conv", "x w k", "a", pads=[1, 1, 1, 1]),
        node("Relu", "a", "b"),
        node("Cast", "b", "c", to=onnx.TensorProto.FLOAT),
        node("MaxPool", "c", "d", kernel_shape=[2, 2], strides=[2, 2]),
        node("Cast", "d", "e", to=onnx.TensorProto.FLOAT16),
        node("Mul", "e s", "y"),
    ]
    half = {"w": floats(4, 3, 3, 3), "k": floats(4), "s": floats(4, 1, 1)}
    consts = {name: a.astype(np.float16) for name, a in half.items()}
    model = build(nodes, {"x": floats(2, 3, 6, 6, dtype="float16"), **consts}, consts.keys(), ["y"])
    feeds = {"x": floats(2, 3, 6, 6, dtype="float16")}
    check_model(model, feeds, 1e-2, 1e-2, options=VARIANTS)


def test_one_dimensional_convolution_through_two() -> None:
    nodes = [
        node("Unsqueeze", "x third", "a"),
        node("Conv", "a w", "b", pads=[0, 2, 0, 2]),
        node("Squeeze", "b third", "c"),
        node("Conv", "c v", "d", dilations=[2]),
        node("Transpose", "d", "e", perm=[0, 2, 1]),
        node("MatMul", "e m", "y"),
    ]
    consts = {"third": ints(2), "w": floats(6, 4, 1, 5), "v": floats(5, 6, 3), "m": floats(5, 3)}
    check(nodes, {"x": floats(2, 4, 20)}, consts, atol=1e-4)


def test_outputs_that_are_inputs_constants_or_equal() -> None:
    nodes = [
        node("Identity", "x", "same"),
        node("Relu", "x", "a"),
        node("Relu", "x", "b"),
        node("Add", "k k", "c"),
        node("Transpose", "a", "t", perm=[1, 0]),
        node("Transpose", "t", "u", perm=[1, 0]),
    ]
    check(nodes, {"x": floats(3, 4)}, {"k": floats(40)}, "same a b c t u")


@pytest.mark.parametrize("seed", range(40))
def test_random_models(seed: int) -> None:
    made = RandomModel(seed)
    check_model(made.model(), made.feeds, 2e-3, 1e-4, options=VARIANTS)
