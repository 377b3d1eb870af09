"""Operators of opsets 1 to 6, which onnxruntime no longer runs, by ONNX's version converter."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, version_converter
from wasmkiln.errors import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array, build, check_model, check_op, run_ours

RNG = np.random.default_rng(61)
NEWER = 13
X = RNG.standard_normal((2, 3, 5, 4)).astype(np.float32)


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def old_model(
    op_type: str,
    inputs: list[Array],
    opset: int,
    outputs: int = 1,
    const: Collection[int] = (),
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A model of one node as IR 3 had it, and what to feed; initializers are inputs as well."""
    arrays = {f"x{i}": a for i, a in enumerate(inputs)}
    results = [f"y{i}" for i in range(outputs)]
    body = [helper.make_node(op_type, list(arrays), results, **attributes)]
    model = build(body, arrays, {f"x{i}" for i in const}, results, opset)
    model.ir_version = 3
    fixed = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for name, array in fixed.items():
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        model.graph.input.append(helper.make_tensor_value_info(name, dtype, array.shape))
    return model, {name: a for name, a in arrays.items() if name not in fixed}


def ours(op_type: str, *inputs: Array, opset: int = 1, **how: Any) -> list[Array]:
    """Our outputs of one node."""
    return run_ours(*old_model(op_type, list(inputs), opset, **how))


def check_old(op_type: str, *inputs: Array, opset: int = 1, **how: Any) -> None:
    """Compare with onnxruntime's outputs of the model converted to a newer opset."""
    model, feeds = old_model(op_type, list(inputs), opset, **how)
    for output in model.graph.output:
        output.CopyFrom(helper.make_tensor_value_info(output.name, 1, None))
    newer = version_converter.convert_version(model, NEWER)
    for output in newer.graph.output:
        output.ClearField("type")
    expected = check_model(newer, feeds)
    for a, b in zip(run_ours(model, feeds), expected, strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)


UNARY = (
    "Abs Ceil Exp Floor Neg Reciprocal Relu Sigmoid Tanh Elu HardSigmoid LeakyRelu Clip Softplus "
    "Softsign Not Softmax LogSoftmax"
)


@pytest.mark.parametrize("op_type", UNARY.split())
def test_of_one_input(op_type: str) -> None:
    x = X > 0 if op_type == "Not" else X
    check_old(op_type, x, opset=1)
    check_old(op_type, x, opset=6)


def test_hardmax() -> None:
    # The converter forgets that rows were flattened.
    (expected,) = check_op("Hardmax", X, opset=11)
    np.testing.assert_array_equal(ours("Hardmax", X)[0], expected)


@pytest.mark.parametrize("op_type", ["Log", "Sqrt"])
def test_of_positive_input(op_type: str) -> None:
    check_old(op_type, np.abs(X) + 0.1, consumed_inputs=[0])


def test_consumed_inputs_are_a_hint() -> None:
    check_old("Relu", X, consumed_inputs=[0])
    check_old("Clip", X, consumed_inputs=[0], min=-0.5, max=0.25)
    check_old("Elu", X, consumed_inputs=[0], alpha=2.0)
    check_old("Add", X, X * 2, consumed_inputs=[0, 0])
    check_old("Sum", X, X * 2, X * 3, consumed_inputs=[0, 0, 0])


def test_selu_had_rounded_defaults() -> None:
    (y,) = ours("Selu", X)
    expected = np.where(X > 0, X, 1.6732 * (np.exp(X) - 1)) * 1.0507
    np.testing.assert_allclose(y, expected, 2e-6, 1e-6)


