"""FlexAttention: shared heads, dtypes, graphs that change scores and weights, also from around."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from wasmkiln import ShapeError, UnsupportedOperatorError

from tests.ops.check import Array, run_ours

rng = np.random.default_rng(0)
DOMAIN = "ai.onnx.preview"


def graph(nodes: list[onnx.NodeProto], dtype: int, **weights: Array) -> onnx.GraphProto:
    """A graph from x to y, both of rank 4."""
    ends = [helper.make_tensor_value_info(n, dtype, ["b", "h", "l", "s"]) for n in ("x", "y")]
    consts = [onnx.numpy_helper.from_array(a, n) for n, a in weights.items()]
    return helper.make_graph(nodes, "mod", ends[:1], ends[1:], consts)


def model(
    q: Array, k: Array, v: Array, **attributes: Any
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    feeds = {"q": q, "k": k, "v": v, "around": np.array(0.5, np.float32)}
    node = helper.make_node("FlexAttention", ["q", "k", "v"], ["y"], domain=DOMAIN, **attributes)
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in feeds.items()
    ]
    number = helper.np_dtype_to_tensor_dtype(v.dtype)
    outputs = [helper.make_tensor_value_info("y", number, [None] * 4)]
    imports = [helper.make_opsetid("", 23), helper.make_opsetid(DOMAIN, 1)]
    made = helper.make_graph([node], "g", inputs, outputs)
    return helper.make_model(made, opset_imports=imports, ir_version=10), feeds


def heads(dtype: Any, queries: int = 4, shared: int = 2) -> list[Array]:
    shapes = [(2, queries, 3, 5), (2, shared, 7, 5), (2, shared, 7, 6)]
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


def check(dtype: Any, tolerance: float, **attributes: Any) -> None:
    made, feeds = model(*heads(dtype), **attributes)
    (got,) = run_ours(made, feeds)
    (want,) = ReferenceEvaluator(made).run(None, feeds)
    assert isinstance(want, np.ndarray) and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, tolerance, tolerance)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-6), (np.float16, 1e-2)]
)
def test_dtypes(dtype: Any, tolerance: float) -> None:
    check(dtype, tolerance)
    check(dtype, tolerance, scale=0.7, softmax_precision=TensorProto.DOUBLE)


def test_graphs() -> None:
    number = TensorProto.FLOAT
    scores = graph(
        [helper.make_node("Add", ["x", "c"], ["y"])], number, c=heads(np.float32)[0][:1, :, :, :1]
    )
    weights = graph([helper.make_node("Mul", ["x", "x"], ["y"])], number)
    check(np.float32, 1e-5, score_mod=scores, prob_mod=weights)
    check(np.float16, 1e-2, score_mod=scores, prob_mod=weights)


def test_graph_uses_values_around() -> None:
    mod = graph([helper.make_node("Mul", ["x", "around"], ["y"])], TensorProto.FLOAT)
    q, k, v = heads(np.float32)
    made, feeds = model(q, k, v, score_mod=mod)
    (got,) = run_ours(made, feeds)
    plain, feeds = model(q * 0.5, k, v)
    (want,) = run_ours(plain, feeds)
    np.testing.assert_allclose(got, want, 1e-5, 1e-6)


def test_what_does_not_fit_is_refused() -> None:
    q, k, v = heads(np.float32, 3, 2)
    with pytest.raises(ShapeError, match=r"Q f32\[2,3,3,5\], K f32\[2,2,7,5\] and V .* do not fit"):
        run_ours(*model(q, k, v))
    with pytest.raises(UnsupportedOperatorError, match=r"a softmax in i64"):
        run_ours(*model(q[:, :2], k, v, softmax_precision=TensorProto.INT64))
