"""Attention in the forms that exporters write: one kernel, and equal to onnxruntime's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import ModelProto, NodeProto
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions
from wasmkiln.passes import run_passes

from tests.models.transformer import Encoder, encoder
from tests.ops.check import Array, build, check_model, node

VARIANTS = [
    CompileOptions(),
    CompileOptions(patterns=False),
    CompileOptions(channels_last=False),
    CompileOptions(simd="baseline", threads=2),
    CompileOptions(simd="baseline", threads=3, patterns=False),
]


def operators(model: ModelProto, options: CompileOptions | None = None) -> list[str]:
    """Names of the operators that are left before lowering."""
    for output in model.graph.output:
        if not output.HasField("type"):
            output.type.tensor_type.elem_type = 1
    g = run_passes(load(model.SerializeToString()).graph, options or CompileOptions())
    return [n.op.op_type for n in g.nodes]


def feeds(config: Encoder) -> dict[str, Array]:
    """Tokens, of which the last third is not attended to."""
    shape = (config.batch, config.sequence)
    ids = np.random.default_rng(1).integers(0, config.vocabulary, shape)
    mask = np.ones(shape, np.int64)
    mask[:, 1 + 2 * config.sequence // 3 :] = 0
    return {"ids": ids, "mask": mask}


def check_encoder(config: Encoder) -> None:
    model = encoder(config)
    names = operators(model)
    assert names.count("FusedAttention") == config.layers
    assert not {"Transpose", "RowSoftmax", "Reduce"} & set(names)
    plain = operators(model, CompileOptions(patterns=False))
    assert "FusedAttention" not in plain and "RowSoftmax" in plain
    check_model(model, feeds(config), 1e-3, 2e-5, options=VARIANTS)


@pytest.mark.parametrize("sequence", [1, 7, 16, 33, 128])
def test_encoders_of_all_lengths(sequence: int) -> None:
    check_encoder(Encoder(sequence=sequence))


@pytest.mark.parametrize("scale", ["div", "mul", "query"])
@pytest.mark.parametrize(("heads", "batch"), [(1, 1), (3, 2), (12, 1), (6, 3)])
def test_heads_batches_and_scales(heads: int, batch: int, scale: str) -> None:
    norm = "mul_attribute_reciprocal"
    check_encoder(Encoder(heads=heads, batch=batch, scale=scale, layers=1, norm=norm))


@pytest.mark.parametrize("opset", [13, 18, 20])
def test_versions_of_operators(opset: int) -> None:
    norm = "pow_attribute" if opset < 18 else "pow"
    check_encoder(Encoder(opset=opset, layers=1, norm=norm, sequence=9))


def normal(*shape: int) -> Array:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype("f")


CORE = [node("Softmax", "t", "p", axis=-1), node("MatMul", "p v", "y")]


def check_core(nodes: Sequence[NodeProto], arrays: dict[str, Array], fused: bool = True) -> None:
    model = build([*nodes, *CORE], arrays, (), ["y"])
    assert ("FusedAttention" in operators(model)) == fused
    check_model(model, arrays, 1e-4, 1e-5, options=VARIANTS)


@pytest.mark.parametrize("shape", [(1, 1, 1, 9), (2, 1, 5, 9), (1, 3, 5, 9), (5, 9), (1, 1, 5, 1)])
def test_masks_by_condition(shape: tuple[int, ...]) -> None:
    allowed = normal(*shape) > -0.5
    allowed[..., :1] = True
    arrays = {"q": normal(2, 3, 5, 4), "k": normal(2, 3, 4, 9), "v": normal(2, 3, 9, 7),
              "m": allowed, "low": np.array(-1e9, "f")}  # fmt: skip
    check_core([node("MatMul", "q k", "s"), node("Where", "m s low", "t")], arrays)


def test_without_scale_or_mask_and_of_three_dimensions() -> None:
    arrays = {"q": normal(6, 5, 4), "k": normal(6, 9, 4), "v": normal(6, 9, 3)}
    nodes = [node("Transpose", "k", "kt", perm=[0, 2, 1]), node("MatMul", "q kt", "t")]
    check_core(nodes, arrays)


@pytest.mark.parametrize("heads", [2, 3])
def test_heads_that_share_keys_and_values(heads: int) -> None:
    arrays = {"q": normal(2, 2 * heads, 5, 4), "k0": normal(2, heads, 9, 4),
              "v0": normal(2, heads, 9, 6)}  # fmt: skip
    sizes = {"wide": [2, heads, 2, 9, 4], "k_shape": [2, 2 * heads, 9, 4],
             "wide_v": [2, heads, 2, 9, 6], "v_shape": [2, 2 * heads, 9, 6],
             "two": [2]}  # fmt: skip
    consts = {name: np.array(value, np.int64) for name, value in sizes.items()}
    nodes = [
        node("Unsqueeze", "k0 two", "k1"), node("Expand", "k1 wide", "k2"),
        node("Reshape", "k2 k_shape", "k"), node("Transpose", "k", "kt", perm=[0, 1, 3, 2]),
        node("Unsqueeze", "v0 two", "v1"), node("Expand", "v1 wide_v", "v2"),
        node("Reshape", "v2 v_shape", "v"), node("MatMul", "q kt", "t"), *CORE,
    ]  # fmt: skip
    model = build(nodes, {**arrays, **consts}, consts.keys(), ["y"])
    names = operators(model)
    assert "FusedAttention" in names and "ExpandTo" not in names
    check_model(model, arrays, 1e-4, 1e-5, options=VARIANTS)


@pytest.mark.parametrize("heads", [1, 2])
def test_heads_that_are_tiled(heads: int) -> None:
    """Llama as exported: [batch, rows, heads, size] -> Tile -> Transpose."""
    arrays = {"q": normal(2, 2 * heads, 5, 4), "k0": normal(2, 9, heads, 4),
              "v0": normal(2, 9, heads, 6)}  # fmt: skip
    sizes = {"five": [2, 9, heads, 1, 4], "tiles": [1, 1, 1, 2, 1], "k_shape": [2, 9, 2 * heads, 4],
             "five_v": [2, 9, heads, 1, 6], "v_shape": [2, 9, 2 * heads, 6]}  # fmt: skip
    consts = {name: np.array(value, np.int64) for name, value in sizes.items()}
    nodes = [
        node("Reshape", "k0 five", "k1"), node("Tile", "k1 tiles", "k2"),
        node("Reshape", "k2 k_shape", "k"), node("Transpose", "k", "kt", perm=[0, 2, 3, 1]),
        node("Reshape", "v0 five_v", "v1"), node("Tile", "v1 tiles", "v2"),
        node("Reshape", "v2 v_shape", "v3"), node("Transpose", "v3", "v", perm=[0, 2, 1, 3]),
        node("MatMul", "q kt", "t"), *CORE,
    ]  # fmt: skip
    model = build(nodes, {**arrays, **consts}, consts.keys(), ["y"])
    names = operators(model)
    assert "FusedAttention" in names and not {"ExpandTo", "Transpose"} & set(names)
    check_model(model, arrays, 1e-4, 1e-5, options=VARIANTS)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (5, 1, 3), (1, 9, 1), (5, 9, 1), (1, 1, 6)])
def test_sizes_of_one(sizes: tuple[int, int, int]) -> None:
    queries, keys, size = sizes
    arrays = {"q": normal(2, queries, 3, size), "k": normal(2, keys, 3, size),
              "v": normal(2, keys, 3, size)}  # fmt: skip
    nodes = [
        node("Transpose", "q", "qt", perm=[0, 2, 1, 3]),
        node("Transpose", "k", "kt", perm=[0, 2, 3, 1]), node("MatMul", "qt kt", "t"),
        node("Softmax", "t", "p", axis=-1), node("Transpose", "v", "vt", perm=[0, 2, 1, 3]),
        node("MatMul", "p vt", "y"),
    ]  # fmt: skip
    model = build(nodes, arrays, (), ["y"])
    assert "FusedAttention" in operators(model)
    check_model(model, arrays, 1e-4, 1e-5, options=VARIANTS)


def test_empty_tensors_are_left() -> None:
    arrays = {"q": normal(1, 2, 0, 4), "k": normal(1, 2, 4, 9), "v": normal(1, 2, 9, 3)}
    check_core([node("MatMul", "q k", "t")], arrays, fused=False)


def test_scores_with_other_uses_are_left() -> None:
    arrays = {"q": normal(1, 2, 5, 4), "k": normal(1, 2, 4, 9), "v": normal(1, 2, 9, 3)}
    nodes = [node("MatMul", "q k", "t"), *CORE]
    model = build(nodes, arrays, (), ["y", "p"])
    assert "FusedAttention" not in operators(model)
    check_model(model, arrays, 1e-4, 1e-5, options=VARIANTS)
