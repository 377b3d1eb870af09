"""onnxruntime's small operators, and those that are refused."""

from __future__ import annotations

from math import erf
from typing import Any

import numpy as np
import onnx
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state
from wasmkiln.errors import ShapeError, UnsupportedOperatorError
from wasmkiln.ops.base import lookup, registered

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(77)
MICROSOFT = "com.microsoft"


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def ours(op_type: str, *inputs: Array, **attributes: Any) -> Array:
    """Our output of one node."""
    arrays = {f"x{i}": a for i, a in enumerate(inputs)}
    op = node(op_type, " ".join(arrays), "y", domain=MICROSOFT, **attributes)
    return run_ours(build([op], arrays, set(), ["y"]), arrays)[0]


def test_own_forms_of_known_operators() -> None:
    how: dict[str, Any] = {"domain": MICROSOFT}
    x = random(2, 5, 7)
    for k in (-1, 0, 2):
        for upper in (0, 1):
            check_op("Trilu", x, np.array(k), const=[1], upper=upper, **how)
    check_op("Trilu", x, **how)
    check_op("GatherND", x, RNG.integers(0, 2, (3, 2)), **how)
    pads = np.array([0, 1, 2, 0, 0, 3])
    for mode in ("constant", "reflect", "edge"):
        check_op("Pad", x, pads, const=[1], mode=mode, **how)
    check_op("Pad", x, pads, np.array(1.5, np.float32), const=[1, 2], **how)
    grid = np.clip(random(2, 3, 6, 2) / 2, -1.2, 1.2)
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            check_op(
                "GridSample", random(2, 3, 5, 7), grid, mode=mode, padding_mode=padding,
                rtol=1e-4, atol=1e-4, **how,
            )  # fmt: skip


def test_range() -> None:
    for dtype in ("i4", "i8", "f4"):
        start, limit, delta = (np.array(v, dtype) for v in (2, 11, 3))
        check_op("Range", start, limit, const=[0, 1], domain=MICROSOFT)
        check_op("Range", start, limit, delta, const=[0, 1, 2], domain=MICROSOFT)


@pytest.mark.parametrize("axis", [0, 1, 3, -1, -4])
def test_expand_dims(axis: int) -> None:
    check_op("ExpandDims", random(2, 3, 4), np.array(axis, np.int32), const=[1], domain=MICROSOFT)


@pytest.mark.parametrize("dtype", ["u1", "i1"])
def test_max_pool_channels_last(dtype: str) -> None:
    x = RNG.integers(0, 100, (2, 7, 6, 5)).astype(dtype)
    check_op(
        "NhwcMaxPool", x, domain=MICROSOFT, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]
    )


def test_transposed_convolution_with_pads_as_an_input() -> None:
    x, w, pads = random(2, 3, 5, 4), random(3, 2, 3, 3), np.array([1, 0, 1, 1])
    how: dict[str, Any] = {"domain": MICROSOFT, "strides": [2, 2], "rtol": 1e-4, "atol": 1e-5}
    check_op("ConvTransposeWithDynamicPads", x, w, pads, random(2), const=[1, 2, 3], **how)
    check_op("ConvTransposeWithDynamicPads", x, w, pads, const=[1, 2], **how)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_distances(metric: str, dtype: str) -> None:
    a, b = random(5, 7).astype(dtype), random(6, 7).astype(dtype)
    check_op("CDist", a, b, domain=MICROSOFT, metric=metric, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("dim", "size", "step"), [(-1, 3, 1), (1, 2, 2), (0, 4, 3), (2, 5, 1)])
def test_unfold(dim: int, size: int, step: int) -> None:
    check_op("UnfoldTensor", random(7, 5, 6), dim=dim, size=size, step=step, domain=MICROSOFT)


def test_softmax_with_bias() -> None:
    x = random(2, 3, 4, 5)
    for bias, axis in ((random(2, 1, 1, 5), 3), (random(4, 5), 3), (random(1, 3, 4, 5), 2)):
        total = (x + bias).reshape(*x.shape[:axis], -1)
        e = np.exp(total - total.max(-1, keepdims=True))
        wanted = (e / e.sum(-1, keepdims=True)).reshape(x.shape)
        y = ours("BiasSoftmax", x, bias, axis=axis, is_inner_broadcast=0)
        np.testing.assert_allclose(y, wanted, 1e-5, 1e-6)


