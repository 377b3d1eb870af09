"""Random elementwise operators: every dtype, broadcasting, and values at the edges of a dtype."""

from __future__ import annotations

import numpy as np
from onnx import helper

from tests.differential.draw import FLOATS, INTEGERS, Case, Draw

__all__ = ["binary", "cast", "integers", "unary", "variadic", "where"]

SMOOTH = (
    "Relu", "Neg", "Abs", "Sigmoid", "Tanh", "Exp", "Erf", "Sin", "Cos", "Atan", "Sinh", "Asinh",
    "Softplus", "Softsign", "Elu", "Selu", "Celu", "LeakyRelu", "HardSigmoid", "HardSwish", "Mish",
    "Gelu", "ThresholdedRelu", "Shrink", "Reciprocal", "Sqrt", "Log", "Floor", "Ceil", "Round",
    "Sign", "IsNaN", "IsInf", "Tan", "Acos", "Asin", "Acosh", "Atanh", "Cosh",
)  # fmt: skip
# What onnxruntime gives for these at infinities or NaN follows from its formula, not from ONNX.
FINITE = {"HardSwish", "Mish", "Gelu", "Selu", "Elu", "Celu", "Softsign", "ThresholdedRelu",
          "Shrink", "Softplus", "Sigmoid", "Tanh", "Erf", "HardSigmoid"}  # fmt: skip


def unary(d: Draw) -> Case:
    """A function of one float."""
    op, dtype = d.one(*SMOOTH), d.one("float32", "float32", "float64", "float16")
    fill = d.array if op in FINITE else d.special
    if op == "Sign" and dtype == "float16":
        fill = d.array  # onnxruntime has 0 for NaN there, and NaN in wider floats
    x = fill(d.shape(empty=True), dtype)
    opset = 22 if op in ("HardSwish", "Mish", "ThresholdedRelu") else 21
    return d.case(op, x, opset=opset, rtol=2e-3 if dtype == "float16" else 1e-5, atol=1e-6)


def binary(d: Draw) -> Case:
    """Arithmetic and comparisons of two floats."""
    dtype = d.one(*FLOATS)
    op = d.one("Add", "Sub", "Mul", "Div", "Equal", "Less", "Greater", "LessOrEqual", "Pow",
               "GreaterOrEqual", "PRelu", "Mod")  # fmt: skip
    a, b = _pair(d)
    x, y = d.special(a, dtype), d.special(b, dtype)
    if op == "Mod":
        return d.case(op, x, y, fmod=1)
    if op == "Pow":
        x, y = d.array(a, dtype), d.one(d.array(b, dtype), d.array(b, "int32"), np.array(2, dtype))
        x = np.abs(x) if y.dtype.kind == "f" else x
        return d.case(op, x, y, rtol=5e-3 if dtype == "float16" else 2e-5)
    if op == "PRelu":
        return d.case(op, x, d.special(d.broadcasting(a) if a else [], dtype))
    return d.case(op, x, y)


def integers(d: Draw) -> Case:
    """Arithmetic, comparisons and bits of two integers, without division by zero."""
    dtype = d.one(*INTEGERS)
    op = d.one("Add", "Sub", "Mul", "Div", "Equal", "Less", "Greater", "Mod", "BitwiseAnd",
               "BitwiseOr", "BitwiseXor", "BitShift", "Max", "Min", "Abs", "Neg", "Sign",
               "BitwiseNot", "Pow")  # fmt: skip
    a, b = _pair(d)
    x, y = d.special(a, dtype), d.special(b, dtype)
    if op in ("Abs", "Neg", "Sign", "BitwiseNot"):
        return d.case(op, x)
    if op in ("Div", "Mod"):
        y = np.where(y == 0, 3, y).astype(dtype)
        if dtype[0] == "i":
            x = np.maximum(x, -(2 ** (x.dtype.itemsize * 8 - 1)) + 1)
        return d.case(op, x, y, fmod=d.one(0, 1) if op == "Mod" else None)
    if op == "BitShift":
        y = (np.abs(d.array(b, "int64")) % (x.dtype.itemsize * 8)).astype(dtype)
        return d.case(op, x, y, direction=d.one("LEFT", "RIGHT"))
    if op == "Pow":
        x, y = d.array(a, dtype) % 5, np.abs(d.array(b, dtype)) % 5
        return d.case(op, x.astype(dtype), y.astype(dtype))
    return d.case(op, x, y)


def variadic(d: Draw) -> Case:
    """Max, Min, Sum and Mean of some tensors, and Clip."""
    dtype, a = d.one(*FLOATS), d.shape(1)
    if d.maybe():
        low, high = sorted(float(v) for v in d.rng.standard_normal(2))
        bounds = [np.array(v, dtype) if d.maybe() else None for v in (low, high)]
        if dtype == "float16" and None in bounds:  # whose own limits are computed in f32 here
            return d.case("Clip", d.array(a, dtype), *bounds)
        return d.case("Clip", d.special(a, dtype), *bounds)
    op = d.one("Max", "Min", "Sum", "Mean")
    fill = d.array if op in ("Sum", "Mean") else d.special
    tensors = [fill(a, dtype), *(fill(d.broadcasting(a), dtype) for _ in range(d.whole(0, 4)))]
    return d.case(op, *tensors)


def where(d: Draw) -> Case:
    """A selection by a condition."""
    a, dtype = d.shape(1, 5, empty=True), d.one(*FLOATS, "int32", "int64", "uint8")
    parts = [d.broadcasting(a) if 0 not in a else a for _ in range(3)]
    return d.case("Where", d.array(parts[0], "bool"), *(d.special(p, dtype) for p in parts[1:]))


def cast(d: Draw) -> Case:
    """Between two dtypes; floats that an integer can't hold are undefined in ONNX."""
    source, target = (d.one(*FLOATS, *INTEGERS, "bool") for _ in range(2))
    x = d.array(d.shape(empty=True), source)
    if source in FLOATS and target not in FLOATS:
        x = np.abs(x) * 20 if target[0] == "u" else x * 20
    elif source not in FLOATS or target in FLOATS:
        x = d.special(x.shape, source)
    return d.case("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(target)))


def _pair(d: Draw) -> tuple[list[int], list[int]]:
    a = d.shape(empty=True)
    b = a if 0 in a else d.broadcasting(a)
    return (a, b) if d.maybe() else (b, a)
