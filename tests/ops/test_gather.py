"""Operators that pick or place elements by indices."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.errors import ShapeError, WasmkilnError

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(6)


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def picks(size: int, *shape: int, dtype: str = "i8") -> Array:
    """Indices into an axis, from either end."""
    return RNG.integers(-size, size, shape).astype(dtype)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("dtype", ["i4", "i8"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 4)])
def test_gather(shape: tuple[int, ...], dtype: str, axis: int) -> None:
    x = random(5, 4, 6)
    indices = picks(x.shape[axis], *shape, dtype=dtype)
    check_op("Gather", x, indices, axis=axis)
    check_op("Gather", x, indices, axis=axis, const=[1])
    check_op("Gather", (x * 99).astype(np.int64), indices, axis=axis, const=[0, 1], opset=7)


def test_embedding() -> None:
    check_op("Gather", random(1000, 32), picks(1000, 2, 9), const=[0])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["f4", "i8", "u1"])
def test_gather_elements(dtype: str, axis: int) -> None:
    x = (random(5, 4, 6) * 50).astype(dtype)
    for shape in ((5, 4, 6), (3, 2, 6), (5, 1, 1)):
        wide = list(shape)
        wide[axis] = 7
        indices = picks(x.shape[axis], *wide)
        check_op("GatherElements", x, indices, axis=axis)
    check_op("GatherElements", x, indices, axis=axis, const=[0, 1])


@pytest.mark.parametrize(
    ("shape", "rows", "batch_dims"),
    [
        ((4, 5, 6), (3, 2), 0),
        ((4, 5, 6), (3, 3), 0),
        ((4, 5, 6), (4, 2, 1), 1),
        ((2, 3, 4), (2, 3, 1), 2),
    ],
)
def test_gather_nd(shape: tuple[int, ...], rows: tuple[int, ...], batch_dims: int) -> None:
    indices = picks(min(shape), *rows)
    check_op("GatherND", random(*shape), indices, batch_dims=batch_dims)
    if not batch_dims:
        check_op("GatherND", random(*shape), indices, opset=11)


@pytest.mark.parametrize("op", ["Gather", "GatherElements", "GatherND"])
def test_index_out_of_range_at_run_time(op: str) -> None:
    feeds = {"x": random(3), "i": np.array([2, 3], np.int64).reshape(-1, *[1] * (op == "GatherND"))}
    model = build([node(op, "x i", "y")], feeds, set(), ["y"])
    with pytest.raises(WasmkilnError, match="index"):
        run_ours(model, feeds)


def test_index_out_of_range_in_a_constant() -> None:
    arrays = {"x": random(3, 2), "i": np.array(3)}
    model = build([node("Gather", "x i", "y")], arrays, {"i"}, ["y"])
    with pytest.raises(ShapeError, match="index 3 is outside of an axis of size 3"):
        run_ours(model, {"x": arrays["x"]})


def test_compress() -> None:
    flags = np.array([True, False, True])
    for axis in (0, 1, -1):
        check_op("Compress", random(3, 4, 5), flags, const=[1], axis=axis, opset=11)
    check_op("Compress", random(3, 4, 5), flags, const=[1], opset=9)
    check_op("Compress", np.arange(6), flags, const=[0, 1])


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
@pytest.mark.parametrize("dtype", ["f4", "i8", "u1", "f8"])
def test_scatter(dtype: str, reduction: str) -> None:
    x, u = ((random(*s) * 3).astype(dtype) for s in ((4, 5), (2, 5)))
    distinct = np.array([[0, 1, -1, 2, 3], [1, 2, 3, 0, 1]])
    if dtype != "u1":  # onnxruntime lacks reductions of bytes
        again = np.array([[0, 1, -1, 2, 3], [0, 1, 3, 0, 3]])
        indices = distinct if reduction == "none" else again
        check_op("ScatterElements", x, indices, u, axis=0, reduction=reduction, opset=18)
        check_op("ScatterND", x, np.array([[1], [-1]]), u, reduction=reduction, opset=18)
        check_op(
            "ScatterND", x, np.array([[1, 2], [-1, 0]]), u[0, :2], reduction=reduction, opset=18
        )
    else:
        check_op("ScatterElements", x, distinct, u, axis=0, opset=18)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_along_an_axis(axis: int) -> None:
    x = random(4, 5, 6)
    indices = np.stack([RNG.permutation(4)[:3] for _ in range(12)]).reshape(3, 4, 3)
    if axis != 0:
        indices = np.moveaxis(indices.transpose(0, 1, 2), 2, axis if axis > 0 else 2)
    else:
        indices = np.moveaxis(indices, 2, 0)
    updates = random(*indices.shape)
    for opset, name in ((9, "Scatter"), (11, "ScatterElements"), (13, "ScatterElements")):
        check_op(name, x, indices, updates, axis=axis, opset=opset)
    check_op("ScatterElements", x, indices, updates, axis=axis, const=[0, 1, 2])


def test_scatter_nd_folds() -> None:
    x = np.arange(12).reshape(4, 3)
    check_op("ScatterND", x, np.array([[2], [0]]), -x[:2], const=[0, 1, 2], opset=13)
