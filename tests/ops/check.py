"""Compares operators with native onnxruntime: one model, both runtimes, equal outputs.

check_op("Add", x, y)                                   # inputs are given at run time
check_op("Reshape", x, np.array([2, -1]), const=[1])    # input 1 is an initializer
check_op("Split", x, outputs=2, axis=1, opset=11)
check_model(model, {"x": x})                            # a whole onnx.ModelProto
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from wasmkiln.options import CompileOptions
from wasmkiln.session import InferenceSession

__all__ = [
    "TOLERANCES", "Array", "assert_same", "build", "check_model", "check_op", "node",
    "run_onnxruntime", "run_ours",
]  # fmt: skip

Array = np.ndarray[Any, Any]

OPSET = 21

# (relative, absolute) by dtype of an output, for all tests; integers, bools and strings are equal.
# The narrow formats' are one step: half a unit of rounding on either side.
TOLERANCES: dict[str, tuple[float, float]] = {
    "float64": (1e-9, 1e-12),
    "float32": (1e-5, 1e-6),
    "complex128": (1e-9, 1e-12),
    "complex64": (1e-5, 1e-6),
    "float16": (2e-3, 1e-3),
    "bfloat16": (1.6e-2, 1e-3),
    "float8_e4m3fn": (0.125, 2**-9),
    "float8_e4m3fnuz": (0.125, 2**-10),
    "float8_e5m2": (0.25, 2**-16),
    "float8_e5m2fnuz": (0.25, 2**-17),
    "float4_e2m1fn": (0.5, 0.5),
}


def check_op(
    op_type: str,
    *inputs: Array | None,
    const: Collection[int] = (),
    outputs: int = 1,
    opset: int = OPSET,
    domain: str = "",
    rtol: float | None = None,
    atol: float | None = None,
    steps: int = 0,
    options: Sequence[CompileOptions] = (CompileOptions(),),
    **attributes: Any,
) -> list[Array]:
    """Check a model of one node, and give onnxruntime's outputs.

    inputs: None is an absent one. const: indices of the inputs that are initializers.
    steps: by how much integers may differ.
    """
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    body = [helper.make_node(op_type, names, results, "tested", domain=domain, **attributes)]
    # asarray: what NumPy computes of rank 0 are scalars, which onnxruntime refuses
    arrays = {n: np.asarray(a) for n, a in zip(names, inputs, strict=True) if a is not None}
    fixed = {f"x{i}" for i in const}
    model = build(body, arrays, fixed, results, opset, domain)
    feeds = {n: a for n, a in arrays.items() if n not in fixed}
    return check_model(model, feeds, rtol, atol, steps, options)


def node(op_type: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node whose inputs and outputs are named in one string each, '-' for an absent one."""
    names = ["" if n == "-" else n for n in inputs.split()]
    return helper.make_node(op_type, names, outputs.split(), **attributes)


def build(
    nodes: Sequence[onnx.NodeProto],
    arrays: Mapping[str, Array],
    fixed: Collection[str],
    outputs: Sequence[str],
    opset: int = OPSET,
    domain: str = "",
) -> onnx.ModelProto:
    """A model of nodes whose inputs have the arrays' types; those in `fixed` are initializers.

    The outputs' types are left to the runtimes.
    """
    given = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in arrays.items()
        if n not in fixed
    ]
    weights = [numpy_helper.from_array(a, n) for n, a in arrays.items() if n in fixed]
    results = [onnx.ValueInfoProto(name=n) for n in outputs]
    graph = helper.make_graph(nodes, "test", given, results, weights)
    imports = [helper.make_opsetid("", opset)]
    if domain:
        imports.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def check_model(
    model: onnx.ModelProto,
    feeds: Mapping[str, Array],
    rtol: float | None = None,
    atol: float | None = None,
    steps: int = 0,
    options: Sequence[CompileOptions] = (CompileOptions(),),
) -> list[Array]:
    """Run a model in onnxruntime and, for each of the options, here; give the former's outputs."""
    expected = run_onnxruntime(model, feeds)
    for output, array in zip(model.graph.output, expected, strict=True):
        if not output.HasField("type"):
            dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
            output.CopyFrom(helper.make_tensor_value_info(output.name, dtype, array.shape))
    for chosen in options:
        actual = run_ours(model, feeds, chosen)
        for output, a, b in zip(model.graph.output, actual, expected, strict=True):
            assert_same(a, b, output.name, rtol, atol, steps)
    return expected


def run_ours(
    model: onnx.ModelProto, feeds: Mapping[str, Array], options: CompileOptions | None = None
) -> list[Array]:
    """The outputs of the model compiled by wasmkiln; one without a type is declared as floats."""
    for output in model.graph.output:
        if not output.HasField("type"):
            output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    with InferenceSession(model.SerializeToString(), options) as session:
        return session.run(None, feeds)


def run_onnxruntime(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> list[Array]:
    """The outputs of the model in native onnxruntime, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [np.asarray(v) for v in session.run(None, dict(feeds))]


def assert_same(
    actual: Array,
    expected: Array,
    name: str = "",
    rtol: float | None = None,
    atol: float | None = None,
    steps: int = 0,
) -> None:
    """Equal dtypes, shapes and, within the dtype's tolerance, values. NaN equals NaN.

    steps: by how much integers may differ.
    """
    assert actual.dtype == expected.dtype, f"{name} is {actual.dtype}, not {expected.dtype}"
    assert actual.shape == expected.shape, f"{name} is {actual.shape}, not {expected.shape}"
    if expected.dtype.name in TOLERANCES:
        relative, absolute = TOLERANCES[expected.dtype.name]
        if expected.dtype.kind not in "fc":  # NumPy compares its own types only
            actual, expected = actual.astype(np.float32), expected.astype(np.float32)
        np.testing.assert_allclose(
            actual,
            expected,
            relative if rtol is None else rtol,
            absolute if atol is None else atol,
            err_msg=name,
        )
    elif steps:
        distance = np.abs(actual.astype(np.int64) - expected.astype(np.int64)).max(initial=0)
        assert distance <= steps, f"{name} differs by {distance} steps"
    else:
        np.testing.assert_array_equal(actual, expected, err_msg=name)
