"""NaN, infinities, zeros of both signs, limits of integers, and what is undefined elsewhere.

Elementwise operators, Softmax, TopK and MaxPool, which passes over NaN, do as onnxruntime does.
Where that forgets a NaN, depending on how it cuts up its loops, NaN wins here: in ReduceMax,
ReduceMin and GlobalMaxPool. Integers divided by zero give 0, as do their remainders; the least
integer by -1 is itself; shifts by the width or more leave only the sign. Floats that an integer
can't hold become the nearest one it can, NaN becomes 0.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from onnx import helper
from wasmkiln.options import CompileOptions

from tests.ops.check import Array, assert_same, build, check_op, node, run_ours

BOTH = [CompileOptions(), CompileOptions(simd="baseline")]
FLOATS = ("f4", "f8", "f2")
SIGNED, UNSIGNED = ("i1", "i2", "i4", "i8"), ("u1", "u2", "u4", "u8")
NAN, INF = np.nan, np.inf
SPECIAL = [NAN, -NAN, INF, -INF, 0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.7, -3.7]


def pairs(values: list[float], dtype: str) -> tuple[Array, Array]:
    """Each value beside each."""
    a, b = zip(*product(values, values), strict=True)
    return np.array(a, dtype), np.array(b, dtype)


def ours(op: str, *inputs: Array, const: bool = False, **attributes: Any) -> Array:
    """The only output; const: of constants, which are computed while compiling."""
    names = [f"x{i}" for i in range(len(inputs))]
    arrays = dict(zip(names, inputs, strict=True))
    model = build(
        [node(op, " ".join(names), "y", **attributes)], arrays, names if const else [], ["y"]
    )
    code = run_ours(model, {} if const else arrays)
    return code[0]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "op",
    ["Max", "Min", "Add", "Sub", "Mul", "Div", "Equal", "Less", "Greater", "LessOrEqual",
     "GreaterOrEqual", "Pow"],
)  # fmt: skip
def test_two_operands(op: str, dtype: str) -> None:
    a, b = pairs(SPECIAL, dtype)
    check_op(op, a, b, options=BOTH, rtol=1e-3 if dtype == "f2" else 1e-5)
    check_op(op, a[:200], b[:200], const=[0, 1], rtol=1e-3 if dtype == "f2" else 1e-5)


@pytest.mark.parametrize("dtype", FLOATS)
def test_remainders(dtype: str) -> None:
    check_op("Mod", *pairs(SPECIAL, dtype), options=BOTH, fmod=1)


@pytest.mark.parametrize(
    "op",
    ["Relu", "Sign", "Round", "Floor", "Ceil", "Abs", "Neg", "IsNaN", "IsInf", "Sqrt", "Exp", "Log",
     "Reciprocal", "Sigmoid", "Tanh", "Erf", "Elu", "Selu", "Softplus", "LeakyRelu"],
)  # fmt: skip
def test_one_operand(op: str) -> None:
    for dtype in ("f4", "f8")[: 1 if op in ("Erf", "Elu", "Selu", "Softplus", "LeakyRelu") else 2]:
        check_op(op, np.array(SPECIAL, dtype), options=BOTH, opset=13)
        check_op(op, np.array(SPECIAL, dtype), const=[0], opset=13)


def test_the_sign_of_zero_is_kept() -> None:
    x = np.array([0.0, -0.0, 0.4, -0.4, -0.5], "f4")
    for op in ("Round", "Ceil", "Floor", "Neg", "Tanh", "Sin", "Erf"):
        expected = check_op(op, x, opset=13, options=BOTH)[0]
        for const in (False, True):
            assert (np.signbit(ours(op, x, const=const)) == np.signbit(expected)).all(), op


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("op", "reference"), [("ReduceMax", np.max), ("ReduceMin", np.min)])
@pytest.mark.parametrize("axis", [0, 1])
def test_nan_wins_in_reductions(op: str, reference: Any, axis: int, dtype: str) -> None:
    x = np.arange(17 * 9, dtype=dtype).reshape(17, 9)
    for at in range(0, 17 * 9, 7):
        x.flat[at] = NAN
        expected = reference(x, axis=axis, keepdims=True)
        assert_same(ours(op, x, np.array([axis])), expected)
        x.flat[at] = INF if at % 2 else -INF
        if at % 3 == 0:
            break


@pytest.mark.parametrize("length", [3, 17])
@pytest.mark.parametrize("channels", [1, 8])
def test_max_pool_passes_over_nan(length: int, channels: int) -> None:
    for place in range(length):
        x = np.ones((1, channels, length), "f4")
        x[..., place] = NAN
        check_op("MaxPool", x, kernel_shape=[3], pads=[1, 1], options=BOTH)
        assert np.isnan(ours("GlobalMaxPool", x)).all()


@pytest.mark.parametrize("dtype", FLOATS[:2])
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_arg_reductions(op: str, dtype: str) -> None:
    x = np.stack([np.roll(np.array(SPECIAL, dtype), i) for i in range(16)])
    for axis in (0, 1):
        for last in (0, 1):
            check_op(op, x, options=BOTH, axis=axis, select_last_index=last)


@pytest.mark.parametrize("dtype", FLOATS[:2])
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("const", [[1], [0, 1]])
def test_nan_is_the_greatest_for_top_k(dtype: str, largest: int, const: list[int]) -> None:
    x = np.stack([np.roll(np.array(SPECIAL, dtype), i) for i in range(16)])
    for k in (1, 5, 16):
        check_op("TopK", x, np.array([k]), const=const, outputs=2, axis=1, largest=largest)
    check_op("TopK", x[0], np.array([5]), const=const, outputs=2, largest=largest)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_softmax_of_infinities(dtype: str) -> None:
    x = np.array(
        [[-INF, -INF, -INF], [INF, 1, 2], [-INF, 0, 1], [NAN, 1, 2], [0, -0.0, 1e30]], dtype
    )
    check_op("Softmax", x, options=BOTH)


@pytest.mark.parametrize("dtype", [*SIGNED, *UNSIGNED])
@pytest.mark.parametrize("const", [False, True])
def test_integers_divided_by_zero_and_the_least_by_minus_one(dtype: str, const: bool) -> None:
    info = np.iinfo(dtype)
    values = [0, 1, 2, 7, info.max, info.min, info.min + 1, info.max - 1]
    values += [-1, -2, -7] if dtype[0] == "i" else []
    a, b = pairs(values, dtype)
    wide_a, wide_b = a.astype(object), b.astype(object)

    def each(function: Any) -> Array:
        found = [function(int(x), int(y)) for x, y in zip(wide_a, wide_b, strict=True)]
        mask = (1 << info.bits) - 1
        return np.array([v & mask for v in found], f"u{info.bits // 8}").view(dtype)

    def quotient(x: int, y: int) -> int:
        return 0 if y == 0 else abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)

    assert_same(ours("Div", a, b, const=const), each(quotient))
    assert_same(ours("Mod", a, b, const=const), each(lambda x, y: x % y if y else 0))
    fmod = ours("Mod", a, b, const=const, fmod=1)
    assert_same(fmod, each(lambda x, y: x - y * quotient(x, y) if y else 0))


@pytest.mark.parametrize("dtype", [*UNSIGNED, *SIGNED])
@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("const", [False, True])
def test_shifts_by_the_width_or_more(dtype: str, direction: str, const: bool) -> None:
    info = np.iinfo(dtype)
    x, y = pairs([0, 1, 5, 77, info.bits - 1, info.bits, info.bits + 1, 100], dtype)
    x = -x if dtype[0] == "i" else x * 3
    expected = []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        shifted = a << b if direction == "LEFT" else a >> b
        expected.append(shifted & ((1 << info.bits) - 1))
    array = np.array(expected, f"u{info.bits // 8}").view(dtype)
    assert_same(ours("BitShift", x, y, const=const, direction=direction), array)


@pytest.mark.parametrize("source", ["f4", "f8"])
@pytest.mark.parametrize("target", [*SIGNED, *UNSIGNED])
@pytest.mark.parametrize("const", [False, True])
def test_floats_that_an_integer_cannot_hold(source: str, target: str, const: bool) -> None:
    info = np.iinfo(target)
    x = np.array(
        [NAN, INF, -INF, 1e30, -1e30, 2.5, -2.5, -0.9, 0.9, 200.7, 40000.0, 3e9, -3e9], source
    )
    expected = [
        0 if np.isnan(v) else max(info.min, min(info.max, int(np.clip(v, -1e30, 1e30)))) for v in x
    ]
    to = helper.np_dtype_to_tensor_dtype(np.dtype(target))
    assert_same(ours("Cast", x, const=const, to=to), np.array(expected, target))