@pytest.mark.parametrize("op_type", ["Max", "Min", "Mean", "Sum"])
@pytest.mark.parametrize("opset", [1, 6])
def test_of_many_inputs(op_type: str, opset: int) -> None:
    check_old(op_type, X, X * 2 - 1, X + 1, opset=opset)
    check_old(op_type, X, opset=opset)


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div", "Pow"])
@pytest.mark.parametrize("opset", [1, 6])
def test_arithmetic_broadcasts_when_told(op_type: str, opset: int) -> None:
    function = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide,
                "Pow": np.power}[op_type]  # fmt: skip
    x = np.abs(X) + 0.5
    cases: list[tuple[tuple[int, ...], dict[str, int], tuple[int, ...]]] = [
        ((2, 3, 5, 4), {}, (2, 3, 5, 4)),
        ((4,), {"broadcast": 1}, (4,)),
        ((), {"broadcast": 1}, ()),
        ((3,), {"broadcast": 1, "axis": 1}, (3, 1, 1)),
        ((3, 5), {"broadcast": 1, "axis": 1}, (3, 5, 1)),
        ((2,), {"broadcast": 1, "axis": 0}, (2, 1, 1, 1)),
        ((5, 4), {"broadcast": 1, "axis": -2}, (5, 4)),
    ]
    for shape, attributes, wide in cases:
        b = np.abs(np.asarray(random(*shape), np.float32)) + 0.5
        (y,) = ours(op_type, x, b, opset=opset, **attributes)
        np.testing.assert_allclose(y, function(x, b.reshape(wide)), 1e-5, 1e-6)
    with pytest.raises(ShapeError, match="broadcast is not set"):
        ours(op_type, x, random(4), opset=opset)


def test_comparison_and_logic_broadcast_when_told() -> None:
    b = random(3)
    (y,) = ours("Greater", X, b, broadcast=1, axis=1)
    np.testing.assert_array_equal(y, b.reshape(3, 1, 1) < X)
    (y,) = ours("And", X > 0, b > 0, broadcast=1, axis=1)
    np.testing.assert_array_equal(y, (X > 0) & (b > 0).reshape(3, 1, 1))
    (y,) = ours("Equal", np.arange(6, dtype=np.int32), np.array(3, np.int32), broadcast=1)
    np.testing.assert_array_equal(y, np.arange(6) == 3)


@pytest.mark.parametrize("opset", [1, 6])
def test_batch_normalization(opset: int) -> None:
    parameters = [random(3), random(3), random(3), np.abs(random(3)) + 0.1]
    more: dict[str, Any] = {"consumed_inputs": [0, 0, 0, 1, 1]} if opset == 1 else {}
    check_old(
        "BatchNormalization", X, *parameters, opset=opset, is_test=1, epsilon=1e-3,
        const=[1, 2, 3, 4], **more,
    )  # fmt: skip
    (y,) = ours("BatchNormalization", X, *parameters, opset=opset, **more)
    axes = tuple(d for d in range(X.ndim) if d != 1)
    np.testing.assert_allclose(y.mean(axes), parameters[1], 1e-3, 1e-4)  # the bias: it trains


def test_batch_normalization_of_elements() -> None:
    x, w = random(2, 3, 5, 4), random(3, 3, 1, 1)
    parameters = [random(3, 5, 4), random(3, 5, 4), random(3, 5, 4), np.abs(random(3, 5, 4)) + 0.1]
    check_op("BatchNormalization", x, *parameters, opset=7, spatial=0)
    arrays = dict(zip("xwabcd", [x, w, *parameters], strict=True))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"]),
        helper.make_node("BatchNormalization", ["y", *"abcd"], ["z"], spatial=0),
    ]
    check_model(build(nodes, arrays, set("wabcd"), ["z"], 7), {"x": x}, 1e-4, 1e-5)


@pytest.mark.parametrize("opset", [1, 6])
def test_dropout(opset: int) -> None:
    y, mask = ours("Dropout", X, opset=opset, is_test=1, ratio=0.9, outputs=2)
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(mask, np.ones_like(X))
    y, mask = ours("Dropout", X, opset=opset, outputs=2)  # it trains
    np.testing.assert_allclose(y, X * mask * 2, 1e-6)


def test_the_mask_had_the_inputs_dtype() -> None:
    for opset, dtype in ((7, np.float32), (9, np.float32), (10, np.bool_)):
        y, mask = ours("Dropout", X, opset=opset, outputs=2)
        np.testing.assert_array_equal(y, X)
        assert mask.dtype == dtype and mask.all()


def test_cast_to_half_precision_by_name() -> None:
    model, feeds = old_model("Cast", [X], 1, to="FLOAT16")
    model.graph.node.append(helper.make_node("Cast", ["y0"], ["z"], to="FLOAT"))
    model.graph.output[0].name = "z"
    np.testing.assert_allclose(run_ours(model, feeds)[0], X, 2e-3)


