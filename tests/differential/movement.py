"""Random operators that move elements: views, slices, gathers, scatters, borders, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.draw import FLOATS, INTEGERS, Case, Draw
from tests.ops.check import Array

__all__ = ["concat", "gather", "pad", "rearrange", "resize", "scatter", "slice_", "split", "views"]

DTYPES = (*FLOATS, *INTEGERS, "bool")


def views(d: Draw) -> Case:
    """Transpose, Reshape, Squeeze, Unsqueeze, Flatten, Expand, Tile."""
    dtype, shape = d.one("float32", *DTYPES), d.shape(1, 6, 5, empty=True)
    x, rank = d.special(shape, dtype), len(shape)
    match d.whole(0, 5):
        case 0:
            return d.case("Transpose", x, perm=d.random.sample(range(rank), rank))
        case 1:
            at = d.whole(0, rank - 1)
            joined = [*shape[:at], -1 if 0 not in shape else int(np.prod(shape[at:]))]
            return d.case("Reshape", x, np.array(joined, "int64"), const=[1], allowzero=1)
        case 2:
            axes = d.random.sample(range(rank + 2), 2)
            return d.case("Unsqueeze", x, np.array(axes, "int64"), const=[1])
        case 3:
            return d.case("Flatten", x, axis=d.whole(-rank, rank))
        case 4:
            target = [*d.shape(0, 1, 3), *(d.whole(1, 3) if s == 1 else s for s in shape)]
            return d.case("Expand", x, np.array(target, "int64"), const=[1])
    repeats = np.array([d.one(1, 2, 3, 0) for _ in shape], "int64")
    return d.case("Tile", x, repeats, const=[1])


def slice_(d: Draw) -> Case:
    """Any starts, ends and steps, out of range too."""
    shape = d.shape(1, 5, 9, empty=True)
    axes = d.random.sample(range(len(shape)), d.whole(1, len(shape)))
    starts = [d.whole(-12, 12) for _ in axes]
    steps = [d.one(1, 2, 3, -1, -2) for _ in axes]
    # onnxruntime takes the largest end as the first element where it goes backwards.
    ends = [d.one(d.whole(-12, 12), 2**31 - 1 if s > 0 else 99, -(2**63)) for s in steps]
    given = [starts, ends, axes, steps]
    kind = d.one("int64", "int32")
    if kind == "int32":
        given[1] = [max(e, -(2**31)) for e in ends]
    arrays = [np.array(g, kind) for g in given]
    return d.case("Slice", d.array(shape, d.one("float32", *DTYPES)), *arrays, const=[1, 2, 3, 4])


def split(d: Draw) -> Case:
    """Into equal parts, or parts of given sizes."""
    shape = d.shape(1, 4, 9)
    axis, x = d.axis(len(shape)), d.array(shape, d.one("float32", *DTYPES))
    size = shape[axis]
    if d.maybe() and size > 1:
        count = d.whole(2, size)
        return d.case("Split", x, axis=axis, num_outputs=count, outputs=count)
    cut = sorted(d.whole(0, size) for _ in range(d.whole(1, 3)))
    sizes = np.diff([0, *cut, size]).astype("int64")
    return d.case("Split", x, sizes, const=[1], axis=axis, outputs=len(sizes))


def concat(d: Draw) -> Case:
    """Some tensors along any axis, empty ones too."""
    shape, dtype = d.shape(1, 4), d.one("float32", *DTYPES)
    axis = d.axis(len(shape))
    parts = []
    for _ in range(d.whole(1, 5)):
        own = list(shape)
        own[axis] = d.whole(0, 4)
        parts.append(d.array(own, dtype))
    return d.case("Concat", *parts, axis=axis)


def gather(d: Draw) -> Case:
    """Gather, GatherElements, GatherND; negative indices count from the end."""
    shape, dtype = d.shape(1, 4, 7), d.one("float32", *DTYPES)
    x, axis = d.array(shape, dtype), d.axis(len(shape))
    kind = d.one("int64", "int32")
    match d.whole(0, 3):
        case 0:
            return d.case("Gather", x, _indices(d, d.shape(0, 3, 4), shape[axis], kind), axis=axis)
        case 1:
            own = [d.whole(1, s) for s in shape]
            own[axis] = d.whole(1, 6)
            return d.case("GatherElements", x, _indices(d, own, shape[axis], kind), axis=axis)
        case 2:
            keep = d.array([d.whole(0, shape[axis])], "bool")
            return d.case("Compress", x, keep, const=[1], axis=axis)
    batch = d.whole(0, len(shape) - 1)
    depth = d.whole(1, len(shape) - batch)
    lead = [*shape[:batch], *d.shape(0, 2, 3)]
    columns = [_indices(d, lead, shape[batch + i], "int64") for i in range(depth)]
    return d.case("GatherND", x, np.stack(columns, -1), batch_dims=batch)


def scatter(d: Draw) -> Case:
    """ScatterElements and ScatterND with each reduction; without one, indices are distinct."""
    shape = d.shape(1, 3, 6)
    how = d.one("none", "add", "mul", "max", "min")
    dtype = d.one("float32", "float64", "int32", "int64")
    x = d.array(shape, dtype)
    if d.maybe():
        axis = d.axis(len(shape))
        own = list(shape)
        own[axis] = d.whole(1, shape[axis])
        if how == "none":
            order = np.argsort(d.rng.random(shape), axis=axis)
            index = np.take(order, range(own[axis]), axis=axis).astype("int64")
        else:
            index = _indices(d, own, shape[axis], "int64")
        return d.case("ScatterElements", x, index, d.array(own, dtype), axis=axis, reduction=how,
                      opset=18)  # fmt: skip
    depth = d.whole(1, len(shape))
    cells = int(np.prod(shape[:depth]))
    count = d.whole(1, cells)
    flat = d.rng.permutation(cells)[:count] if how == "none" else d.rng.integers(0, cells, count)
    index = np.stack(np.unravel_index(flat, shape[:depth]), -1).astype("int64")
    updates = d.array([count, *shape[depth:]], dtype)
    return d.case("ScatterND", x, index, updates, reduction=how, opset=18, rtol=1e-4)


def pad(d: Draw) -> Case:
    """Each mode, on some axes, with negative widths where the mode allows."""
    shape, mode = d.shape(1, 4, 6), d.one("constant", "edge", "reflect", "wrap")
    dtype = d.one("float32", "float64", "int32", "int64", "uint8", "int8")
    rank = len(shape)
    most = {"constant": 3, "edge": 3}.get(mode)
    widths = [d.whole(0, min(3, s - 1) if most is None else most) for s in shape * 2]
    if mode == "constant" and d.maybe():
        widths[0] = -d.whole(0, shape[0] // 2)
    value = [d.array([], dtype)] if mode == "constant" and d.maybe() else []
    inputs = [d.array(shape, dtype), np.array(widths, "int64"), *value]
    return d.case("Pad", *inputs, const=[1, 2][: 1 + len(value)] if rank else [], mode=mode)


def rearrange(d: Draw) -> Case:
    """DepthToSpace, SpaceToDepth, Trilu, OneHot, EyeLike, ReverseSequence."""
    b = d.whole(1, 3)
    match d.whole(0, 4):
        case 0:
            x = d.array([d.whole(1, 2), b * b * d.whole(1, 3), d.whole(1, 4), d.whole(1, 4)])
            return d.case("DepthToSpace", x, blocksize=b, mode=d.one("DCR", "CRD"))
        case 1:
            x = d.array([d.whole(1, 2), d.whole(1, 3), b * d.whole(1, 4), b * d.whole(1, 4)])
            return d.case("SpaceToDepth", x, blocksize=b)
        case 2:
            k = [np.array(d.whole(-4, 4), "int64")] if d.maybe() else []
            x = d.array(d.shape(2, 4, 6), d.one("float32", "int64"))
            return d.case("Trilu", x, *k, const=[1][: len(k)], upper=d.one(0, 1))
        case 3:
            indices = d.rng.integers(-4, 4, d.shape(0, 3, 4)).astype("int64")
            depth, values = np.array(4, "int64"), d.array([2])
            return d.case(
                "OneHot", indices, depth, values, const=[1], axis=d.axis(indices.ndim + 1)
            )
    x = d.array([5, 3, *d.shape(0, 1)])
    return d.case("ReverseSequence", x, d.rng.integers(1, 6, 3).astype("int64"),
                  time_axis=0, batch_axis=1)  # fmt: skip


def resize(d: Draw) -> Case:
    """One or two axes, by each mode and coordinate transformation."""
    mode = d.one("nearest", "linear", "cubic")
    shape = [d.whole(1, 2), d.whole(1, 4), d.whole(2, 7), d.whole(2, 7)]
    how: dict[str, Any] = {"mode": mode, "rtol": 1e-3, "atol": 1e-4}
    how["coordinate_transformation_mode"] = d.one(
        "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"
    )
    if mode == "nearest":
        how["nearest_mode"] = d.one("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    if mode == "cubic":
        how["cubic_coeff_a"] = d.one(-0.75, -0.5)
    x = d.array(shape)
    if d.maybe():
        sizes = np.array([*shape[:2], d.whole(1, 12), d.whole(1, 12)], "int64")
        return d.case("Resize", x, None, None, sizes, const=[3], opset=18, **how)
    scales = np.array([1, 1, d.one(2, 0.5, 1.5), d.one(2, 0.5, 3)], "float32")
    if how["coordinate_transformation_mode"] == "align_corners":
        scales[2:] = np.ceil(scales[2:])  # what to do with a part of a pixel is in dispute
    return d.case("Resize", x, None, scales, const=[2], opset=18, **how)


def _indices(d: Draw, shape: list[int], size: int, dtype: str) -> Array:
    return d.rng.integers(-size, size, shape).astype(dtype)
