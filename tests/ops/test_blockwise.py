"""Weights of few bits, a scale for each block of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from wasmkiln.errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions
from wasmkiln.passes import run_passes

from tests.ops.check import Array, build, check_model, check_op, node, run_ours

RNG = np.random.default_rng(75)
MICROSOFT = "com.microsoft"
OPTIONS = [CompileOptions(), CompileOptions(simd="baseline", threads=2)]


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


def codes(*shape: int) -> Array:
    """Any bytes."""
    return RNG.integers(0, 256, shape, np.uint8)


def weights(n: int, k: int, block: int, bits: int) -> tuple[Array, Array, Array]:
    """Packed codes, scales and packed zero points."""
    blocks = -(-k // block)
    return (
        codes(n, blocks, block * bits // 8),
        random(n, blocks) / 10,
        codes(n, -(-blocks * bits // 8)),
    )


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("n", "k", "block"), [(5, 64, 32), (7, 96, 32), (3, 100, 32), (9, 48, 16),
                                               (4, 160, 64), (6, 130, 128)])  # fmt: skip
@pytest.mark.parametrize("zeros", [False, True])
def test_products(bits: int, n: int, k: int, block: int, zeros: bool) -> None:
    b, scales, zero = weights(n, k, block, bits)
    inputs = [b, scales, zero] if zeros else [b, scales]
    for shape in ((1, k), (2, 3, k)):
        check_op(
            "MatMulNBits", random(*shape), *inputs, const=[1, 2, 3], domain=MICROSOFT, K=k, N=n,
            bits=bits, block_size=block, rtol=1e-4, atol=1e-4, options=OPTIONS,
        )  # fmt: skip


def test_products_with_bias_and_flat_scales() -> None:
    b, scales, zero = weights(6, 64, 32, 4)
    check_op(
        "MatMulNBits", random(5, 64), b, scales.ravel(), zero.ravel(), None, random(6),
        const=[1, 2, 3, 5], domain=MICROSOFT, K=64, N=6, bits=4, block_size=32, rtol=1e-4,
        atol=1e-4,
    )  # fmt: skip


def test_products_with_zero_points_in_floats() -> None:
    b, scales, _ = weights(6, 64, 32, 4)
    check_op(
        "MatMulNBits", random(5, 64), b, scales, random(6, 2) + 8, const=[1, 2, 3],
        domain=MICROSOFT, K=64, N=6, bits=4, block_size=32, rtol=1e-4, atol=1e-4,
    )  # fmt: skip


def test_products_with_weights_in_any_order() -> None:
    b, scales, zero = weights(6, 64, 32, 4)
    order = RNG.permutation(np.arange(64, dtype=np.int32) // 32)
    how: dict[str, Any] = {"domain": MICROSOFT, "K": 64, "N": 6, "bits": 4, "block_size": 32}
    check_op(
        "MatMulNBits", random(5, 64), b, scales, None, order, const=[1, 2, 4], rtol=1e-4,
        atol=1e-4, **how,
    )  # fmt: skip
    # onnxruntime forgets the zero points then.
    arrays = {"a": np.eye(64, dtype=np.float32), "b": b, "s": scales, "z": zero, "g": order}
    (y,) = run_ours(build([node("MatMulNBits", "a b s z g", "y", **how)], arrays, set(), ["y"]),
                    arrays)  # fmt: skip
    whole = np.stack([b & 15, b >> 4], -1).reshape(6, 64).astype(np.float32)
    own = np.concatenate([zero & 15, zero >> 4], 1).astype(np.float32)
    np.testing.assert_allclose(y.T, (whole - own[:, order]) * scales[:, order], 1e-5, 1e-5)


def test_weights_stay_packed() -> None:
    b, scales, zero = weights(8, 64, 32, 4)
    arrays = {"a": random(1, 64), "b": b, "s": scales, "z": zero}
    op = node(
        "MatMulNBits", "a b s z", "y", domain=MICROSOFT, K=64, N=8, bits=4, block_size=32
    )  # fmt: skip
    model = build([op], arrays, {"b", "s", "z"}, ["y"])
    model.graph.output[0].type.tensor_type.elem_type = 1
    g = run_passes(load(model.SerializeToString()).graph, CompileOptions())
    (product,) = (n for n in g.nodes if n.op.op_type == "NBitsProduct")
    assert str(g.types[product.inputs[1]]) == "u8[8,32]"


def test_half_precision() -> None:
    b, scales, zero = weights(6, 64, 32, 4)
    check_op(
        "MatMulNBits", random(5, 64).astype("f2"), b, scales.astype("f2"), zero, const=[1, 2, 3],
        domain=MICROSOFT, K=64, N=6, bits=4, block_size=32, rtol=1e-2, atol=2e-2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"bits": 3}, UnsupportedOperatorError, "codes of 3 bits"),
        ({"block_size": 48}, InvalidModelError, "block_size is 48"),
        ({"K": 32}, ShapeError, "rows of 32 are expected"),
        ({"N": 7}, ShapeError, "7 rows of 2 blocks"),
    ],
)
def test_refusals(changes: dict[str, int], error: type[Exception], message: str) -> None:
    b, scales, _ = weights(6, 64, 32, 4)
    arrays = {"a": random(1, 64), "b": b, "s": scales}
    attributes = {"K": 64, "N": 6, "bits": 4, "block_size": 32} | changes
    op = node("MatMulNBits", "a b s", "y", domain=MICROSOFT, **attributes)
    with pytest.raises(error, match=message):
        run_ours(build([op], arrays, set(), ["y"]), arrays)


@pytest.mark.parametrize("kind", [0, 1])
def test_lists_of_values(kind: int) -> None:
    n, k, block = 6, 40, 16
    absmax = np.abs(random(-(-n * k // block)))
    check_op(
        "MatMulBnb4", random(2, 3, k), codes(n * k // 2), absmax, const=[1, 2], domain=MICROSOFT,
        K=k, N=n, block_size=block, quant_type=kind, rtol=1e-4, atol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [False, True])
def test_gather_of_bytes(bits: int, zeros: bool) -> None:
    data, scales = codes(7, 80 * bits // 8), random(7, 3)
    inputs = [data, RNG.integers(0, 7, (2, 3)), scales]
    if zeros:
        inputs.append(codes(7, -(-3 * bits // 8)))
    check_op(
        "GatherBlockQuantized", *inputs, const=[0, 2, 3], domain=MICROSOFT, bits=bits,
        block_size=32, quantize_axis=1, rtol=1e-5, atol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [onnx.TensorProto.INT4, onnx.TensorProto.UINT4])
@pytest.mark.parametrize(("gather", "quantize"), [(0, 1), (1, 0), (0, 2), (2, 1), (1, -1)])
@pytest.mark.parametrize("zeros", [False, True])
def test_gather_of_narrow_types(dtype: int, gather: int, quantize: int, zeros: bool) -> None:
    shape = [4, 32, 6]
    shape[quantize], shape[1] = 32, shape[1] if quantize in (1, -2) else 6
    blocks = shape.copy()
    blocks[quantize] = 2
    low = -8 if dtype == onnx.TensorProto.INT4 else 0

    def narrow(name: str, dims: list[int]) -> onnx.TensorProto:
        values = RNG.integers(low, low + 16, dims)
        return helper.make_tensor(name, dtype, dims, values.ravel().tolist())

    names = ["d", "i", "s", *(["z"] if zeros else [])]
    op = node("GatherBlockQuantized", " ".join(names), "y", domain=MICROSOFT, gather_axis=gather,
              quantize_axis=quantize, block_size=16)  # fmt: skip
    indices = RNG.integers(0, shape[gather], (2, 3))
    arrays: dict[str, Any] = {"i": indices, "s": random(*blocks)}
    model = build([op], arrays, {"s"}, ["y"], domain=MICROSOFT)
    model.graph.initializer.append(narrow("d", shape))
    if zeros:
        model.graph.initializer.append(narrow("z", blocks))
    check_model(model, {"i": indices}, 1e-5, 1e-5)
