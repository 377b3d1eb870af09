"""SessionOptions and RunOptions: names and meanings of onnxruntime."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from wasmkiln import (
    CompileOptions,
    GraphOptimizationLevel,
    InferenceSession,
    InvalidInputError,
    OrtValue,
    RunOptions,
    SessionOptions,
    UnsupportedOptionError,
    UnsupportedOptionWarning,
)
from wasmkiln.api.settings import Setting
from wasmkiln.options import default_threads, worth_threads

from tests.api.both import check_same, identity, info, make
from tests.small import small_net

X = np.arange(6, dtype=np.float32).reshape(3, 2)


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def options_of(thing: Any) -> set[str]:
    return {name for name in public(thing) if not callable(getattr(thing, name))}


def test_every_option_of_onnxruntime_has_a_row_and_its_default() -> None:
    for theirs, ours, more in (
        (onnxruntime.SessionOptions(), SessionOptions(), set()),
        (onnxruntime.RunOptions(), RunOptions(), {"run_tag"}),
    ):
        assert options_of(theirs) | more == ours.table.keys()
        for name in options_of(theirs):
            mine, other = getattr(ours, name), getattr(theirs, name)
            assert (mine, str(mine)) == (other, str(other)) or int(mine) == int(other), name


@pytest.mark.parametrize(
    "name", ["GraphOptimizationLevel", "ExecutionMode", "ExecutionOrder", "OrtSparseFormat"]
)
def test_enumerations(name: str) -> None:
    def call(module: Any) -> Any:
        kind = getattr(module, name)
        return [
            (n, int(v), str(v), repr(v), v.name, int(kind(int(v))))
            for n, v in kind.__members__.items()
        ]

    check_same(call)


def other_value(setting: Setting) -> Any:
    """A value that is not the default, nor one without consequence."""
    if setting.name == "log_severity_level":
        return 0
    default = setting.default
    if isinstance(default, (bool, str)):
        return not default if isinstance(default, bool) else "else"
    return type(default)(1 if default != 1 else 0)


@pytest.mark.parametrize("kind", [SessionOptions, RunOptions])
def test_each_row_does_what_it_says(kind: Any) -> None:
    seen = set()
    for setting in (*kind.table.values(), *kind.entries.values()):
        options = kind()
        add = getattr(options, "add_session_config_entry", None) or options.add_run_config_entry
        is_entry = setting.name in kind.entries

        def put(value: Any, setting: Setting = setting, options: Any = options) -> list[Any]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if is_entry:  # noqa: B023
                    add(setting.name, value)  # noqa: B023
                else:
                    setattr(options, setting.name, value)
            return caught

        value = other_value(setting)
        assert not put(setting.default)
        for fine in setting.fine:
            assert not put(fine)
        if setting.effect == "raises":
            with pytest.raises(UnsupportedOptionError, match=setting.name):
                put(value)
        else:
            caught = put(value)
            assert len(caught) == (setting.effect == "warns")
            for each in caught:
                assert each.category is UnsupportedOptionWarning
                assert each.filename == __file__
            if not is_entry:
                assert getattr(options, setting.name) == value
        assert f"{setting.name} ({setting.default!r}): {setting.effect}. " in kind.__doc__
        seen.add(setting.effect)
    assert seen >= {"honoured", "harmless", "warns"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m, o: setattr(o, "foo", 1),
        lambda m, o: o.foo,
        lambda m, o: setattr(o, "intra_op_num_threads", "x"),
        lambda m, o: setattr(o, "intra_op_num_threads", None),
        lambda m, o: setattr(o, "graph_optimization_level", 99),
        lambda m, o: setattr(o, "logid", 5),
        lambda m, o: o.get_session_config_entry("none"),
        lambda m, o: o.add_session_config_entry("session.disable_prepacking", 1),
        lambda m, o: o.add_session_config_entry("", "1"),
        lambda m, o: m.RunOptions().get_run_config_entry("none"),
        lambda m, o: m.InferenceSession(identity(), 5),
        lambda m, o: m.InferenceSession(identity()).run(None, {"x": X}, 5),
        lambda m, o: m.set_default_logger_severity(9),
        lambda m, o: m.InferenceSession("/none/such.onnx"),
        lambda m, o: m.InferenceSession(b"garbage"),
        lambda m, o: m.InferenceSession(identity(), o, providers=5),
    ],
)
def test_wrong_use(wrong: Callable[[Any, Any], Any]) -> None:
    assert isinstance(check_same_or_value(wrong), Exception)


def check_same_or_value(wrong: Callable[[Any, Any], Any]) -> Any:
    """Where onnxruntime raises a TypeError from inside for providers, ours is a ValueError."""
    try:
        return check_same(lambda m: wrong(m, m.SessionOptions()))
    except AssertionError as error:
        if "'int' object is not iterable" not in str(error):
            raise
        return error


@pytest.mark.parametrize(
    "right",
    [
        lambda m, o: o.add_session_config_entry("session.disable_prepacking", "1"),
        lambda m, o: setattr(o, "intra_op_num_threads", 2),
        lambda m, o: setattr(o, "intra_op_num_threads", np.int64(-3)),
        lambda m, o: setattr(o, "enable_mem_pattern", False),
        lambda m, o: setattr(o, "graph_optimization_level", m.GraphOptimizationLevel(0)),
        lambda m, o: o.add_free_dimension_override_by_name("N", 3),
    ],
)
def test_options_that_work(right: Callable[[Any, Any], Any]) -> None:
    def call(module: Any) -> Any:
        options = module.SessionOptions()
        right(module, options)
        session = module.InferenceSession(identity(), options)
        args = [*session.get_inputs(), *session.get_outputs()]
        own = session.get_session_options()
        assert own is not options
        return (
            [(a.name, a.type, a.shape) for a in args],
            session.run(None, {"x": X}),
            own.intra_op_num_threads,
            own.enable_mem_pattern,
            int(own.graph_optimization_level),
        )

    check_same(call)


def test_a_dimension_overridden_is_fixed() -> None:
    def call(module: Any) -> Any:
        options = module.SessionOptions()
        options.add_free_dimension_override_by_name("N", 2)
        return module.InferenceSession(identity(), options).run(None, {"x": X})

    check_same(call)
    options = SessionOptions()
    options.add_free_dimension_override_by_name("M", 2)
    with pytest.warns(UnsupportedOptionWarning, match="no input has a dimension 'M'"):
        InferenceSession(identity(), options)
    with pytest.raises(UnsupportedOptionError, match="denotation"):
        options.add_free_dimension_override_by_denotation("DATA_BATCH", 2)


@pytest.mark.parametrize("level", list(GraphOptimizationLevel))
@pytest.mark.parametrize("threads", [0, 1, 2])
def test_all_levels_agree(level: GraphOptimizationLevel, threads: int) -> None:
    x = np.random.default_rng(1).normal(0, 1, (2, 3, 9, 7)).astype(np.float32)
    options = SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = threads
    (expected,) = onnxruntime.InferenceSession(small_net()).run(None, {"x": x})
    with InferenceSession(small_net(), options) as session:
        np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, rtol=1e-5, atol=1e-6)
        kernels = {k for row in session.report() for k in row.kernels}
    fused = any("max0" in k and "conv" in k for k in kernels)
    assert fused == (level > 0), kernels


def test_what_levels_mean() -> None:
    options = SessionOptions()
    assert options.compile_options() == CompileOptions(threads=0)
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 3
    assert options.compile_options() == CompileOptions(
        threads=3, patterns=False, bottleneck=False, channels_last=False
    )


def test_threads_are_taken_where_there_is_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    assert worth_threads(10**8)
    assert not worth_threads(10**6)
    for n, threads in ((4, 1), (256, 3)):
        data = make(
            [helper.make_node("MatMul", ["a", "b"], ["y"])],
            [info("a", shape=[n, n]), info("b", shape=[n, n])],
            [info("y", shape=[n, n])],
        )
        a = np.random.default_rng(n).random((n, n), np.float32)
        with InferenceSession(data) as session:
            assert session.artifact().threads == threads
            (y,) = session.run(None, {"a": a, "b": a})
            np.testing.assert_allclose(y, a @ a, rtol=1e-5)
    assert 1 <= default_threads() <= 8
    monkeypatch.setattr("sys.platform", "emscripten")
    assert default_threads() == 1
    options = SessionOptions()
    options.intra_op_num_threads = 2
    with pytest.warns(UnsupportedOptionWarning, match="Pyodide"):
        assert options.compile_options().threads == 1


def adding() -> bytes:
    weight = numpy_helper.from_array(np.ones(2, np.float32), "w")
    return make([helper.make_node("Add", ["x", "w"], ["y"])], [info("x")], [info("y")], [weight])


def test_initializers_are_replaced() -> None:
    value = OrtValue.ortvalue_from_numpy(np.array([5, 6], np.float32))
    for add in ("add_initializer", "add_external_initializers"):
        options = SessionOptions()
        args: list[Any] = ["w", value] if add == "add_initializer" else [["w"], [value]]
        getattr(options, add)(*args)
        with InferenceSession(adding(), options) as session:
            assert session.run(None, {"x": X})[0].tolist() == np.add(X, [5, 6]).tolist()
    options.add_initializer("v", value)
    with pytest.raises(InvalidInputError, match="no initializer 'v'"):
        InferenceSession(adding(), options)
    with pytest.raises(InvalidInputError, match="has to be a tensor"):
        options.add_initializer("w", OrtValue.from_sequence([]))
    with pytest.raises(InvalidInputError, match="2 names, but 1 values"):
        options.add_external_initializers(["w", "v"], [value])


def test_external_files_from_memory() -> None:
    model = onnx.load_from_string(adding())
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "weights.bin", 4, 8)
    tensor.ClearField("raw_data")
    data = model.SerializeToString()

    def call(module: Any) -> Any:
        options = module.SessionOptions()
        content = np.array([0, 7, 8], np.float32).tobytes()
        options.add_external_initializers_from_files_in_memory(
            ["weights.bin"], [content], [len(content)]
        )
        return module.InferenceSession(data, options).run(None, {"x": X})

    check_same(call)
    options = SessionOptions()
    with pytest.raises(InvalidInputError, match="equally many"):
        options.add_external_initializers_from_files_in_memory(["a"], [], [])
    with pytest.raises(InvalidInputError, match="has 1 bytes, not 2"):
        options.add_external_initializers_from_files_in_memory(["a"], [b"a"], [2])


def test_external_files_in_a_folder(tmp_path: Any) -> None:
    model = onnx.load_from_string(adding())
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "weights.bin")
    (tmp_path / "weights.bin").write_bytes(np.array([7, 8], np.float32).tobytes())
    model.graph.initializer[0].ClearField("raw_data")
    options = SessionOptions()
    key = "session.model_external_initializers_file_folder_path"
    options.add_session_config_entry(key, str(tmp_path))
    with InferenceSession(model.SerializeToString(), options) as session:
        assert session.run(None, {"x": X})[0].tolist() == np.add(X, [7, 8]).tolist()
