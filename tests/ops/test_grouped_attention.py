"""GroupQueryAttention and onnxruntime's RotaryEmbedding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(74)
MICROSOFT = "com.microsoft"
HEADS, SHARED, SIZE, ROOM = 6, 2, 32, 16
HOW: dict[str, Any] = {
    "domain": MICROSOFT, "num_heads": HEADS, "kv_num_heads": SHARED, "rtol": 1e-4, "atol": 1e-5,
    "outputs": 3,
}  # fmt: skip


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def tables(size: int = SIZE) -> tuple[Array, Array]:
    """Cosines and sines of angles, of half a head's size."""
    angles = np.arange(ROOM)[:, None] / 50.0 ** (np.arange(size // 2) / size)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def grouped(
    batch: int, length: int, past: int, room: int = 0, packed: bool = False, rotary: int = 0
) -> list[Array | None]:
    """Inputs for rows of `past` + `length` keys, in a cache for `room` if that is not 0."""
    rows: list[Array | None] = [random(batch, length, HEADS * SIZE)]
    rows += [random(batch, length, SHARED * SIZE) for _ in range(2)]
    if packed:
        rows = [random(batch, length, (HEADS + 2 * SHARED) * SIZE), None, None]
    cache = [random(batch, SHARED, room or past, SIZE) if room or past else None for _ in range(2)]
    total = past + length
    lengths = np.full(batch, total - 1, np.int32)
    inputs = [*rows, *cache, lengths, np.array(total, np.int32)]
    return inputs + list(tables(rotary)) if rotary else inputs


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("rotary", [0, SIZE, SIZE // 2])
@pytest.mark.parametrize(("batch", "length", "past"), [(1, 5, 0), (2, 4, 0), (1, 1, 5), (2, 1, 3)])
def test_prompts_and_steps(batch: int, length: int, past: int, packed: bool, rotary: int) -> None:
    inputs = grouped(batch, length, past, packed=packed, rotary=rotary)
    check_op("GroupQueryAttention", *inputs, const=[6], do_rotary=int(rotary > 0), **HOW)


def test_more_words_after_a_prompt() -> None:
    inputs = grouped(1, 3, 4, rotary=SIZE)
    check_op("GroupQueryAttention", *inputs, const=[6], do_rotary=1, **HOW)


def test_interleaved_pairs_and_own_scale() -> None:
    inputs = grouped(1, 5, 0, rotary=SIZE)
    check_op(
        "GroupQueryAttention", *inputs, const=[6], do_rotary=1, rotary_interleaved=1, scale=0.2,
        **HOW,
    )  # fmt: skip


def test_given_positions() -> None:
    inputs = grouped(2, 3, 0, rotary=SIZE)
    inputs.append(RNG.integers(0, ROOM - 3, (2, 1)) + np.arange(3))
    check_op("GroupQueryAttention", *inputs, const=[6], do_rotary=1, **HOW)
    for batch in (1, 2):
        inputs = grouped(batch, 1, 4, rotary=SIZE)
        inputs.append(RNG.integers(0, ROOM, (batch, 1)))
        check_op("GroupQueryAttention", *inputs, const=[6], do_rotary=1, **HOW)


@pytest.mark.parametrize("window", [1, 2, 3, 8])
@pytest.mark.parametrize(("length", "past"), [(5, 0), (1, 5)])
def test_local_windows(window: int, length: int, past: int) -> None:
    inputs = grouped(1, length, past)
    check_op("GroupQueryAttention", *inputs, const=[6], local_window_size=window, **HOW)


@pytest.mark.parametrize(("length", "past"), [(4, 0), (1, 5)])
def test_capped_scores_and_bias(length: int, past: int) -> None:
    inputs = grouped(2, length, past)
    check_op("GroupQueryAttention", *inputs, const=[6], softcap=0.5, **HOW)
    for shape in ((1, 1), (2, HEADS)):
        bias = random(*shape, length, length + past)
        check_op(
            "GroupQueryAttention", *inputs, None, None, None, bias, const=[6], softcap=1.5, **HOW
        )


@pytest.mark.parametrize(("length", "past"), [(4, 0), (1, 5)])
def test_sinks(length: int, past: int) -> None:
    inputs = grouped(2, length, past)
    check_op("GroupQueryAttention", *inputs, const=[6], smooth_softmax=1, **HOW)
    sink = random(HEADS)
    check_op("GroupQueryAttention", *inputs, None, None, None, None, sink, const=[6], **HOW)


def test_not_causal() -> None:
    check_op("GroupQueryAttention", *grouped(1, 4, 0), const=[6], causal=0, **HOW)


def test_normalized_heads() -> None:
    inputs = grouped(1, 4, 0, rotary=SIZE)
    scales = [random(SIZE), random(SIZE)]
    outputs = run([*inputs, *[None] * 5, *scales], do_rotary=1, qk_norm_epsilon=1e-3)
    for i, scale in enumerate(scales):
        rows = inputs[i]
        assert rows is not None
        heads = rows.reshape(1, 4, -1, SIZE)
        heads = heads / np.sqrt((heads**2).mean(-1, keepdims=True) + 1e-3) * scale
        inputs[i] = heads.reshape(rows.shape).astype(np.float32)
    expected = check_op("GroupQueryAttention", *inputs, const=[6], do_rotary=1, **HOW)
    for y, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(y, wanted, 1e-4, 1e-5)


@pytest.mark.parametrize(("batch", "length", "past"), [(1, 5, 0), (1, 1, 5), (2, 1, 3)])
def test_room_in_the_cache(batch: int, length: int, past: int) -> None:
    inputs = grouped(batch, length, past, room=12, rotary=SIZE)
    outputs = run(inputs, do_rotary=1)
    grown = [x[:, :, :past] if x is not None and x.ndim == 4 else x for x in inputs]
    if not past:
        grown[3] = grown[4] = None
    expected = check_op("GroupQueryAttention", *grown, const=[6], do_rotary=1, **HOW)
    np.testing.assert_allclose(outputs[0], expected[0], 1e-4, 1e-5)
    for cache, wanted in zip(outputs[1:], expected[1:], strict=True):
        assert cache.shape[2] == 12
        np.testing.assert_allclose(cache[:, :, : past + length], wanted, 1e-5, 1e-6)


def run(inputs: list[Array | None], **attributes: Any) -> list[Array]:
    """Our outputs; the number of keys is known."""
    arrays = {f"x{i}": a for i, a in enumerate(inputs) if a is not None}
    names = " ".join(f"x{i}" if a is not None else "-" for i, a in enumerate(inputs))
    op = node(
        "GroupQueryAttention", names, "y k v", domain=MICROSOFT, num_heads=HEADS,
        kv_num_heads=SHARED, **attributes,
    )  # fmt: skip
    model = build([op], arrays, {"x6"}, ["y", "k", "v"])
    return run_ours(model, {n: a for n, a in arrays.items() if n != "x6"})


def test_rows_of_different_lengths() -> None:
    inputs = grouped(3, 1, 5, rotary=SIZE)
    inputs[5] = np.array([5, 2, 3], np.int32)
    outputs = run(inputs, do_rotary=1)
    for b, keys in enumerate((6, 3, 4)):
        alone = [x[b : b + 1] if x is not None and x.ndim > 2 else x for x in inputs]
        for i in (3, 4):
            whole = alone[i]
            assert whole is not None
            alone[i] = whole[:, :, : keys - 1]
        alone[5], alone[6] = np.array([keys - 1], np.int32), np.array(keys, np.int32)
        expected = check_op("GroupQueryAttention", *alone, const=[6], do_rotary=1, **HOW)
        np.testing.assert_allclose(outputs[0][b], expected[0][0], 1e-4, 1e-5)
        for cache, wanted in zip(outputs[1:], expected[1:], strict=True):
            np.testing.assert_allclose(cache[b, :, :keys], wanted[0], 1e-5, 1e-6)
            assert not cache[b, :, keys:].any()


def test_what_is_refused() -> None:
    inputs = grouped(1, 5, 0)
    for attributes, error, message in (
        ({"k_quant_type": "PER_TENSOR"}, UnsupportedOperatorError, "quantized"),
        ({"do_rotary": 1}, ShapeError, "tables None"),
    ):
        with pytest.raises(error, match=message):
            run(inputs, **attributes)
    inputs[1] = random(1, 5, SIZE)
    with pytest.raises(ShapeError, match="do not fit"):
        run(inputs)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("size", [SIZE, SIZE // 2])
def test_rotary_embedding(interleaved: int, size: int) -> None:
    cos, sin = tables(size)
    more: dict[str, Any] = {"rotary_embedding_dim": size, "num_heads": 3} if size < SIZE else {}
    how: dict[str, Any] = {"domain": MICROSOFT, "interleaved": interleaved, "const": [2, 3]}
    each = RNG.integers(0, ROOM, (2, 5))
    for at in (each, np.array([4])):
        check_op("RotaryEmbedding", random(2, 5, 3 * SIZE), at, cos, sin, **how, **more)
        check_op("RotaryEmbedding", random(2, 3, 5, SIZE), at, cos, sin, **how, **more)


def test_rotary_refusals() -> None:
    arrays = dict(zip("xpcs", [random(2, 5, 24), np.array([[1]]), *tables()], strict=True))
    op = node("RotaryEmbedding", "x p c s", "y", domain=MICROSOFT, scale=2.0)
    with pytest.raises(UnsupportedOperatorError, match="a scale are not supported"):
        run_ours(build([op], arrays, set(), ["y"]), arrays)
