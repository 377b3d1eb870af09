"""Products and convolutions that onnxruntime's optimizer has fused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, UnsupportedOperatorError

from tests.ops.check import Array, build, check_op, node, run_ours

RNG = np.random.default_rng(71)
MICROSOFT = "com.microsoft"


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("op_type", ["FusedMatMul", "TransposeMatMul"])
@pytest.mark.parametrize("trans", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_transposed_products(op_type: str, trans: tuple[int, int]) -> None:
    for batch_a, batch_b in (((), ()), ((2, 3), (3,)), ((2,), (1,))):
        a = random(*batch_a, *((7, 5) if trans[0] else (5, 7)))
        b = random(*batch_b, *((9, 7) if trans[1] else (7, 9)))
        for alpha in (1.0, 0.25):
            check_op(
                op_type, a, b, domain=MICROSOFT, transA=trans[0], transB=trans[1], alpha=alpha,
                rtol=1e-4, atol=1e-5,
            )  # fmt: skip


def test_product_with_a_vector() -> None:
    for trans in (0, 1):
        check_op("FusedMatMul", random(7), random(7, 5), domain=MICROSOFT, transA=trans, atol=1e-5)


@pytest.mark.parametrize("swap", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("trans", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_transposed_batches(swap: tuple[int, int], trans: tuple[int, int]) -> None:
    a = random(2, 3, *((7, 5) if trans[0] else (5, 7)))
    b = random(2, 3, *((4, 7) if trans[1] else (7, 4)))
    if swap[0]:
        a = np.ascontiguousarray(np.moveaxis(a, -2, 0))
    if swap[1]:
        b = np.ascontiguousarray(np.moveaxis(b, -2, 0))
    check_op(
        "FusedMatMul", a, b, domain=MICROSOFT, transA=trans[0], transB=trans[1],
        transBatchA=swap[0], transBatchB=swap[1], rtol=1e-4, atol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("activation", "more"),
    [
        ("Relu", {}),
        ("Tanh", {}),
        ("LeakyRelu", {"activation_alpha": 0.2}),
        ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}),
        ("Elu", {"activation_alpha": 1.5}),
        ("Selu", {"activation_alpha": 1.5, "activation_gamma": 1.1}),
        ("Softplus", {}),
        ("ThresholdedRelu", {"activation_alpha": 0.5}),
    ],
)
def test_fused_gemm(activation: str, more: dict[str, Any]) -> None:
    a, b, c = random(5, 7), random(9, 7), random(9)
    check_op(
        "FusedGemm", a, b, c, const=[1, 2], domain=MICROSOFT, transB=1, alpha=0.5, beta=2.0,
        activation=activation, rtol=1e-4, atol=1e-5, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("activation", "parameters"),
    [
        (None, []),
        ("Relu", []),
        ("Sigmoid", []),
        ("LeakyRelu", [0.1]),
        ("Clip", [-0.25, 0.75]),
        ("HardSigmoid", [0.2, 0.5]),
    ],
)
@pytest.mark.parametrize("with_sum", [False, True])
def test_fused_conv(activation: str | None, parameters: list[float], with_sum: bool) -> None:
    x, w, b = random(2, 4, 9, 7), random(6, 4, 3, 3), random(6)
    inputs: list[Array] = [x, w, b]
    if with_sum:
        inputs.append(random(2, 6, 5, 4))
    more: dict[str, Any] = {}
    if activation:
        more = {"activation": activation, "activation_params": parameters or None}
    check_op(
        "FusedConv", *inputs, const=[1, 2], domain=MICROSOFT, strides=[2, 2], pads=[1, 1, 1, 1],
        rtol=1e-4, atol=1e-5, **{k: v for k, v in more.items() if v is not None},
    )  # fmt: skip


def test_fused_conv_of_groups_without_bias() -> None:
    check_op(
        "FusedConv", random(1, 4, 6, 6), random(4, 1, 3, 3), const=[1], domain=MICROSOFT, group=4,
        activation="Relu", rtol=1e-4, atol=1e-5,
    )  # fmt: skip


def test_unknown_activations_are_refused() -> None:
    x = random(3, 3)
    for activation, error, message in (
        ("Mish", UnsupportedOperatorError, "activation 'Mish' is not supported"),
        ("LeakyRelu", InvalidModelError, "activation 'LeakyRelu' has no parameter alpha"),
    ):
        fused = node("FusedGemm", "x x", "y", activation=activation, domain=MICROSOFT)
        with pytest.raises(error, match=message):
            run_ours(build([fused], {"x": x}, set(), ["y"], domain=MICROSOFT), {"x": x})


def test_the_domain_need_not_be_imported() -> None:
    x = random(3, 3)
    model = build([node("FusedMatMul", "x x", "y", domain=MICROSOFT)], {"x": x}, set(), ["y"])
    np.testing.assert_allclose(run_ours(model, {"x": x})[0], x @ x, 1e-5, 1e-6)
