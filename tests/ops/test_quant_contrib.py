"""onnxruntime's own operators on quantized values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import UnsupportedOperatorError

from tests.ops.check import Array, build, check_model, check_op, node, run_ours

RNG = np.random.default_rng(76)
MICROSOFT = "com.microsoft"


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def integers(dtype: str, *shape: int) -> Array:
    """Any values of an integer type."""
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype, endpoint=True)


def scalar(value: float, dtype: str = "f4") -> Array:
    """A tensor of rank 0."""
    return np.array(value, dtype)


@pytest.mark.parametrize("dtypes", [("u1", "u1"), ("u1", "i1"), ("i1", "i1")])
@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_matmul_to_float(dtypes: tuple[str, str], per_column: bool, bias: bool) -> None:
    a, b = integers(dtypes[0], 2, 5, 16), integers(dtypes[1], 16, 9)
    scale = np.abs(random(9)) / 50 + 0.001 if per_column else scalar(0.02)
    zero = integers(dtypes[1], 9) if per_column else scalar(7, dtypes[1])
    inputs: list[Array | None] = [a, b, scalar(0.03), scale, scalar(3, dtypes[0]), zero]
    inputs += [random(9)] if bias else []
    how: dict[str, Any] = {"domain": MICROSOFT, "rtol": 1e-4, "atol": 1e-3}
    check_op("MatMulIntegerToFloat", *inputs, const=[1, 3, 5], **how)
    check_op("MatMulIntegerToFloat", *inputs[:4], **how)


@pytest.mark.parametrize("dtype", ["u1", "i1"])
@pytest.mark.parametrize("per_column", [False, True])
def test_dynamic_matmul(dtype: str, per_column: bool) -> None:
    b = integers(dtype, 16, 9)
    scale = np.abs(random(9)) / 50 + 0.001 if per_column else scalar(0.02)
    zero = integers(dtype, 9) if per_column else scalar(7, dtype)
    how: dict[str, Any] = {"domain": MICROSOFT, "rtol": 1e-3, "atol": 0.05}
    check_op("DynamicQuantizeMatMul", random(2, 5, 16), b, scale, zero, random(9), **how)
    check_op("DynamicQuantizeMatMul", random(5, 16), b, scale, const=[1, 2], **how)


def test_matmul_of_words() -> None:
    check_op("MatMulInteger16", integers("i2", 3, 4, 7), integers("i2", 7, 5), domain=MICROSOFT)


@pytest.mark.parametrize("trans", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("dtype", ["u1", "i1"])
@pytest.mark.parametrize("summand", [False, True])
def test_gemm(trans: tuple[int, int], dtype: str, summand: bool) -> None:
    a = integers(dtype, *((16, 5) if trans[0] else (5, 16)))
    b = integers(dtype, *((9, 16) if trans[1] else (16, 9)))
    c = RNG.integers(-9000, 9000, 9).astype(np.int32) if summand else None
    for scale, zero in ((scalar(0.02), scalar(7, dtype)),
                        (np.abs(random(9)) / 50 + 0.001, np.full(9, 7, dtype))):  # fmt: skip
        inputs = [a, scalar(0.03), scalar(3, dtype), b, scale, zero, c]
        how: dict[str, Any] = {"domain": MICROSOFT, "transA": trans[0], "transB": trans[1]}
        quantized = [*inputs, scalar(0.4), scalar(100, dtype)]
        check_op("QGemm", *quantized, const=[3, 4, 5, 6], steps=1, alpha=0.5, **how)
        check_op("QGemm", *(inputs if summand else inputs[:6]), rtol=1e-4, atol=1e-3, **how)


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("per_channel", [False, True])
def test_convolution(last: int, group: int, per_channel: bool) -> None:
    x, w = integers("u1", 2, 4, 7, 6), integers("i1", 4, 4 // group, 3, 3)
    x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
    scale = np.abs(random(4)) / 100 + 0.001 if per_channel else scalar(0.007)
    zero = np.zeros(4, "i1") if per_channel else scalar(0, "i1")
    bias = RNG.integers(-5000, 5000, 4).astype(np.int32)
    inputs = [x, scalar(0.02), scalar(120, "u1"), w, scale, zero, scalar(0.2), scalar(99, "u1")]
    check_op(
        "QLinearConv", *inputs, bias, const=range(1, 9), domain=MICROSOFT, channels_last=last,
        group=group, pads=[1, 1, 1, 1], strides=[2, 1], steps=1,
    )  # fmt: skip


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_average_pool(last: int, count: int, dtype: str) -> None:
    x = integers(dtype, 2, 5, 7, 6)
    inputs = [x, scalar(0.03), scalar(5, dtype), scalar(0.02), scalar(9, dtype)]
    check_op(
        "QLinearAveragePool", *inputs, const=[1, 2, 3, 4], domain=MICROSOFT, channels_last=last,
        count_include_pad=count, kernel_shape=[3, 2], pads=[1, 1, 1, 0], strides=[2, 1], steps=1,
    )  # fmt: skip


@pytest.mark.parametrize("last", [0, 1])
def test_global_average_pool(last: int) -> None:
    inputs = [integers("u1", 2, 5, 7, 6), scalar(0.03), scalar(5, "u1"), scalar(0.02),
              scalar(9, "u1")]  # fmt: skip
    check_op("QLinearGlobalAveragePool", *inputs, domain=MICROSOFT, channels_last=last, steps=1)


@pytest.mark.parametrize(("axis", "opset"), [(-1, 13), (1, 13), (1, 11), (2, 11)])
@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_softmax(axis: int, opset: int, dtype: str) -> None:
    low = int(np.iinfo(dtype).min)
    inputs = [integers(dtype, 2, 5, 7), scalar(0.05), scalar(3, dtype), scalar(1 / 256),
              scalar(low, dtype)]  # fmt: skip
    arrays = dict(zip("xabcd", inputs, strict=True))
    op = node("QLinearSoftmax", "x a b c d", "y", domain=MICROSOFT, axis=axis, opset=opset)
    model = build([op], arrays, set("abcd"), ["y"], domain=MICROSOFT)
    check_model(model, {"x": inputs[0]}, steps=1)


@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_where(dtype: str) -> None:
    inputs = [RNG.random((3, 1, 5)) < 0.5, integers(dtype, 4, 5), scalar(0.02), scalar(3, dtype)]
    inputs += [integers(dtype, 3, 1, 1), scalar(0.05), scalar(7, dtype)]
    inputs += [scalar(0.04), scalar(11, dtype)]
    check_op(
        "QLinearWhere", *inputs, const=[2, 3, 5, 6, 7, 8], domain=MICROSOFT, steps=1
    )  # fmt: skip


@pytest.mark.parametrize("keep", [0, 1])
def test_reduce_mean(keep: int) -> None:
    x = integers("u1", 2, 5, 7)
    arrays = {"x": x, "a": scalar(0.03), "b": scalar(5, "u1"), "c": scalar(0.02),
              "d": scalar(9, "u1")}  # fmt: skip
    op = node("QLinearReduceMean", "x a b c d", "y", axes=[0, 2], keepdims=keep, domain=MICROSOFT)
    (y,) = run_ours(build([op], arrays, set(), ["y"]), arrays)
    mean = ((x.astype("d") - 5) * 0.03).mean((0, 2), keepdims=bool(keep))
    wanted = np.clip(np.round(mean / 0.02) + 9, 0, 255)
    assert np.abs(y - wanted).max() <= 1
    assert y.shape == wanted.shape


def test_zero_points_may_be_absent() -> None:
    a, b = integers("u1", 3, 8), integers("u1", 3, 8)
    inputs: list[Array | None] = [a, scalar(0.02), None, scalar(0.01), scalar(128, "u1")]
    for op_type in ("QLinearLeakyRelu", "QLinearSigmoid"):
        check_op(op_type, *inputs, domain=MICROSOFT, steps=1)
    # onnxruntime does not take the specification at its word here.
    arrays = {"a": a, "s": scalar(0.02), "b": b, "t": scalar(0.03), "c": scalar(0.05)}
    for op_type, function in (("QLinearAdd", np.add), ("QLinearMul", np.multiply)):
        op = node(op_type, "a s - b t - c", "y", domain=MICROSOFT)
        (y,) = run_ours(build([op], arrays, set(), ["y"]), arrays)
        wanted = np.clip(np.round(function(a * 0.02, b * 0.03) / 0.05), 0, 255)
        assert np.abs(y - wanted).max() <= 1


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("per_row", [False, True])
def test_lstm(direction: str, per_row: bool) -> None:
    d, hidden = 2 if direction == "bidirectional" else 1, 6
    x = random(4, 2, 5)
    w, r = integers("i1", d, 5, 4 * hidden), integers("i1", d, hidden, 4 * hidden)
    shape = (d, 4 * hidden) if per_row else (d,)
    scales = [np.abs(random(*shape)) / 1000 + 0.001 for _ in range(2)]
    zeros = [np.zeros(shape, "i1") for _ in range(2)]
    inputs: list[Array | None] = [x, w, r, random(d, 8 * hidden), None, random(d, 2, hidden), None]
    inputs += [None, scales[0], zeros[0], scales[1], zeros[1]]
    check_op(
        "DynamicQuantizeLSTM", *inputs, const=[1, 2, 8, 9, 10, 11], outputs=3, domain=MICROSOFT,
        direction=direction, hidden_size=hidden, rtol=0.02, atol=0.02,
    )  # fmt: skip


@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("past", [0, 3])
@pytest.mark.parametrize("mask", [False, True])
def test_attention(per_column: bool, past: int, mask: bool) -> None:
    heads, size = 3, 4
    width = 3 * heads * size
    x, w = integers("u1", 2, 5, 7), integers("i1", 7, width)
    scale = np.abs(random(width)) / 500 + 0.001 if per_column else scalar(0.003)
    zero = np.zeros(width, "i1") if per_column else scalar(3, "i1")
    kept = np.array([5, 3], np.int32) if mask else None
    inputs = [x, w, random(width), scalar(0.02), scale, kept, scalar(120, "u1"), zero]
    if past:
        inputs.append(random(2, 2, heads, past, size))
    check_op(
        "QAttention", *inputs, const=[1, 2, 4, 7], outputs=2 if past else 1, domain=MICROSOFT,
        num_heads=heads, unidirectional=int(past > 0), rtol=1e-3, atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("segments", [False, True])
@pytest.mark.parametrize("mask", [False, True])
def test_embeddings(segments: bool, mask: bool) -> None:
    ids = RNG.integers(0, 11, (2, 5), np.int32)
    inputs: list[Array | None] = [ids, RNG.integers(0, 2, (2, 5), np.int32) if segments else None]
    inputs += [integers("u1", 11, 8), integers("u1", 7, 8)]
    inputs += [integers("u1", 2, 8) if segments else None, integers("u1", 8), integers("u1", 8)]
    inputs.append(RNG.integers(0, 2, (2, 5), np.int32) if mask else None)
    present = [True, True, segments, True, True]
    inputs += [scalar(0.01 * (i + 1)) if p else None for i, p in enumerate(present)]
    inputs += [scalar(100 + i, "u1") if p else None for i, p in enumerate(present)]
    check_op(
        "QEmbedLayerNormalization", *inputs, const=[2, 3, 5, 6], outputs=2, domain=MICROSOFT,
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip


def test_refusals() -> None:
    arrays = {"a": integers("u1", 3, 4), "s": scalar(0.1), "z": scalar(3, "u1"),
              "b": integers("u1", 4, 5)}  # fmt: skip
    op = node("QGemm", "a s z b s z - s", "y", domain=MICROSOFT)
    with pytest.raises(UnsupportedOperatorError, match="a scale or a zero point, but not both"):
        run_ours(build([op], arrays, set(), ["y"]), arrays)
