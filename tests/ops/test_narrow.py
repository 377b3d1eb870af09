"""Types of 8, 4 and 2 bits: each code and many floats, against ml_dtypes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln import CompileOptions, UnsupportedOperatorError

from tests.ops.check import build, run_ours

Array = np.ndarray[Any, Any]

SIXES = ["float6_e2m3fn", "float6_e3m2fn"]
FLOATS = [
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float4_e2m1fn",
    *SIXES,
]
INTS = {"int4": 4, "uint4": 4, "int2": 2, "uint2": 2}


def codes(name: str) -> Array:
    bits = INTS.get(name, 4 if "4_e" in name else 6 if "6_" in name else 8)
    return np.arange(1 << bits, dtype=np.uint8).view(getattr(ml_dtypes, name))


def number(name: str) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(getattr(ml_dtypes, name))))


def cast(x: Array, to: int, simd: Any = "relaxed", **attributes: Any) -> Array:
    node = helper.make_node("Cast", ["x"], ["y"], to=to, **attributes)
    model = build([node], {"x": x}, (), ["y"], opset=25)
    return run_ours(model, {"x": x}, CompileOptions(simd=simd))[0]


def floats() -> Array:
    """Floats of all sizes, ties between codes and their neighbours, and the special ones."""
    rng = np.random.default_rng(1)
    wild = rng.integers(0, 1 << 32, 4000, dtype=np.uint32).view(np.float32)
    near = (rng.normal(0, 1, 4000) * 2.0 ** rng.integers(-20, 18, 4000)).astype(np.float32)
    values = [np.float32([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45]), wild, near]
    for name in FLOATS:
        own = codes(name).astype(np.float32)
        own = np.unique(own[np.isfinite(own)])
        ties = (own[1:] + own[:-1]) / 2
        values += [own, ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf)]
    return np.concatenate(values).astype(np.float32)


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("saturate", [1, 0])
@pytest.mark.parametrize("mode", ["up", "down", "nearest"])
def test_powers_of_two(mode: str, saturate: int, simd: str) -> None:
    ends = [3.4e38, 1.7e38, 5.87747e-39, 4e-39, 2.9e-39, 1.5]
    x = np.concatenate([floats(), np.array(ends, np.float32)])
    to = TensorProto.FLOAT8E8M0
    got = cast(x, to, simd, saturate=saturate, round_mode=mode)
    want = numpy_helper.to_float8e8m0(x, bool(saturate), mode)
    np.testing.assert_array_equal(got.view(np.uint8), want.view(np.uint8))


@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_powers_of_two_as_scales(op: str) -> None:
    x = np.arange(24, dtype=np.float32 if op == "QuantizeLinear" else np.uint8).reshape(2, 12)
    scales = np.array([0.5, 2, 4, 0.125], np.float32).reshape(2, 2)
    results = []
    for kind in (np.float32, ml_dtypes.float8_e8m0fnu):
        node = helper.make_node(op, ["x", "s"], ["y"], axis=1, block_size=6)
        model = build([node], {"x": x, "s": scales.astype(kind)}, ["s"], ["y"], opset=28)
        results.append(run_ours(model, {"x": x})[0])
    np.testing.assert_array_equal(*results)


def test_unknown_rounding_is_refused() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"round_mode 'sideways' is unknown"):
        cast(np.zeros(3, np.float32), TensorProto.FLOAT8E8M0, round_mode="sideways")


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("name", [*FLOATS, *INTS, "float8_e8m0fnu"])
def test_each_code_has_its_value(name: str, simd: str) -> None:
    expected = codes(name).astype(np.float32)
    np.testing.assert_array_equal(cast(codes(name), TensorProto.FLOAT, simd), expected)


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("saturate", [1, 0])
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_floats_go_to_the_nearest_code(name: str, saturate: int, simd: str) -> None:
    x, dtype = floats(), np.dtype(getattr(ml_dtypes, name))
    saturates = saturate and name != "float4_e2m1fn"  # which always does
    expected = numpy_helper.saturate_cast(x, dtype) if saturates else x.astype(dtype)
    actual = cast(x, number(name), simd, saturate=saturate)
    assert actual.dtype == dtype
    ours, theirs = actual.astype(np.float32), expected.astype(np.float32)
    np.testing.assert_array_equal(ours, theirs)
    if name != "float4_e2m1fn":
        numbers = ~np.isnan(x if name in SIXES else theirs)  # which have no NaN
        np.testing.assert_array_equal(actual.view("u1")[numbers], expected.view("u1")[numbers])


@pytest.mark.parametrize("name", INTS)
def test_integers_go_there_and_back(name: str) -> None:
    x = codes(name)
    wide = cast(x, TensorProto.INT32)
    np.testing.assert_array_equal(wide, x.astype(np.int32))
    np.testing.assert_array_equal(cast(wide, number(name)).view("u1"), x.view("u1"))


@pytest.mark.parametrize("name", ["int4", "float8_e4m3fn"])
def test_quantized_weights_in_the_file(name: str) -> None:
    rng = np.random.default_rng(2)
    weights = rng.integers(-7, 8, (40, 30)).astype(np.float32).astype(getattr(ml_dtypes, name))
    scale = rng.uniform(0.5, 2, 30).astype(np.float32)
    node = helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=1)
    add = helper.make_node("Add", ["x", "d"], ["y"])
    x = rng.normal(0, 1, (40, 30)).astype(np.float32)
    model = build([node, add], {"x": x, "s": scale, "w": weights}, {"w", "s"}, ["y"], opset=23)
    np.testing.assert_allclose(
        run_ours(model, {"x": x})[0], x + weights.astype(np.float32) * scale, rtol=1e-6
    )


def test_computing_with_narrow_types_is_refused() -> None:
    x = codes("float8_e5m2")
    model = build([helper.make_node("Relu", ["x"], ["y"])], {"x": x}, (), ["y"])
    with pytest.raises(UnsupportedOperatorError, match="computing with f8e5m2 is not supported"):
        run_ours(model, {"x": x})


def test_doubles_would_be_rounded_twice() -> None:
    with pytest.raises(UnsupportedOperatorError, match="conversion of f64 to f8e5m2"):
        cast(np.ones(3), number("float8_e5m2"))


@pytest.mark.parametrize("name", [*FLOATS, *INTS, "float8_e8m0fnu"])
def test_codes_are_moved(name: str) -> None:
    x = np.resize(codes(name), (3, 5))
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"]),
        helper.make_node("Concat", ["t", "t"], ["c"], axis=1),
        helper.make_node("Slice", ["c", "from", "to"], ["s"]),
        helper.make_node("Pad", ["s", "pads"], ["p"]),
        helper.make_node("Gather", ["p", "from"], ["y"]),
    ]
    arrays = {
        "x": x,
        "from": np.array([1, 2]),
        "to": np.array([4, 6]),
        "pads": np.array([0, 1] * 2),
    }
    model = build(nodes, arrays, ("from", "to", "pads"), ["y"], opset=25)
    (y,) = run_ours(model, {"x": x})
    moved = np.concatenate([x.T, x.T], 1).view(np.uint8)[1:4, 2:6]
    np.testing.assert_array_equal(y.view(np.uint8), np.pad(moved, [(0, 0), (1, 1)])[[1, 2]])


@pytest.mark.parametrize("name", FLOATS[:4])
@pytest.mark.parametrize("op", ["IsNaN", "IsInf"])
def test_special_codes(op: str, name: str) -> None:
    x = codes(name)
    model = build([helper.make_node(op, ["x"], ["y"])], {"x": x}, (), ["y"], opset=20)
    wide = x.astype(np.float32)
    expected = np.isnan(wide) if op == "IsNaN" else np.isinf(wide)
    np.testing.assert_array_equal(run_ours(model, {"x": x})[0], expected)


def test_dropout_outside_of_training() -> None:
    x = codes(FLOATS[0])
    model = build([helper.make_node("Dropout", ["x"], ["y"])], {"x": x}, (), ["y"], opset=22)
    np.testing.assert_array_equal(run_ours(model, {"x": x})[0].view("u1"), x.view("u1"))