def test_sums_with_bias() -> None:
    x, bias, skip = random(2, 5, 6), random(6), random(2, 5, 6)
    np.testing.assert_allclose(ours("BiasAdd", x, bias, skip), x + bias + skip, 1e-5, 1e-6)
    left, right = np.split(x + bias, 2, -1)
    gelu = right * 0.5 * (1 + np.vectorize(erf)(right / np.sqrt(2)))
    np.testing.assert_allclose(ours("BiasSplitGelu", x, bias), left * gelu, 1e-4, 1e-6)
    with pytest.raises(ShapeError, match="two halves"):
        ours("BiasSplitGelu", random(2, 5), random(5))


def test_complex_products() -> None:
    a, b = random(3, 1, 5, 2), random(4, 5, 2)
    left, right = a[..., 0] + 1j * a[..., 1], b[..., 0] + 1j * b[..., 1]
    for op, product in (("ComplexMul", left * right), ("ComplexMulConj", left * right.conj())):
        wanted = np.stack([product.real, product.imag], -1)
        np.testing.assert_allclose(ours(op, a, b), wanted, 1e-5, 1e-5)


def test_finite() -> None:
    x, y = random(3, 4), random(5)
    assert ours("IsAllFinite", x, y).tolist() is True
    for value, infinite, nan in ((np.inf, False, True), (-np.inf, False, True),
                                 (np.nan, True, False)):  # fmt: skip
        y[2] = value
        assert ours("IsAllFinite", x, y).tolist() is False
        assert ours("IsAllFinite", x, y, isinf_only=1).tolist() is infinite
        assert ours("IsAllFinite", x, y, isnan_only=1).tolist() is nan


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 5, 5), (1, 1)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_inverse(shape: tuple[int, ...], dtype: str) -> None:
    x = random(*shape).astype(dtype)
    x[..., 0, 0] = 0 if shape[-1] > 1 else 3  # a pivot must be looked for
    check_op("Inverse", x, domain=MICROSOFT, rtol=1e-2, atol=1e-3)


def test_inverse_between_other_operators() -> None:
    x = random(2, 4, 4)
    nodes = [node("Relu", "x", "a"), node("Inverse", "b", "c", domain=MICROSOFT)]
    nodes.insert(1, node("Add", "a e", "b"))
    nodes.append(node("MatMul", "b c", "y"))
    eye = 3 * np.eye(4, dtype=np.float32)
    model = build(nodes, {"x": x, "e": eye}, {"e"}, ["y"])
    wanted = np.broadcast_to(np.eye(4), (2, 4, 4))
    np.testing.assert_allclose(run_ours(model, {"x": x})[0], wanted, 1e-4, 1e-4)


@pytest.mark.parametrize("size", [(3, 5), (1, 4), (4, 1), (9, 7)])
def test_crop_and_resize(size: tuple[int, int]) -> None:
    rois = np.array([[0.1, 0.2, 0.7, 0.9], [0, 0, 1, 1], [-0.3, 0.2, 1.4, 1.3], [0.8, 0.9, 0.1, 0]])
    check_op(
        "CropAndResize", random(2, 3, 8, 6), rois.astype("f4"), np.array([0, 1, 0, 1], np.int32),
        np.array(size, np.int32), const=[3], domain=MICROSOFT, extrapolation_value=0.5,
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip


REFUSED_FOR = {
    "they choose words": "BeamSearch GreedySearch Sampling WhisperBeamSearch NGramRepeatBlock",
    "they hash": "MurmurHash3",
    "their sizes depend on the data": "RemovePadding RestorePadding Unique",
    "they belong to one kind of device or model": "LongformerAttention WordConvEmbedding AttnLSTM "
    "PackedAttention DecoderMaskedMultiHeadAttention PagedAttention SparseAttention MoE QMoE",
}


@pytest.mark.parametrize("op_type", " ".join(REFUSED_FOR.values()).split())
def test_what_is_refused(op_type: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=rf"{op_type} \(opset 1\) is not supported"):
        ours(op_type, random(2, 3))


SCHEMAS = {
    s.name: s for s in onnxruntime_pybind11_state.get_all_operator_schema() if s.domain == MICROSOFT
}
OURS = sorted({c.op_type for c in registered() if c.domain == MICROSOFT} & SCHEMAS.keys())


@pytest.mark.parametrize("op_type", OURS)
def test_attributes_of_the_domain(op_type: str) -> None:
    cls = lookup(MICROSOFT, op_type, 1)
    assert cls is not None
    for name, attribute in SCHEMAS[op_type].attributes.items():
        assert name in cls.fields
        if attribute._default_value:
            proto = onnx.AttributeProto.FromString(attribute._default_value)
            default = onnx.helper.get_attribute_value(proto)
            default = default.decode() if isinstance(default, bytes) else default
            approximate = pytest.approx(default, rel=1e-6) if proto.type == proto.FLOAT else default
            assert cls.fields[name] == approximate, name