def test_cast_by_name() -> None:
    for name, dtype in (("INT32", "i4"), ("double", "f8"), ("BOOL", "?"), ("UINT8", "u1")):
        (y,) = ours("Cast", np.abs(X) * 3, to=name)
        np.testing.assert_array_equal(y, (np.abs(X) * 3).astype(dtype))
    with pytest.raises(UnsupportedOperatorError, match="conversion of f32 to c64"):
        ours("Cast", X, to="COMPLEX64")


def test_concat_and_split() -> None:
    check_old("Concat", X, X * 2)
    check_old("Concat", X, X * 2, axis=3)
    for y, wanted in zip(ours("Split", X, axis=2, split=[2, 3], outputs=2),
                         np.split(X, [2], 2), strict=True):  # fmt: skip
        np.testing.assert_array_equal(y, wanted)
    sizes = np.array([1, 3], np.float32)
    for y, wanted in zip(ours("Split", X, sizes, axis=3, const=[1], outputs=2),
                         np.split(X, [1], 3), strict=True):  # fmt: skip
        np.testing.assert_array_equal(y, wanted)
    check_old("Split", X, opset=2, axis=3, outputs=2)


def test_pad() -> None:
    widths = [0, 0, 1, 2, 0, 0, 3, 0]
    pairs = list(zip(widths[:4], widths[4:], strict=True))
    (y,) = ours("Pad", X, paddings=widths, value=1.5)
    np.testing.assert_array_equal(y, np.pad(X, pairs, constant_values=1.5))
    (y,) = ours("Pad", X, paddings=widths, mode="reflect")
    np.testing.assert_array_equal(y, np.pad(X, pairs, "reflect"))
    check_old("Pad", X, opset=2, pads=widths, mode="edge")


def test_reshape_and_tile() -> None:
    check_old("Reshape", X, shape=[0, -1, 2])
    tiles, axis = np.array([3], np.float32), np.array([-2], np.float32)
    (y,) = ours("Tile", X, tiles, axis, const=[1, 2])
    np.testing.assert_array_equal(y, np.tile(X, (1, 1, 3, 1)))


def test_slices() -> None:
    check_old("Slice", X, starts=[1, -3], ends=[100, -1], axes=[2, 3])
    numbers = [np.array(v, np.int64) for v in ([1, -3], [100, -1], [2, 3])]
    (y,) = ours("DynamicSlice", X, *numbers, const=[1, 2, 3])
    np.testing.assert_array_equal(y, X[:, :, 1:, -3:-1])


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_upsample(mode: str) -> None:
    (y,) = ours("Upsample", X, height_scale=2.0, width_scale=3.0, mode=mode)
    newer = "linear" if mode == "bilinear" else mode
    (expected,) = check_op("Upsample", X, opset=7, scales=[1.0, 1.0, 2.0, 3.0], mode=newer)
    np.testing.assert_allclose(y, expected, 1e-5, 1e-6)


@pytest.mark.parametrize("opset", [1, 6])
def test_gemm(opset: int) -> None:
    a, b = random(5, 7), random(3, 7)
    for shape in ((5, 3), (3,), (1,)):
        c = random(*shape)
        (y,) = ours("Gemm", a, b, c, opset=opset, broadcast=1, transB=1, alpha=0.5, beta=2.0)
        np.testing.assert_allclose(y, a @ b.T * 0.5 + c * 2, 1e-5, 1e-5)


def test_pools() -> None:
    check_old("MaxPool", X, kernel_shape=[2, 3], strides=[2, 1], pads=[1, 1, 0, 1])
    check_old("AveragePool", X, kernel_shape=[2, 3], pads=[1, 1, 0, 1])
    (y,) = ours("GlobalLpPool", X, p=2.0)
    np.testing.assert_allclose(y, np.sqrt((X * X).sum((2, 3), keepdims=True)), 1e-5)
    (y,) = ours("LpPool", X, p=1.5, kernel_shape=[5, 4])
    wanted = (np.abs(X) ** 1.5).sum((2, 3), keepdims=True) ** (1 / 1.5)
    np.testing.assert_allclose(y, wanted, 1e-4)
    (y,) = ours("LpPool", X, opset=2, p=2, kernel_shape=[5, 4])
    np.testing.assert_allclose(y, np.sqrt((X * X).sum((2, 3), keepdims=True)), 1e-5)


