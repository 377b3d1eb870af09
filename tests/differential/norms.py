"""Random normalizations, reductions, and what else works along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.draw import Case, Draw

__all__ = ["arg_reduce", "cumulative", "norm", "reduce", "softmax", "top_k"]

ATOL = 3e-6


def norm(d: Draw) -> Case:
    """Any normalization."""
    shape = [d.whole(1, 3), 2 * d.whole(1, 5), *(d.whole(1, 7) for _ in range(d.whole(1, 3)))]
    x, c = d.array(shape) + 0.5, shape[1]
    scale, bias = d.array([c]), d.array([c])
    near: dict[str, Any] = {"rtol": 1e-3, "atol": 2e-5}
    match d.whole(0, 7):
        case 0:
            variance = np.abs(d.array([c])) + 0.1
            return d.case("BatchNormalization", x, scale, bias, d.array([c]), variance, **near)
        case 1:
            return d.case("InstanceNormalization", x, scale, bias, epsilon=0.01, **near)
        case 2:
            axis = d.axis(len(shape))
            tail = shape[axis % len(shape) :]
            inputs = [d.array(tail), d.array(tail)][: d.whole(1, 2)]
            return d.case("LayerNormalization", x, *inputs, axis=axis, epsilon=0.01, **near)
        case 3:
            groups = d.one(1, 2, c)
            return d.case("GroupNormalization", x, scale, bias, num_groups=groups, epsilon=0.01,
                          **near)  # fmt: skip
        case 4:
            axis = d.axis(len(shape))
            weight = d.array(shape[axis % len(shape) :])
            return d.case("RMSNormalization", x, weight, axis=axis, opset=23, epsilon=0.01, **near)
        case 5:
            return d.case("LpNormalization", x, axis=d.axis(len(shape)), p=d.whole(1, 2), **near)
        case 6:
            size = d.one(1, 3, 5)
            return d.case("LRN", d.array([2, 7, 5, 3]), size=size, alpha=0.01, bias=1.5, **near)
    # onnxruntime subtracts squares, which of a single element leaves less than nothing.
    axes = [1, *sorted(d.random.sample(range(2, len(shape)), d.whole(0, len(shape) - 2)))]
    return d.case("MeanVarianceNormalization", x, axes=axes, **near)


def softmax(d: Draw) -> Case:
    """Softmax, LogSoftmax and Hardmax, before and since opset 13."""
    shape = d.shape(1, 5, 40)
    op = d.one("Softmax", "LogSoftmax", "Hardmax")
    dtype = d.one("float32", "float32", "float64", "float16")
    x = d.array(shape, dtype) * 5
    return d.case(op, x.astype(dtype), axis=d.axis(len(shape)), opset=d.one(13, 11), atol=1e-5)


def reduce(d: Draw) -> Case:
    """Any reduction over any axes."""
    op = d.one("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp")
    shape = d.shape(1, 5, 12, empty=op in ("Sum", "Prod", "L1", "L2", "SumSquare"))
    dtype = d.one("float32", "float32", "float64", "int32", "int64")
    if op == "LogSumExp":  # of integers onnxruntime gives the logarithm of another sum
        dtype = d.one("float32", "float64")
    x = d.array(shape, dtype)
    if op == "LogSum" or (op == "Mean" and dtype[0] == "i"):
        x = np.abs(x) + np.ones((), dtype)
    if op == "Prod" and dtype[0] == "i":
        x %= 3  # what overflows saturates in onnxruntime
    if op in ("Max", "Min"):
        dtype = d.one(dtype, "uint8", "int8", "float16")
        x = d.special(shape, dtype) if dtype[0] != "f" else d.array(shape, dtype)
    keep: dict[str, Any] = {"keepdims": d.one(1, 0)}
    axes = d.random.sample(range(len(shape)), d.whole(0, len(shape)))
    axes = [a if d.maybe() else a - len(shape) for a in axes]
    near: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}
    if not axes:
        return d.case("Reduce" + op, x, opset=20, **keep, **near)
    return d.case("Reduce" + op, x, np.array(axes, "int64"), const=[1], opset=20, **keep, **near)


def arg_reduce(d: Draw) -> Case:
    """ArgMax and ArgMin, with many equal values."""
    shape, dtype = d.shape(1, 4, 20), d.one("float32", "float64", "int32", "int8", "uint8")
    x = np.clip(d.array(shape, dtype), 0, 2).astype(dtype) if d.maybe() else d.array(shape, dtype)
    return d.case(
        d.one("ArgMax", "ArgMin"), x, axis=d.axis(len(shape)), keepdims=d.one(1, 0),
        select_last_index=d.one(0, 1),
    )  # fmt: skip


def top_k(d: Draw) -> Case:
    """TopK, with equal values, whose lower index comes first."""
    shape, dtype = d.shape(1, 4, 20), d.one("float32", "float64", "int32", "int64")
    axis = d.axis(len(shape))
    x = np.round(d.array(shape, dtype)).astype(dtype) if d.maybe() else d.array(shape, dtype)
    k = np.array([d.whole(0, shape[axis])], "int64")
    return d.case("TopK", x, k, const=[1], outputs=2, axis=axis, largest=d.one(1, 0), sorted=1)


def cumulative(d: Draw) -> Case:
    """CumSum along any axis."""
    shape, dtype = d.shape(1, 4, 12), d.one("float32", "float64", "int32", "int64")
    flags: dict[str, Any] = {"exclusive": d.one(0, 1), "reverse": d.one(0, 1)}
    axis = np.array(d.axis(len(shape)), d.one("int32", "int64"))
    return d.case("CumSum", d.array(shape, dtype), axis, const=[1], rtol=1e-4, atol=1e-5, **flags)
