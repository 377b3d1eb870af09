"""Compares operators with ONNX's reference evaluator, where onnxruntime has none or another one.

check_reference("DFT", x, None, axis)       # all but the first input are initializers
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from onnx import helper
from onnx.reference import ReferenceEvaluator

from tests.ops.check import TOLERANCES, Array, build, run_ours

__all__ = ["check_reference", "run_op"]


def check_reference(
    op_type: str,
    *inputs: Array | None,
    run_time: Collection[int] = (0,),
    outputs: int = 1,
    opset: int = 21,
    domain: str = "",
    rtol: float | None = None,
    atol: float | None = None,
    **attributes: Any,
) -> list[Array]:
    """Check a model of one node, and give the reference evaluator's outputs.

    run_time: indices of the inputs that are no initializers.
    """
    model, feeds = _model(op_type, inputs, run_time, outputs, opset, domain, attributes)
    expected = [np.asarray(v) for v in ReferenceEvaluator(model).run(None, feeds)]
    for a, b in zip(run_ours(model, feeds), expected, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape, f"{a.dtype}{a.shape} {b.dtype}{b.shape}"
        relative, absolute = TOLERANCES.get(b.dtype.name, (0.0, 0.0))
        np.testing.assert_allclose(
            a, b, relative if rtol is None else rtol, absolute if atol is None else atol
        )
    return expected


def run_op(
    op_type: str,
    *inputs: Array | None,
    run_time: Collection[int] = (0,),
    outputs: int = 1,
    opset: int = 21,
    domain: str = "",
    **attributes: Any,
) -> list[Array]:
    """Our outputs of a model of one node."""
    return run_ours(*_model(op_type, inputs, run_time, outputs, opset, domain, attributes))


def _model(
    op_type: str,
    inputs: tuple[Array | None, ...],
    run_time: Collection[int],
    outputs: int,
    opset: int,
    domain: str,
    attributes: dict[str, Any],
) -> tuple[Any, dict[str, Array]]:
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
    arrays = {n: np.asarray(a) for n, a in zip(names, inputs, strict=True) if a is not None}
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, names, results, "tested", domain=domain, **attributes)
    given = {f"x{i}" for i in run_time}
    model = build([node], arrays, [n for n in arrays if n not in given], results, opset, domain)
    return model, {n: a for n, a in arrays.items() if n in given}