def test_conv_transpose_of_given_size() -> None:
    w = random(3, 2, 3, 3)
    for shape in ([11, 9], [10, 8]):
        options: dict[str, Any] = {"strides": [2, 2], "output_shape": shape}
        check_old("ConvTranspose", X, w, const=[1], **options)
    check_old("ConvTranspose", X, w, const=[1], auto_pad="SAME_LOWER", strides=[2, 2])


@pytest.mark.parametrize("op_type", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("opset", [1, 3])
def test_recurrent(op_type: str, opset: int) -> None:
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op_type]
    x, w, r = random(4, 2, 3), random(1, gates * 5, 3), random(1, gates * 5, 5)
    b, outputs = random(1, 2 * gates * 5), 3 if op_type == "LSTM" else 2
    expected = check_op(op_type, x, w, r, b, outputs=outputs, opset=7, hidden_size=5, rtol=1e-4)
    how: dict[str, Any] = {"opset": opset, "outputs": outputs, "hidden_size": 5}
    found = ours(op_type, x, w, r, b, output_sequence=1, **how)
    for y, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, wanted, 1e-4, 1e-6)


def test_normalizations() -> None:
    check_old("InstanceNormalization", X, random(3), random(3), consumed_inputs=[0, 0, 0])
    check_old("LRN", X, size=3, alpha=0.02, beta=0.7, bias=1.5)
    check_old("LpNormalization", X, axis=1, p=1)
    for across, axes in ((1, (1, 2, 3)), (0, (2, 3))):
        centred = X - X.mean(axes, keepdims=True)
        (y,) = ours("MeanVarianceNormalization", X, across_channels=across)
        np.testing.assert_allclose(y, centred / X.std(axes, keepdims=True), 1e-4, 1e-5)
        (y,) = ours("MeanVarianceNormalization", X, across_channels=across, normalize_variance=0)
        np.testing.assert_allclose(y, centred, 1e-5, 1e-6)


def test_prelu() -> None:
    slope = random(3)
    for opset, more in ((1, {"consumed_inputs": [0, 0]}), (6, {})):
        (y,) = ours("PRelu", X, slope, opset=opset, **more)
        np.testing.assert_allclose(y, np.where(X < 0, X * slope.reshape(3, 1, 1), X), 1e-6)
        (y,) = ours("PRelu", X, slope[:1], opset=opset, **more)
        np.testing.assert_allclose(y, np.where(X < 0, X * slope[0], X), 1e-6)


@pytest.mark.parametrize("reduction", ["L1", "L2", "Max", "Mean", "Min", "Sum", "SumSquare",
                                       "LogSumExp", "LogSum", "Prod"])  # fmt: skip
def test_reductions(reduction: str) -> None:
    x = np.abs(X) + 0.1
    check_old(f"Reduce{reduction}", x, axes=[1, 3], keepdims=0)
    check_old(f"Reduce{reduction}", x)


def test_indices_and_selections() -> None:
    check_old("TopK", X, k=2, axis=2, outputs=2)
    check_old("ArgMax", X, axis=1, keepdims=0)
    check_old("ArgMin", X)
    check_old("Gather", X, np.array([2, 0], np.int64), axis=1)
    check_old("Squeeze", X[:, :1], axes=[1])
    check_old("Unsqueeze", X, axes=[0, 3])
    check_old("Flatten", X, axis=2)
    check_old("SpaceToDepth", random(1, 2, 4, 6), blocksize=2)


def test_fills() -> None:
    (y,) = ours("ConstantFill", X, value=2.5, extra_shape=[2])
    np.testing.assert_array_equal(y, np.full((*X.shape, 2), 2.5, np.float32))
    (y,) = ours("ConstantFill", np.array([3, 2], np.int64), const=[0], input_as_shape=1, dtype=7)
    np.testing.assert_array_equal(y, np.zeros((3, 2), np.int64))
    assert y.dtype == np.int64
    (y,) = ours("GivenTensorFill", X[0, 0, 0, :3], values=[1.0, 2.0, 3.0])
    np.testing.assert_array_equal(y, [1, 2, 3])
    with pytest.raises(ShapeError, match="2 values do not make"):
        ours("GivenTensorFill", X, values=[1.0, 2.0])
    (y,) = ours("Scale", X, scale=3.0)
    np.testing.assert_allclose(y, X * 3, 1e-6)


def test_foreign_operators_are_refused() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"ATen \(opset 1\) is not supported"):
        ours("ATen", X)
