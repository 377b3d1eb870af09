"""Providers, functions, metadata, asynchronous runs and profiles: as onnxruntime has them."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnx
import pytest
import wasmkiln
from onnx import helper
from wasmkiln import (
    CompileOptions,
    InferenceSession,
    InvalidInputError,
    MisuseError,
    RunOptions,
    SessionOptions,
    UnsupportedOptionError,
    UnsupportedOptionWarning,
)

from tests.api.both import check_same, identity, info, make
from tests.small import small_net

X = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_native_code_and_other_providers_are_refused() -> None:
    options = SessionOptions()
    options.add_provider("CPUExecutionProvider", {})
    calls: list[Callable[[], Any]] = [
        lambda: options.register_custom_ops_library("lib.so"),
        lambda: options.add_provider("CUDAExecutionProvider", {}),
        lambda: options.add_provider_for_devices([], {}),
        lambda: options.set_provider_selection_policy(1),
        lambda: RunOptions().add_active_adapter(None),
    ]
    for call in calls:
        with pytest.raises(UnsupportedOptionError):
            call()
    assert not options.has_providers()


@pytest.mark.parametrize(
    ("providers", "more", "message"),
    [
        (None, None, ""),
        ([], None, ""),
        (["CPUExecutionProvider"], None, ""),
        (["CPUExecutionProvider"], [{}], ""),
        ([("CPUExecutionProvider", {})], None, ""),
        (["CUDAExecutionProvider", "CPUExecutionProvider"], None, "'CUDAExecutionProvider' is not"),
        ([("CPUExecutionProvider", {"a": 1})], None, "options of CPUExecutionProvider"),
        (["CPUExecutionProvider"], [{"a": 1}], "options of CPUExecutionProvider"),
    ],
)
def test_providers(providers: Any, more: Any, message: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = InferenceSession(identity(), None, providers, more)
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert session.get_provider_options() == {"CPUExecutionProvider": {}}
    assert len(caught) == bool(message)
    for each in caught:
        assert message in str(each.message)
        assert (each.category, each.filename) == (UnsupportedOptionWarning, __file__)
    session.set_providers(["CPUExecutionProvider"])
    session.disable_fallback()
    session.enable_fallback()
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], X)


@pytest.mark.parametrize("providers", ["CPUExecutionProvider", [5], [("a", "b")], 5])
def test_wrong_providers(providers: Any) -> None:
    with pytest.raises(InvalidInputError, match="providers"):
        InferenceSession(identity(), providers=providers)
    with pytest.raises(InvalidInputError, match="as long as"):
        InferenceSession(identity(), None, ["CPUExecutionProvider"], [])


def test_unknown_arguments_warn() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="disabled_optimizers"):
        InferenceSession(identity(), disabled_optimizers=["all"])
    InferenceSession(identity(), enable_fallback=0)


def test_compile_options_may_stand_for_session_options() -> None:
    with InferenceSession(identity(), CompileOptions(threads=2, simd="baseline")) as session:
        session.run(None, {"x": X})
        assert (session.artifact().simd, session.artifact().threads) == ("baseline", 2)
        assert session.get_session_options().intra_op_num_threads == 2


def test_a_run_ends_when_told_to() -> None:
    def call(module: Any) -> Any:
        options = module.RunOptions()
        options.terminate = True
        return module.InferenceSession(identity()).run(None, {"x": X}, options)

    check_same(call)


def test_functions() -> None:
    check_same(lambda m: m.get_device().startswith("CPU"))
    check_same(lambda m: "CPUExecutionProvider" in m.get_available_providers())
    check_same(lambda m: (m.__version__, m.get_version_string()))
    check_same(lambda m: m.set_default_logger_severity(3))
    assert wasmkiln.get_version_string() == wasmkiln.__version__
    calls: list[Callable[[], Any]] = [
        lambda: wasmkiln.set_seed(3),
        lambda: wasmkiln.set_default_logger_severity(0),
        lambda: wasmkiln.set_default_logger_verbosity(1),
    ]
    for call in calls:
        with pytest.warns(UnsupportedOptionWarning):
            call()
    with pytest.raises(MisuseError, match="not 7"):
        wasmkiln.set_default_logger_severity(7)


def test_metadata() -> None:
    model = onnx.load_from_string(identity())
    names = (
        "producer_name", "graph_name", "domain", "description", "graph_description", "version",
        "custom_metadata_map",
    )  # fmt: skip

    def call(module: Any) -> Any:
        meta = module.InferenceSession(model.SerializeToString()).get_modelmeta()
        return [getattr(meta, name) for name in names]

    check_same(call)
    model.producer_name, model.producer_version, model.domain = "maker", "3", "org.example"
    model.doc_string, model.graph.doc_string, model.model_version = "all", "graph", 7
    helper.set_model_props(model, {"k": "v"})
    check_same(call)


def test_runs_in_another_thread() -> None:
    def call(module: Any) -> Any:
        session = module.InferenceSession(identity())
        seen: list[Any] = []
        for given in (X, X[0]):
            done = threading.Event()

            def back(results: Any, data: Any, error: str, done: Any = done) -> None:
                here = threading.current_thread() is threading.main_thread()
                seen.append((results, data, bool(error), here))
                done.set()

            assert session.run_async(None, {"x": given}, back, "mine") is None
            assert done.wait(20)
        return seen

    check_same(call)
    check_same(lambda m: m.InferenceSession(identity()).run_async(None, {}, print, None))
    with InferenceSession(identity()) as session, pytest.raises(InvalidInputError, match="'z'"):
        session.run_async(["z"], {"x": X}, print, None)


def test_without_threads_a_run_is_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with InferenceSession(identity()) as session:
        session.run(None, {"x": X})
        monkeypatch.setattr("sys.platform", "emscripten")
        seen: list[Any] = []
        session.run_async(None, {"x": X}, lambda *args: seen.append(args), 1)
        assert len(seen) == 1


def test_a_session_can_be_awaited() -> None:
    with ThreadPoolExecutor(1) as thread:  # this one may have a loop already, Playwright's
        made = thread.submit(
            lambda: asyncio.run(InferenceSession.create(identity(), SessionOptions()))
        )
        session = made.result()
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], X)


def test_a_profile_of_kernels() -> None:
    with InferenceSession(small_net(), CompileOptions()) as session:
        x = np.ones((1, 3, 9, 7), np.float32)
        session.run(None, {"x": x})
        rows = session.profile({"x": x})
        assert {"stem", "fc"} <= {name for row in rows for name in row.node.split("+")}
        assert sum(row.macs for row in rows) == session.artifact().macs
        assert all(row.seconds >= 0 and row.kernel for row in rows)


def test_a_profile_of_the_host() -> None:
    node = helper.make_node("StringConcat", ["x", "x"], ["y"], "twice")
    text = onnx.TensorProto.STRING
    data = make([node], [info("x", text)], [info("y", text)], opset=20)
    with InferenceSession(data) as session:
        (row,) = session.profile({"x": [["a", "b"]]})
        assert (row.node, row.kernel, row.macs) == ("twice", "StringConcat", 0)
        assert row.seconds > 0
