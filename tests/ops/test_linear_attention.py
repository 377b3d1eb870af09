"""LinearAttention: rules, heads, sizes that fill no vector, pasts, and halves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)


def inputs(
    rule: str, heads: tuple[int, int], keys: int, values: int, per_key: bool, dtype: Any
) -> list[Array | None]:
    """q, k, v, past, decay and beta of 2 sequences of 5 tokens."""
    queries, own = heads
    sizes: list[int] = [queries * keys, own * keys, own * values]
    q, k, v = (rng.standard_normal((2, 5, n)).astype(dtype) for n in sizes)
    past = rng.standard_normal((2, own, keys, values)).astype(dtype)
    decay = -rng.random((2, 5, own * keys if per_key else own)).astype(dtype)
    beta = rng.random((2, 5, 1 if per_key else own)).astype(dtype)
    gated, delta = "gated" in rule, "delta" in rule
    return [q, k * 0.3, v, past, decay if gated else None, beta if delta else None]


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize(
    ("heads", "keys", "values"), [((1, 1), 3, 5), ((4, 2), 4, 8), ((6, 2), 2, 1)]
)
@pytest.mark.parametrize("per_key", [True, False])
def test_rules(rule: str, heads: tuple[int, int], keys: int, values: int, per_key: bool) -> None:
    given = inputs(rule, heads, keys, values, per_key, np.float32)
    check_reference(
        "LinearAttention", *given, run_time=range(6), outputs=2, opset=27, rtol=1e-4, atol=1e-5,
        q_num_heads=heads[0], kv_num_heads=heads[1], update_rule=rule,
    )  # fmt: skip


def test_without_a_past() -> None:
    given = inputs("gated_delta", (2, 2), 3, 6, True, np.float32)
    given[3] = None
    check_reference(
        "LinearAttention", *given, run_time=(0, 1, 2, 4, 5), outputs=2, opset=27, atol=1e-5,
        q_num_heads=2, kv_num_heads=2, scale=0.3,
    )  # fmt: skip


def test_halves() -> None:
    given = inputs("gated", (2, 1), 3, 6, False, np.float16)
    check_reference(
        "LinearAttention", *given, run_time=range(5), outputs=2, opset=27, rtol=1e-2, atol=1e-2,
        q_num_heads=2, kv_num_heads=1, update_rule="gated",
    )  # fmt: skip


def test_what_does_not_fit_is_refused() -> None:
    heads: dict[str, Any] = {"q_num_heads": 2, "kv_num_heads": 2, "opset": 27}
    q, k, v, past, *_ = inputs("linear", (2, 2), 3, 4, False, np.float32)
    with pytest.raises(UnsupportedOperatorError, match=r"update_rule 'other' is unknown"):
        run_op("LinearAttention", q, k, v, update_rule="other", **heads)
    with pytest.raises(ShapeError, match=r"update_rule 'gated' needs the decay"):
        run_op("LinearAttention", q, k, v, update_rule="gated", **heads)
    with pytest.raises(ShapeError, match=r"the past is f32\[2,1,3,4\], where \(2, 2, 3, 4\)"):
        assert past is not None
        run_op("LinearAttention", q, k, v, past[:, :1], update_rule="linear", **heads)
