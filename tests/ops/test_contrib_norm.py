"""Normalizations of onnxruntime's own, of layers and of groups of channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array, build, check_model, check_op, node, run_ours

RNG = np.random.default_rng(72)
MICROSOFT = "com.microsoft"


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(2, 5, 13), (3, 8), (2, 3, 4, 6)])
def test_simplified(shape: tuple[int, ...]) -> None:
    scale = random(shape[-1])
    check_op("SimplifiedLayerNormalization", random(*shape), scale, const=[1], epsilon=1e-6)
    check_op("SimplifiedLayerNormalization", random(*shape), scale, outputs=2, axis=-1)


def test_layer_normalization_of_old_opsets() -> None:
    x, scale, bias = random(2, 5, 13), random(13), random(13)
    check_op("LayerNormalization", x, scale, bias, const=[1, 2], opset=12, epsilon=1e-4)
    check_op("LayerNormalization", x, scale, bias, opset=16, outputs=3)
    for op_type, operands in (("LayerNormalization", [x, scale, bias]),
                              ("SimplifiedLayerNormalization", [x, scale])):  # fmt: skip
        arrays = dict(zip("xsb", operands, strict=False))
        plain = build([node(op_type, " ".join(arrays), "y")], arrays, set(), ["y"], 16)
        (expected,) = check_model(plain, arrays)
        theirs = node(op_type, " ".join(arrays), "y", domain=MICROSOFT)
        (y,) = run_ours(build([theirs], arrays, set(), ["y"], 16, MICROSOFT), arrays)
        np.testing.assert_allclose(y, expected, 1e-5, 1e-5)


@pytest.mark.parametrize("skip_shape", [(2, 5, 12), (1, 5, 12), (5, 12)])
@pytest.mark.parametrize("beta", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_skip(skip_shape: tuple[int, ...], beta: bool, bias: bool) -> None:
    inputs = [random(2, 5, 12), random(*skip_shape), random(12)]
    inputs += [random(12) if beta else None, random(12) if bias else None]  # type: ignore[list-item]
    while inputs[-1] is None:
        inputs.pop()
    how: dict[str, Any] = {"domain": MICROSOFT, "epsilon": 1e-5, "rtol": 1e-4, "atol": 1e-5}
    check_op("SkipLayerNormalization", *inputs, **how)
    if not beta:
        plain = inputs[:3] + inputs[4:]
        check_op("SkipSimplifiedLayerNormalization", *plain, const=[2], **how)


@pytest.mark.parametrize("op_type", ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"])
def test_skip_gives_the_sum(op_type: str) -> None:
    arrays = {"x": random(2, 5, 12), "s": random(2, 5, 12), "g": random(12)}
    body = [node(op_type, "x s g", "y - - t", domain=MICROSOFT)]
    body[0].output[1] = body[0].output[2] = ""
    model = build(body, arrays, {"g"}, ["y", "t"], domain=MICROSOFT)
    check_model(model, {"x": arrays["x"], "s": arrays["s"]}, 1e-4, 1e-5)


def test_skip_gives_statistics() -> None:
    arrays = {"x": random(2, 5, 12), "s": random(2, 5, 12), "g": random(12)}
    total = arrays["x"] + arrays["s"]
    for op_type in ("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"):
        body = [node(op_type, "x s g", "y m i", domain=MICROSOFT)]
        _, mean, inverse = run_ours(build(body, arrays, set(), ["y", "m", "i"]), arrays)
        spread = (total**2).mean(-1) if "Simplified" in op_type else total.var(-1)
        np.testing.assert_allclose(mean[..., 0], total.mean(-1), 1e-4, 1e-6)
        np.testing.assert_allclose(inverse[..., 0], spread**-0.5, 1e-4)


def test_skip_that_does_not_fit() -> None:
    arrays = {"x": random(2, 5, 12), "s": random(2, 4, 12), "g": random(12)}
    model = build([node("SkipLayerNormalization", "x s g", "y", domain=MICROSOFT)], arrays, set(),
                  ["y"])  # fmt: skip
    with pytest.raises(ShapeError, match=r"broadcast|skip is"):
        run_ours(model, arrays)


@pytest.mark.parametrize("segments", [False, True])
@pytest.mark.parametrize("mask", [None, 0, 1])
@pytest.mark.parametrize("places", [False, True])
def test_embeddings(segments: bool, mask: int | None, places: bool) -> None:
    ids = RNG.integers(0, 11, (2, 5), np.int32)
    inputs: list[Array | None] = [ids, RNG.integers(0, 2, (2, 5), np.int32) if segments else None]
    inputs += [random(11, 8), random(7, 8), random(2, 8) if segments else None]
    inputs += [random(8), random(8)]
    inputs.append(RNG.integers(0, 2, (2, 5), np.int32) if mask is not None else None)
    inputs.append(RNG.integers(0, 7, (2, 5), np.int32) if places else None)
    while inputs[-1] is None:
        inputs.pop()
    more: dict[str, Any] = {"mask_index_type": mask} if mask else {}
    check_op(
        "EmbedLayerNormalization", *inputs, const=[2, 3, 5, 6], outputs=3, domain=MICROSOFT,
        rtol=1e-4, atol=1e-5, **more,
    )  # fmt: skip


def expected_groups(x: Array, gamma: Array, beta: Array, groups: int, silu: int) -> Array:
    """GroupNorm of N, ..., C."""
    n, c = x.shape[0], x.shape[-1]
    grouped = x.reshape(n, -1, groups, c // groups).astype(np.float64)
    mean, var = grouped.mean((1, 3), keepdims=True), grouped.var((1, 3), keepdims=True)
    y = ((grouped - mean) / np.sqrt(var + 1e-5)).reshape(x.shape) * gamma + beta
    return np.asarray(y / (1 + np.exp(-y)) if silu else y)


@pytest.mark.parametrize("silu", [0, 1])
def test_group_norm(silu: int) -> None:
    arrays = {"x": random(2, 5, 3, 8), "g": random(8), "b": random(8)}
    wanted = expected_groups(arrays["x"], arrays["g"], arrays["b"], 4, silu)
    how: dict[str, Any] = {"groups": 4, "activation": silu, "domain": MICROSOFT}
    (y,) = run_ours(build([node("GroupNorm", "x g b", "y", **how)], arrays, {"g", "b"}, ["y"]),
                    {"x": arrays["x"]})  # fmt: skip
    np.testing.assert_allclose(y, wanted, 1e-4, 1e-5)
    first = arrays | {"x": np.ascontiguousarray(np.moveaxis(arrays["x"], -1, 1))}
    op = node("GroupNorm", "x g b", "y", channels_last=0, **how)
    (y,) = run_ours(build([op], first, {"g", "b"}, ["y"]), {"x": first["x"]})
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), wanted, 1e-4, 1e-5)


@pytest.mark.parametrize("shape", [(2, 5, 3, 8), (2, 1, 1, 8), (2, 8)])
@pytest.mark.parametrize("bias", [False, True])
def test_skip_group_norm(shape: tuple[int, ...], bias: bool) -> None:
    arrays = {"x": random(2, 5, 3, 8), "g": random(8), "b": random(8), "s": random(*shape)}
    if bias:
        arrays["a"] = random(8)
    skip = arrays["s"].reshape(2, 1, 1, 8) if len(shape) == 2 else arrays["s"]
    total = arrays["x"] + skip + (arrays["a"] if bias else 0)
    op = node("SkipGroupNorm", " ".join(arrays), "y t", groups=2, activation=1, domain=MICROSOFT)
    y, t = run_ours(build([op], arrays, set(), ["y", "t"]), arrays)
    np.testing.assert_allclose(t, total, 1e-5, 1e-6)
    np.testing.assert_allclose(
        y, expected_groups(total, arrays["g"], arrays["b"], 2, 1), 1e-4, 1e-5
    )


def test_group_norm_refusals() -> None:
    arrays = {"x": random(2, 5, 3, 8), "g": random(8), "b": random(8)}
    for groups, activation, error, message in (
        (3, 0, ShapeError, "do not form 3 groups"),
        (2, 2, UnsupportedOperatorError, "activation 2 is unknown"),
    ):
        op = node("GroupNorm", "x g b", "y", groups=groups, activation=activation, domain=MICROSOFT)
        with pytest.raises(error, match=message):
            run_ours(build([op], arrays, set(), ["y"]), arrays)
