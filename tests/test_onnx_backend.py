"""The backend for the `onnx` package, through that package's own tests."""

from __future__ import annotations

import unittest
import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from wasmkiln import InvalidInputError, onnx_backend
from wasmkiln.onnx_backend import WasmkilnBackend

from tests.onnx.make import model, value

X = np.array([[-1, 0, 2], [3, -4, 5]], np.float32)


@pytest.mark.filterwarnings("ignore")
def test_the_packages_own_tests_run() -> None:
    from onnx.backend.test import BackendTest

    tests = BackendTest(WasmkilnBackend, __name__)
    for pattern in ("test_softmax_axis_[01]_cpu", "test_gemm_all_attributes_cpu", "test_relu_",
                    "test_cast_FLOAT_to_STRING", "test_single_relu_model"):  # fmt: skip
        tests.include(pattern)
    result = unittest.TestResult()
    tests.test_suite.run(result)
    passed = result.testsRun - len(result.skipped)
    assert not result.failures + result.errors, result.failures + result.errors
    assert passed >= 5


def test_a_model_is_prepared_and_run() -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])])
    rep = onnx_backend.prepare(proto)
    for inputs in ([X], (X,), {"x": X}, X):
        (y,) = rep.run(inputs)
        np.testing.assert_array_equal(y, np.maximum(X, 0))
    (y,) = onnx_backend.run_model(proto, [X])
    np.testing.assert_array_equal(y, np.maximum(X, 0))
    with pytest.raises(InvalidInputError, match="2 inputs came; the model has x"):
        rep.run([X, X])


def test_initializers_that_are_inputs_may_be_given_or_not() -> None:
    proto = model(
        [helper.make_node("Add", ["x", "w"], ["y"])], [value("x", (2, 3)), value("w", (3,))]
    )
    weight = np.array([1, 2, 3], np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    for inputs, w in (([X], weight), ([X, weight * 2], weight * 2)):
        np.testing.assert_array_equal(onnx_backend.run_model(proto, inputs)[0], X + w)
    proto.ir_version = 3
    np.testing.assert_array_equal(onnx_backend.run_model(proto, [X, weight])[0], X + weight)


def test_one_node() -> None:
    node = helper.make_node("Add", ["a", "b"], ["c"])
    for more in ({}, {"outputs_info": [(np.dtype("f4"), (2, 3))]}, {"opset_version": 13}):
        (c,) = onnx_backend.run_node(node, [X, X], **more)
        np.testing.assert_array_equal(c, X + X)
    (c,) = onnx_backend.run_node(node, {"a": X, "b": X})
    np.testing.assert_array_equal(c, X + X)


def test_what_is_compatible() -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])])
    assert onnx_backend.is_compatible(proto)
    assert not onnx_backend.is_compatible(proto, "CUDA")
    assert not onnx_backend.is_compatible(model([helper.make_node("Frobnicate", ["x"], ["y"])]))
    assert onnx_backend.supports_device("CPU:0")
    assert not onnx_backend.supports_device("CUDA:1")
    with pytest.raises(InvalidInputError, match="device 'CUDA' is not there"):
        onnx_backend.prepare(proto, "CUDA")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        onnx.checker.check_model(proto)
    assert TensorProto.FLOAT == 1
