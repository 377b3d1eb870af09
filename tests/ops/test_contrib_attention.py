"""Attention and MultiHeadAttention of onnxruntime, with all that may hide a key from a query."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError, UnsupportedOperatorError
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions
from wasmkiln.passes import run_passes

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(73)
MICROSOFT = "com.microsoft"
BATCH, LENGTH, HEADS, SIZE = 2, 5, 3, 4
WIDTH = HEADS * SIZE
HOW: dict[str, Any] = {"domain": MICROSOFT, "num_heads": HEADS, "rtol": 1e-4, "atol": 1e-5}


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def masks(queries: int, keys: int) -> dict[str, Array]:
    """A mask of each form."""
    lengths = RNG.integers(1, keys + 1, BATCH).astype(np.int32)
    starts = np.array([0, 1], np.int32)
    kept = (RNG.random((BATCH, keys)) < 0.6).astype(np.int32)
    kept[:, 0] = 1
    pairs = (RNG.random((BATCH, queries, keys)) < 0.6).astype(np.int32)
    return {
        "lengths": lengths,
        "starts": np.concatenate([np.full(BATCH, keys - 1, np.int32), starts]),
        "keys": kept,
        "pairs": pairs,
        "nothing": np.zeros((BATCH, keys), np.int32),
    }


MASKS = ["", *masks(1, 1)]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("unidirectional", [0, 1])
@pytest.mark.parametrize("past", [0, 3])
def test_attention(mask: str, unidirectional: int, past: int) -> None:
    inputs: list[Array | None] = [random(BATCH, LENGTH, 7), random(7, 3 * WIDTH), random(3 * WIDTH)]
    inputs.append(masks(LENGTH, LENGTH + past)[mask] if mask else None)
    if past:
        inputs.append(random(2, BATCH, HEADS, past, SIZE))
    elif not mask:
        inputs.pop()
    check_op(
        "Attention", *inputs, const=[1, 2], outputs=2 if past else 1,
        unidirectional=unidirectional, **HOW,
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(BATCH, HEADS), (1, HEADS), (BATCH, 1), (1, 1)])
def test_attention_with_a_bias_of_scores(shape: tuple[int, int]) -> None:
    inputs = [random(BATCH, LENGTH, 7), random(7, 3 * WIDTH), random(3 * WIDTH), None, None]
    check_op("Attention", *inputs, random(*shape, LENGTH, LENGTH), const=[1], scale=0.3, **HOW)


def test_attention_with_values_of_another_size() -> None:
    weights = random(7, 2 * WIDTH + 6)
    inputs = [random(BATCH, LENGTH, 7), weights, random(2 * WIDTH + 6)]
    check_op(
        "Attention", *inputs, const=[1, 2], qkv_hidden_sizes=[WIDTH, WIDTH, 6],
        options=[CompileOptions(), CompileOptions(patterns=False)], **HOW,
    )  # fmt: skip


def test_attention_of_one_new_word() -> None:
    inputs = [random(BATCH, 1, 7), random(7, 3 * WIDTH), random(3 * WIDTH), None]
    past = random(2, BATCH, HEADS, 6, SIZE)
    check_op("Attention", *inputs, past, const=[1, 2], outputs=2, unidirectional=1, **HOW)


def test_filter_value() -> None:
    inputs = [random(BATCH, LENGTH, 7), random(7, 3 * WIDTH), random(3 * WIDTH)]
    inputs.append(masks(LENGTH, LENGTH)["keys"])
    check_op("Attention", *inputs, const=[1, 2], mask_filter_value=-1.5, **HOW)


@pytest.mark.parametrize("mask", ["", "lengths", "keys", "pairs"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("scores", [False, True])
def test_heads_of_rows(mask: str, bias: bool, scores: bool) -> None:
    keys = 6
    inputs: list[Array | None] = [random(BATCH, LENGTH, WIDTH)]
    inputs += [random(BATCH, keys, WIDTH), random(BATCH, keys, 2 * WIDTH)]
    inputs.append(random(4 * WIDTH) if bias else None)
    inputs.append(masks(LENGTH, keys)[mask] if mask else None)
    inputs.append(random(1, HEADS, LENGTH, keys) if scores else None)
    while inputs[-1] is None:
        inputs.pop()
    check_op("MultiHeadAttention", *inputs, **HOW)


@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_heads_with_a_cache(length: int, mask: bool, bias: bool) -> None:
    past = 3
    inputs: list[Array | None] = [random(BATCH, length, WIDTH) for _ in range(3)]
    inputs.append(random(3 * WIDTH) if bias else None)
    inputs.append(masks(length, length + past)["keys"] if mask else None)
    inputs += [None, random(BATCH, HEADS, past, SIZE), random(BATCH, HEADS, past, SIZE)]
    check_op("MultiHeadAttention", *inputs, outputs=3, unidirectional=1, **HOW)


@pytest.mark.parametrize("bias", [False, True])
def test_heads_of_another_sequence(bias: bool) -> None:
    inputs: list[Array | None] = [random(BATCH, LENGTH, WIDTH)]
    inputs += [random(BATCH, HEADS, 7, SIZE), random(BATCH, HEADS, 7, SIZE)]
    if bias:
        inputs.append(random(3 * WIDTH))
    check_op("MultiHeadAttention", *inputs, **HOW)


def test_packed_heads() -> None:
    q, k, v = (random(BATCH, LENGTH, WIDTH) for _ in range(3))
    bias = random(3 * WIDTH)
    (expected,) = check_op("MultiHeadAttention", q, k, v, bias, **HOW)
    split = [x.reshape(BATCH, LENGTH, HEADS, SIZE) for x in (q, k, v)]
    arrays = {"x": np.stack(split, 3), "b": bias}
    op = node("MultiHeadAttention", "x - - b", "y", domain=MICROSOFT, num_heads=HEADS)
    (y,) = run_ours(build([op], arrays, set(), ["y"]), arrays)
    np.testing.assert_allclose(y, expected, 1e-4, 1e-5)
    arrays = {"q": q, "k": np.stack(split[1:], 3), "b": bias}
    op = node("MultiHeadAttention", "q k - b", "y", domain=MICROSOFT, num_heads=HEADS)
    (y,) = run_ours(build([op], arrays, set(), ["y"]), arrays)
    np.testing.assert_allclose(y, expected, 1e-4, 1e-5)


def test_heads_become_one_kernel() -> None:
    arrays = {"q": random(2, 5, 12), "k": random(2, 6, 12), "v": random(2, 6, 12),
              "m": masks(5, 6)["keys"]}  # fmt: skip
    op = node("MultiHeadAttention", "q k v - m", "y", domain=MICROSOFT, num_heads=HEADS)
    model = build([op], arrays, set(), ["y"])
    model.graph.output[0].type.tensor_type.elem_type = 1
    g = run_passes(load(model.SerializeToString()).graph, CompileOptions())
    assert [n.op.op_type for n in g.nodes if n.op.op_type != "View"] == ["Map", "FusedAttention"]


@pytest.mark.parametrize(
    ("op_type", "arrays", "more", "error", "message"),
    [
        (
            "MultiHeadAttention",
            {"q": random(2, 5, 12), "k": random(2, 4, 9), "v": random(2, 4, 12)},
            {},
            ShapeError,
            "do not fit",
        ),
        ("MultiHeadAttention", {"q": random(2, 5, 12)}, {}, ShapeError, "does not hold queries"),
        (
            "Attention",
            {"x": random(2, 5, 7), "w": random(7, 36), "b": random(36)},
            {"do_rotary": 1},
            UnsupportedOperatorError,
            "do_rotary",
        ),
        (
            "Attention",
            {"x": random(2, 5, 7), "w": random(7, 36), "b": random(36),
             "m": np.ones((2, 1, 8, 8), np.int32)},
            {},
            UnsupportedOperatorError,
            r"a mask i32\[2,1,8,8\] for 2 rows of 5 queries and 5 keys",
        ),
    ],
)  # fmt: skip
def test_refusals(
    op_type: str, arrays: dict[str, Array], more: dict[str, Any], error: type[Exception],
    message: str,
) -> None:  # fmt: skip
    op = node(op_type, " ".join(arrays), "y", domain=MICROSOFT, num_heads=HEADS, **more)
    with pytest.raises(error, match=message):
        run_ours(build([op], arrays, set(), ["y"]), arrays)
