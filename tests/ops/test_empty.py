"""Dimensions of size 0, scalars, and tensors of rank 8, for every operator with kernels.

The results are those of onnxruntime, or of ONNX's reference where that refuses or crashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from wasmkiln.ops.families import FAMILIES

from tests.ops.check import Array, assert_same, build, run_onnxruntime, run_ours

SHAPES = [(0,), (2, 0, 3), (), (1, 2, 1, 2, 1, 2, 2, 0), (2, 1, 2, 1, 2, 1, 2, 2)]
CASES: list[tuple[str, tuple[Array | None, ...], dict[str, Any]]] = []
# onnxruntime ends the whole process on these, or sums what lies behind the end.
NO_ORACLE = {"LSTM", "GRU", "RNN", "MatMulInteger"}
# Undefined in ONNX: the mean of nothing, which is NaN here as in NumPy.
UNDEFINED = {"ReduceMean", "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}
FAMILIES_HERE = [
    "activation", "argreduce", "attention", "cast", "concat", "constant", "conv",
    "conv_transpose", "cumulative", "einsum", "elementwise", "gather", "grid", "lrn", "loss",
    "mask", "matmul", "movement", "norm", "pad", "pool", "quant", "quant_linear", "rearrange",
    "reduce", "reshape", "resize", "rnn", "rotary", "scatter", "sequence_lengths", "shape",
    "slice", "softmax", "sort", "window",
]  # fmt: skip
ELSEWHERE = {"Constant", "BitCast"}  # one has no input, of the other onnxruntime knows nothing


def f4(*shape: int) -> Array:
    """Small numbers."""
    return (np.arange(int(np.prod(shape))) % 7 - 3).reshape(shape).astype("f4")


def i8(*values: int) -> Array:
    """A vector of i64."""
    return np.array(values, "i8")


def case(op: str, *inputs: Array | None, **how: Any) -> None:
    """Add a case. const, outputs and opset as in `check_op`; the rest are attributes."""
    CASES.append((op, inputs, how))


UNARY = [
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Clip", "Cos",
    "Cosh", "Dropout", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish",
    "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish", "Neg", "Reciprocal", "Relu",
    "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt",
    "Tan", "Tanh", "ThresholdedRelu",
]  # fmt: skip
BINARY = [
    "Add", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean",
    "Min", "Mul", "PRelu", "Pow", "Sub", "Sum",
]  # fmt: skip

for s in SHAPES:
    x, ones, rank = f4(*s), f4(*[1] * len(s)), len(s)
    n = x.astype("i4")
    for op in UNARY:
        case(op, x, opset=22)
    for op in BINARY:
        case(op, x, x)
        case(op, x, ones)
    for op in ("And", "Or", "Xor"):
        case(op, x > 0, x > 1)
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        case(op, n, n)
    case("Mod", x, x + 9, fmod=1)
    case("Not", x > 0)
    case("Swish", x, opset=24)
    case("BitwiseNot", n)
    case("BitShift", n.astype("u4"), n.astype("u4") % 9, direction="LEFT")
    case("Where", x > 0, x, x)
    case("Cast", x, to=7)
    case("CastLike", x, i8(1))
    case("Shape", x)
    case("Size", x)
    case("Transpose", x)
    case("Reshape", x, i8(*s, 1), const=[1], allowzero=1)
    case("Unsqueeze", x, i8(0), const=[1])
    case("Squeeze", f4(1, *s), i8(0), const=[1])
    case("Expand", x, i8(2, *[1] * rank), const=[1])
    case("Tile", x, i8(*[2] * rank), const=[1])
    case("QuantizeLinear", x, np.array(0.5, "f4"), np.array(3, "u1"))
    case("DequantizeLinear", n.astype("i1"), np.array(0.5, "f4"), np.array(3, "i1"))
    case("ReduceSum", x)
    case("Gather", f4(4, 2), n.astype("i8") % 4)
    case("OneHot", n.astype("i8") if s else i8(1), np.array(3), f4(2), const=[1])
    case("GatherND", f4(4, 3), f4(*s, 1).astype("i8") % 4)
    if not s:
        continue
    case("Flatten", x, axis=1)
    case("Slice", x, i8(0), i8(1), i8(0), const=[1, 2, 3])
    case("Split", x, i8(s[-1], 0), const=[1], axis=-1, outputs=2)
    case("Pad", x, i8(*[1] * 2 * rank), const=[1])
    case("CumSum", x, np.array(0), const=[1])
    case("GatherElements", x, n.astype("i8") * 0, axis=0)
    case("ScatterElements", x, n.astype("i8") * 0, x, opset=18, reduction="add")
    case("Scatter", x, n.astype("i8")[:1] * 0, x[:1], opset=9)
    case("ScatterND", x, np.zeros((0, 1), "i8"), f4(0, *s[1:]), opset=18)
    case("Gather", x, i8())
    case("TopK", x, i8(0), const=[1], outputs=2)
    case("Compress", x, np.zeros(s[0], bool), const=[1], axis=0)
    case("ArgMax", f4(*s, 2), axis=-1)
    case("ArgMin", f4(*s, 2), axis=-1)
    case("LpNormalization", x)
    case("Trilu", f4(*s, 2, 3))
    case("LayerNormalization", f4(*s, 3), f4(3))
    case("RMSNormalization", f4(*s, 3), f4(3), opset=23)
    case("MeanVarianceNormalization", x + 1, axes=[rank - 1])
    case("DynamicQuantizeLinear", x, outputs=3)
    case("MatMul", f4(*s, 3), f4(3, 2))
    case("MatMul", f4(*s, 3, 0), f4(0, 2))
    for axis in (0, rank - 1):
        case("Concat", x, x, axis=axis)
        case("Hardmax", x, axis=axis, opset=13)
        for op in ("Softmax", "LogSoftmax"):
            case(op, x, axis=axis)
            case(op, x, axis=axis, opset=11)
    for op in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"):
        positive = x + 9
        for axis in (0, rank - 1):
            case(f"Reduce{op}", positive, i8(axis), const=[1], opset=20)
        case(f"Reduce{op}", positive, opset=20)
        case(f"Reduce{op}", positive, i8(), const=[1], opset=20, noop_with_empty_axes=1)

for n in (0, 2):
    image = f4(n, 2, 5, 5)
    window = {"kernel_shape": [2, 2]}
    case("Conv", image, f4(4, 2, 3, 3), const=[1])
    case("ConvTranspose", image, f4(2, 4, 3, 3), const=[1])
    case("MaxPool", image, **window)
    case("MaxPool", image, outputs=2, **window)
    case("AveragePool", image, **window)
    case("LpPool", image, **window)
    for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        case(op, image)
    case("BatchNormalization", image, *[f4(2) + 4] * 4)
    case("InstanceNormalization", image, f4(2), f4(2))
    case("GroupNormalization", f4(2, n + 2, 3), f4(n + 2), f4(n + 2), num_groups=1)
    case("LRN", image, size=3)
    scales = np.array([1, 1, 2, 2], "f4")
    case("Resize", image, None, scales, const=[2], opset=18)
    case("Resize", image, None, scales, const=[2], opset=18, mode="linear")
    case("Upsample", image, scales, const=[1], opset=9)
    case("DepthToSpace", f4(n, 4, 2, 2), blocksize=2)
    case("SpaceToDepth", f4(n, 1, 4, 4), blocksize=2)
    case("GridSample", image, f4(n, 3, 3, 2), opset=20)
    case("Gemm", f4(n, 3), f4(3, 4), f4(4))
    case("Gemm", f4(3, n), f4(n, 4), f4(4))
    case("Gemm", f4(3, 2), f4(2, n))
    case("Einsum", f4(n, 3), f4(3, 2), equation="ij,jk->ik")
    u = np.abs(f4(n, 3)).astype("u1")
    case("MatMulInteger", u, np.ones((3, 4), "u1"))
    case("MatMulInteger", u.T, np.ones((n, 4), "u1"))
    scale, zero = np.array(0.1, "f4"), np.array(1, "u1")
    quantized = (u, scale, zero, np.ones((3, 4), "u1"), scale, zero, scale, zero)
    case("QLinearMatMul", *quantized, opset=20)
    pixels = np.abs(image).astype("u1")
    filters = np.ones((3, 2, 2, 2), "u1")
    case("ConvInteger", pixels, filters)
    case("QLinearConv", pixels, scale, zero, filters, scale, zero, scale, zero, const=range(1, 8))
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        weights = f4(1, gates * 5, 2), f4(1, gates * 5, 5)
        case(op, f4(3, n, 2), *weights, hidden_size=5, opset=14, outputs=2)
    case("Attention", f4(n, 2, 3, 4), f4(n, 2, 5, 4), f4(n, 2, 5, 4), opset=23)
    case("Attention", f4(1, 2, n, 4), f4(1, 2, 5, 4), f4(1, 2, 5, 4), opset=23)
    angles = f4(8, 2)
    case("RotaryEmbedding", f4(n, 2, 3, 4), angles, angles, np.zeros((n, 3), "i8"), opset=23)
    case("ConstantOfShape", i8(n, 3), const=[0])
    case("Range", np.array(0), np.array(n), np.array(1), const=[0, 1, 2])
    case("EyeLike", f4(n, 3))
    labels = np.zeros((n, 2), "i8")
    case("NegativeLogLikelihoodLoss", f4(n, 3, 2), labels, reduction="none")
    case("SoftmaxCrossEntropyLoss", f4(n, 3, 2), labels, reduction="none")
    case("ReverseSequence", f4(3, n), np.ones(n, "i8"))
    case("TensorScatter", f4(n, 5, 2), f4(n, 1, 2), np.zeros(n, "i8"), opset=24, axis=1)
    case("CenterCropPad", f4(n, 3), i8(2, 2), const=[1])
    case("CumProd", f4(n, 3), np.array(0), const=[1], opset=26)
    for op in ("HannWindow", "HammingWindow", "BlackmanWindow"):
        case(op, np.array(n), const=[0])


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{i}")
def test_case(number: int) -> None:
    op, inputs, how = CASES[number]
    given = dict(how)
    const, outputs, opset = given.pop("const", ()), given.pop("outputs", 1), given.pop("opset", 21)
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    arrays = {n: np.asarray(a) for n, a in zip(names, inputs, strict=True) if a is not None}
    fixed = {f"x{i}" for i in const}
    body = [helper.make_node(op, names, results, **given)]
    model = build(body, arrays, fixed, results, opset)
    feeds = {n: a for n, a in arrays.items() if n not in fixed}
    expected = _expected(op, model, feeds, arrays)
    for output, array in zip(model.graph.output, expected, strict=True):
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        output.CopyFrom(helper.make_tensor_value_info(output.name, dtype, array.shape))
    actual = run_ours(model, feeds)
    for a, b in zip(actual, expected, strict=True):
        if op in UNDEFINED and a.shape == b.shape and not all(x.size for x in arrays.values()):
            continue
        assert_same(a, b, op, 1e-4, 1e-5)


def _expected(
    op: str, model: Any, feeds: dict[str, Array], arrays: dict[str, Array]
) -> Sequence[Array]:
    try:
        if op in NO_ORACLE and not all(a.size for a in arrays.values()):
            raise ValueError("onnxruntime can't be asked")
        return run_onnxruntime(model, feeds)
    except Exception:  # its exceptions have no common base
        with np.errstate(all="ignore"):
            return [np.asarray(v) for v in ReferenceEvaluator(model).run(None, feeds)]


def test_no_operator_is_forgotten() -> None:
    names = {t for f in FAMILIES_HERE for t in FAMILIES[f].split() if "." not in t}
    assert names - {op for op, *_ in CASES} - ELSEWHERE == set()
