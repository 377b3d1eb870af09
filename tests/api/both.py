"""Makes the same call to native onnxruntime and to us, and compares what comes of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnxruntime.capi import onnxruntime_pybind11_state as state
from wasmkiln import errors
from wasmkiln.onnxruntime import as_module

__all__ = ["OURS", "check_same", "identity", "info", "make"]

Call = Callable[[Any], Any]

onnxruntime.set_default_logger_severity(4)

# What a script gets that imports us as onnxruntime.
OURS: Any = as_module("onnxruntime")


def check_same(call: Call) -> Any:
    """Call with each module. Results must be equal; or errors, of the same class. Gives ours."""
    theirs, ours = _outcome(call, onnxruntime), _outcome(call, OURS)
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"onnxruntime raises {theirs!r}; we give {ours!r}"
        assert isinstance(ours, _counterpart(theirs)), f"{theirs!r} there, {ours!r} here"
    else:
        assert not isinstance(ours, Exception), f"we raise {ours!r}; onnxruntime gives {theirs!r}"
        check_equal(ours, theirs)
    return ours


def check_equal(ours: Any, theirs: Any) -> None:
    """Equal values of equal types, down to the elements of arrays."""
    if isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_array_equal(ours, theirs)
        if theirs.dtype == object:
            assert [type(v) for v in ours.flat] == [type(v) for v in theirs.flat]
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, (list, tuple)), f"{ours!r} is not a list like {theirs!r}"
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            check_equal(a, b)
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key in theirs:
            check_equal(ours[key], theirs[key])
    else:
        assert ours == theirs
        assert isinstance(ours, type(theirs)) or type(theirs).__module__ != "builtins"


def _outcome(call: Call, module: Any) -> Any:
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            if module is onnxruntime:
                warnings.simplefilter("ignore")
            return call(module)
    except Exception as error:
        return error


def _counterpart(error: Exception) -> Any:
    """The class that an error of ours must have to be caught where this one is."""
    name = type(error).__name__
    if type(error).__module__ == state.__name__:
        return getattr(errors, name)
    return type(error)


def info(name: str, dtype: int = TensorProto.FLOAT, shape: Any = ("N", 2)) -> Any:
    """A ValueInfoProto."""
    return helper.make_tensor_value_info(name, dtype, shape)


def make(
    nodes: Any, inputs: Any, outputs: Any, weights: Any = (), opset: int = 17, ir: int = 8
) -> bytes:
    """The bytes of a model."""
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=ir).SerializeToString())


def identity(dtype: int = TensorProto.FLOAT, shape: Any = ("N", 2), opset: int = 17) -> bytes:
    """The model whose output is its input."""
    node = helper.make_node("Identity", ["x"], ["y"], "same")
    ir = 11 if opset > 20 else 8
    return make([node], [info("x", dtype, shape)], [info("y", dtype, shape)], opset=opset, ir=ir)
