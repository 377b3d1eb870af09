"""OrtValue, OrtDevice and IOBinding, as in native onnxruntime."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper
from wasmkiln import (
    InferenceSession,
    InvalidInputError,
    MisuseError,
    OrtDevice,
    OrtValue,
    SparseTensor,
    UnsupportedOptionError,
)

from tests.api.both import OURS, check_same, identity, info, make

X = np.arange(6, dtype=np.float32).reshape(2, 3)

FACTS = (
    "data_type", "element_type", "shape", "is_tensor", "is_sparse_tensor", "is_tensor_sequence",
    "has_value", "device_name", "tensor_size_in_bytes", "numpy",
)  # fmt: skip


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_, np.float16])
def test_facts_of_a_tensor(fact: str, dtype: Any) -> None:
    array = X.astype(dtype)
    check_same(lambda m: getattr(m.OrtValue.ortvalue_from_numpy(array), fact)())


@pytest.mark.parametrize("fact", [*FACTS, "data_ptr"])
def test_facts_of_a_sequence(fact: str) -> None:
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(T.FLOAT, ["N"]))
    data = make(
        [helper.make_node("SequenceConstruct", ["x", "x"], ["y"])],
        [info("x", shape=["N"])],
        [helper.make_value_info("y", kind)],
    )

    def call(module: Any) -> Any:
        feeds = {"x": module.OrtValue.ortvalue_from_numpy(X[0])}
        (value,) = module.InferenceSession(data).run_with_ort_values(None, feeds)
        return getattr(value, fact)()

    check_same(call)


@pytest.mark.parametrize(
    "make_value",
    [
        lambda m: m.OrtValue.ortvalue_from_numpy(X.T),
        lambda m: m.OrtValue.ortvalue_from_numpy([1.0, 2.0]),
        lambda m: m.OrtValue.ortvalue_from_numpy(X, "cpu", 0),
        lambda m: m.OrtValue.ortvalue_from_numpy_with_onnx_type(X, T.INT32),
        lambda m: m.OrtValue.ortvalue_from_numpy_with_onnx_type(X, T.BFLOAT16),
        lambda m: m.OrtValue.ortvalue_from_shape_and_type([0, 3], np.float64),
        lambda m: m.OrtValue.ortvalue_from_shape_and_type([0, 3], "float32"),
        lambda m: m.OrtValue.ortvalue_from_shape_and_type([0], np.dtype("u1")),
        lambda m: m.OrtValue.ortvalue_from_shape_and_type([0], T.INT64),
        lambda m: m.OrtValue.ortvalue_from_shape_and_type([2], np.str_),
        lambda m: m.OrtValue.ortvalue_from_shape_and_type([2, -1], np.float32),
        lambda m: m.OrtValue.from_dlpack(X),
        lambda m: m.OrtDevice.make("nothing", 0),
    ],
)
def test_making_values(make_value: Callable[[Any], Any]) -> None:
    def call(module: Any) -> Any:
        value = make_value(module)
        return value.data_type(), value.shape(), value.numpy()

    theirs_may_be_any(call)


def theirs_may_be_any(call: Callable[[Any], Any]) -> None:
    """Like check_same, where onnxruntime raises a bare Exception for names of no device."""
    try:
        check_same(call)
    except AssertionError as error:
        if "Exception('Unsupported device" not in str(error):
            raise


def test_memory_is_shared() -> None:
    def call(module: Any) -> Any:
        array = X.copy()
        value = module.OrtValue.ortvalue_from_numpy(array)
        array[0, 0] = 9
        value.numpy()[0, 1] = 8
        value.update_inplace(np.full((2, 3), 7, np.float32)[::-1])
        again = module.OrtValue.ortvalue_from_numpy(X)
        seen = array.copy()
        value.update_inplace(again)
        return seen, array, value.data_ptr() == array.ctypes.data, np.asarray(value)

    check_same(call)


@pytest.mark.parametrize("data", [np.ones((4, 3), np.float32), [1.0]])
def test_wrong_updates(data: Any) -> None:
    check_same(lambda m: m.OrtValue.ortvalue_from_numpy(X.copy()).update_inplace(data))


def test_updates_that_onnxruntime_gets_wrong() -> None:
    """It copies bytes, whatever they mean, and writes to memory that must only be read."""
    with pytest.raises(MisuseError, match=r"f64\[2,3\] can't take the place of f32\[2,3\]"):
        OrtValue.ortvalue_from_numpy(X.copy()).update_inplace(np.ones((2, 3)))
    fixed = X.copy()
    fixed.flags.writeable = False
    value = OrtValue.ortvalue_from_numpy(fixed)
    with pytest.raises(MisuseError, match="only be read"):
        value.update_inplace(X)
    assert value.data_ptr() == fixed.ctypes.data


def test_values_beyond_those_of_onnxruntime() -> None:
    texts = OrtValue.ortvalue_from_numpy(np.array([["a", "b"]]))
    assert (texts.data_type(), texts.shape()) == ("tensor(string)", [1, 2])
    assert texts.numpy().tolist() == [["a", "b"]]
    with pytest.raises(MisuseError, match=r"a tensor\(string\) has no bytes"):
        texts.data_ptr()
    half = OrtValue.ortvalue_from_numpy(X.astype(ml_dtypes.bfloat16))
    assert (half.data_type(), half.numpy().dtype) == ("tensor(bfloat16)", ml_dtypes.bfloat16)
    with pytest.raises(InvalidInputError, match="big-endian"):
        OrtValue.ortvalue_from_numpy(X.astype(">f4"))
    np.testing.assert_array_equal(np.from_dlpack(OrtValue.ortvalue_from_numpy(X)), X)


def test_what_is_not_there_raises() -> None:
    calls: list[Callable[[], Any]] = [
        lambda: OrtValue.ortvalue_from_numpy(X, "cuda", 0),
        lambda: OrtValue.ort_value_from_sparse_tensor(None),
        lambda: SparseTensor.sparse_coo_from_numpy([2], X, X, OrtDevice.make("cpu", 0)),
        lambda: OrtValue.ortvalue_from_numpy(X).as_sparse_tensor(),
    ]
    for call in calls:
        with pytest.raises(UnsupportedOptionError):
            call()


@pytest.mark.parametrize("name", ["cpu", "cuda", "gpu", "npu", "dml", "cann", "webgpu"])
def test_devices(name: str) -> None:
    def call(module: Any) -> Any:
        device = module.OrtDevice.make(name, 1)
        return (
            device.device_id(),
            device.device_type(),
            device.device_mem_type(),
            device.device_vendor_id(),
        )

    check_same(call)


def binding(module: Any, shape: Any = ("N", 3)) -> tuple[Any, Any]:
    node = helper.make_node("Add", ["x", "x"], ["y"])
    session = module.InferenceSession(
        make([node], [info("x", shape=shape)], [info("y", shape=shape)])
    )
    return session, session.io_binding()


def test_bound_arrays_are_read_at_each_run() -> None:
    def call(module: Any) -> Any:
        session, bound = binding(module)
        x = X.copy()
        bound.bind_cpu_input("x", x)
        bound.bind_output("y")
        session.run_with_iobinding(bound)
        first = bound.copy_outputs_to_cpu()
        x += 1
        session.run_with_iobinding(bound)
        return first, bound.copy_outputs_to_cpu(), bound.get_outputs()[0].numpy()

    check_same(call)


def test_outputs_go_where_they_are_bound() -> None:
    def call(module: Any) -> Any:
        session, bound = binding(module)
        value = module.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
        bound.bind_ortvalue_input("x", module.OrtValue.ortvalue_from_numpy(X))
        bound.bind_ortvalue_output("y", value)
        session.run_with_iobinding(bound)
        same = bound.get_outputs()[0].data_ptr() == value.data_ptr()
        out, x = np.zeros((2, 3), np.float32), X.copy()
        bound.bind_input("x", "cpu", 0, np.float32, [2, 3], x.ctypes.data)
        bound.bind_output("y", "cpu", 0, T.FLOAT, (2, 3), out.ctypes.data)
        x -= 1
        session.run_with_iobinding(bound)
        return same, value.numpy(), out

    check_same(call)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m, b: b.bind_cpu_input("z", X),
        lambda m, b: b.bind_cpu_input("x", [1.0]),
        lambda m, b: b.bind_cpu_input("x", X.astype(np.float64)),
        lambda m, b: b.bind_cpu_input("x", X[0]),
        lambda m, b: b.clear_binding_inputs(),
        lambda m, b: b.clear_binding_outputs(),
        lambda m, b: b.bind_output("z"),
        lambda m, b: b.bind_output("y", "cpu", 0, None, None, X.ctypes.data),
        lambda m, b: b.bind_ortvalue_output(
            "y", m.OrtValue.ortvalue_from_shape_and_type([3, 3], np.float32)
        ),
        lambda m, b: b.bind_ortvalue_output(
            "y", m.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float64)
        ),
    ],
)
def test_wrong_bindings(wrong: Callable[[Any, Any], None]) -> None:
    def call(module: Any) -> None:
        session, bound = binding(module)
        bound.bind_cpu_input("x", X)
        bound.bind_output("y")
        wrong(module, bound)
        session.run_with_iobinding(bound)

    failed = check_same(call)
    assert isinstance(failed, ValueError)


def test_bindings_stay_with_their_session() -> None:
    def call(module: Any) -> None:
        _, bound = binding(module)
        binding(module)[0].run_with_iobinding(bound)

    check_same(call)
    session, bound = binding(OURS)
    with pytest.raises(UnsupportedOptionError, match="'cuda'"):
        bound.bind_output("y", "cuda")
    session.release()


def test_running_with_values() -> None:
    def call(module: Any) -> Any:
        session = module.InferenceSession(identity(shape=("N", 3)))
        feeds = {"x": module.OrtValue.ortvalue_from_numpy(X)}
        (value,) = session.run_with_ort_values(["y"], feeds)
        return value.numpy(), session.run(None, feeds)

    check_same(call)
    with InferenceSession(identity(shape=("N", 3))) as session:
        with pytest.raises(MisuseError, match="'x' is not an OrtValue"):
            session.run_with_ort_values(None, {"x": X})  # type: ignore[dict-item]
        wrong = {"x": OrtValue.ortvalue_from_numpy(X.astype(np.float64))}
        with pytest.raises(InvalidInputError, match=r"float64\[2,3\]"):
            session.run_with_ort_values(None, wrong)


def test_a_profile_is_written(tmp_path: Path) -> None:
    def call(module: Any) -> Any:
        options = module.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(tmp_path / "prof")
        session = module.InferenceSession(identity(shape=("N", 3)), options)
        started = session.get_profiling_start_time_ns() > 10**18
        session.run(None, {"x": X})
        path = session.end_profiling()
        assert Path(path).parent == tmp_path
        events = json.loads(Path(path).read_text())
        names = {e["name"] for e in events if e["cat"] == "Session"}
        return (
            started,
            session.end_profiling(),
            {"session_initialization", "model_run"} <= names,
            sorted(events[0]),
            session.run(None, {"x": X}),
        )

    check_same(call)
    check_same(lambda m: m.InferenceSession(identity()).end_profiling())
