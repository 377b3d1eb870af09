"""Random matrix products, in floats and integers, and quantization."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.draw import Case, Draw
from tests.ops.check import Array

__all__ = ["dequantize", "einsum", "gemm", "integer_product", "matmul", "quantize"]

ATOL = 2e-6


def matmul(d: Draw) -> Case:
    """MatMul of any ranks, vectors and broadcast batches too."""
    m, k, n = (d.one(1, 3, 8, d.whole(1, 40)) for _ in range(3))
    batch = d.shape(0, 2, 4)
    a, b = [*d.broadcasting(batch), m, k], [*d.broadcasting(batch), k, n]
    match d.whole(0, 7):
        case 0:
            a = [k]
        case 1:
            b = [k]
        case 2:
            a = [m, 0]
            b = [0, n]
    dtype = d.one("float32", "float32", "float64", "int32", "int64", "uint32")
    return d.case("MatMul", d.array(a, dtype), d.array(b, dtype), rtol=1e-4, atol=ATOL)


def gemm(d: Draw) -> Case:
    """Gemm, with any C that broadcasts."""
    m, k, n = (d.one(1, 3, 8, d.whole(1, 40)) for _ in range(3))
    ta, tb = d.maybe(), d.maybe()
    dtype = d.one("float32", "float32", "float64")
    a, b = d.array([k, m] if ta else [m, k], dtype), d.array([n, k] if tb else [k, n], dtype)
    c = [d.array(d.one([m, n], [n], [1, n], [m, 1], [], [1]), dtype)] if d.maybe() else []
    scale: dict[str, Any] = {"alpha": d.one(1.0, 0.5, 0.0), "beta": d.one(1.0, -2.0, 0.0)}
    return d.case("Gemm", a, b, *c, transA=int(ta), transB=int(tb), rtol=1e-4, atol=ATOL, **scale)


def einsum(d: Draw) -> Case:
    """A few equations of attention and the like."""
    sizes = {c: d.whole(1, 6) for c in "bhijk"}
    equation = d.one("ij,jk->ik", "bij,bkj->bik", "bhik,bhjk->bhij", "bij->bji", "ij,ij->i",
                     "bii->bi" if d.maybe() else "ij->", "bhij,bjhk->bihk")  # fmt: skip
    terms = equation.split("->")[0].split(",")
    arrays = [d.array([sizes[c] for c in t]) for t in terms]
    return d.case("Einsum", *arrays, equation=equation, rtol=1e-4, atol=ATOL)


def integer_product(d: Draw) -> Case:
    """MatMulInteger, ConvInteger, QLinearMatMul and QLinearConv."""
    left, right = d.one("uint8", "int8"), d.one("uint8", "int8")
    m, k, n = (d.one(1, 3, 8, d.whole(1, 40)) for _ in range(3))
    match d.whole(0, 3):
        case 0:
            points = [d.array([], left), d.array([], right)][: d.whole(0, 2)]
            return d.case(
                "MatMulInteger", _bytes(d, [m, k], left), _bytes(d, [k, n], right), *points
            )
        case 1:
            a, b = _bytes(d, [1, 2, 6, 5], "uint8"), _bytes(d, [3, 2, 3, 2], "uint8")
            points = [np.array(d.whole(0, 255), "uint8")] if d.maybe() else []
            return d.case("ConvInteger", a, b, *points, pads=d.one([0] * 4, [1, 0, 2, 1]))
        case 2:
            x = [_bytes(d, [m, k], left), np.array(0.02, "float32"), d.array([], left)]
            w = [_bytes(d, [k, n], right), np.array(0.03, "float32"), d.array([], right)]
            out = [np.array(0.1, "float32"), d.array([], left)]
            return d.case("QLinearMatMul", *x, *w, *out, steps=1, const=[1, 2, 3, 4, 5, 6, 7])
    group = d.one(1, 2)
    x = [_bytes(d, [1, 2 * group, 7, 6], left), np.array(0.02, "float32"), d.array([], left)]
    scales = np.abs(d.array([3 * group])) * 0.05 + 0.01
    zero = np.zeros(3 * group, "int8")
    w = [_bytes(d, [3 * group, 2, 3, 3], "int8"), scales, zero]
    out = [np.array(0.05, "float32"), d.array([], left)]
    bias = [d.array([3 * group], "int32") * 10] if d.maybe() else []
    return d.case("QLinearConv", *x, *w, *out, *bias, group=group, steps=1,
                  const=range(1, 9), pads=[1, 1, 1, 1])  # fmt: skip


def quantize(d: Draw) -> Case:
    """QuantizeLinear of a tensor, or along an axis; DynamicQuantizeLinear."""
    shape = d.shape(1, 4)
    x = d.array(shape) * 3
    if d.random.randrange(4) == 0:
        return d.case("DynamicQuantizeLinear", x, outputs=3, steps=1)
    axis = d.axis(len(shape))
    dtype = d.one("uint8", "int8", "uint16", "int16")
    size = [shape[axis]] if d.maybe() else []
    scale, zero = np.abs(d.array(size)) * 0.1 + 0.01, d.array(size, dtype)
    inputs = [x, scale, zero] if d.maybe() else [x, scale]
    return d.case("QuantizeLinear", *inputs, axis=axis, steps=1)


def dequantize(d: Draw) -> Case:
    """DequantizeLinear of a tensor, along an axis, or in blocks."""
    shape = d.shape(1, 4)
    axis = d.axis(len(shape))
    dtype = d.one("uint8", "int8", "uint16", "int16", "int32")
    size = d.one([], [shape[axis]])
    block: dict[str, Any] = {}
    if d.random.randrange(4) == 0:
        size, width = list(shape), d.whole(1, shape[axis])
        size[axis] = -(-shape[axis] // width)
        block = {"block_size": width}
    scale = np.abs(d.array(size)) * 0.1 + 0.01
    zero = [] if dtype == "int32" or d.maybe() else [d.array(size, dtype)]
    return d.case("DequantizeLinear", _bytes(d, shape, dtype), scale, *zero, axis=axis, **block)


def _bytes(d: Draw, shape: list[int], dtype: str) -> Array:
    low, high = (0, 256) if dtype == "uint8" else (-128, 128) if dtype == "int8" else (0, 1000)
    return d.rng.integers(low, high, shape).astype(dtype)
