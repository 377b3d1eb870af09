"""onnxruntime's names: errors, the stand-in module, and what works without NumPy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import wasmkiln
from onnxruntime.capi import onnxruntime_pybind11_state as state
from wasmkiln import errors

from tests.api.both import OURS, identity
from tests.small import small_net

PACKAGE = str(Path(wasmkiln.__file__).parent.parent)


def run_script(script: str, *args: str) -> str:
    """What a script prints in a Python of its own; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", script, *args],
        env={"PYTHONPATH": PACKAGE, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_error_of_onnxruntime_has_a_namesake() -> None:
    theirs = {
        name
        for name, thing in vars(state).items()
        if isinstance(thing, type) and issubclass(thing, Exception)
    }
    later = {"ModelLoadCanceled", "ModelRequiresCompilation", "NotFound", "DeviceReset"}
    assert theirs - later <= set(errors.__all__)
    for name in theirs - later:
        assert issubclass(getattr(errors, name), errors.WasmkilnError)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (errors.InvalidInputError, errors.InvalidArgument),
        (errors.UnsupportedOperatorError, errors.NotImplemented),
        (errors.DataDependentError, errors.NotImplemented),
        (errors.UnsupportedOptionError, errors.NotImplemented),
        (errors.ShapeError, errors.Fail),
        (errors.InternalError, errors.RuntimeException),
        (errors.LimitError, errors.RuntimeException),
        (errors.NoSuchFile, errors.InvalidModelError),
        (errors.InvalidProtobuf, errors.InvalidModelError),
        (errors.InvalidGraph, errors.InvalidModelError),
    ],
)
def test_errors_are_caught_by_both_names(ours: type[Exception], theirs: type[Exception]) -> None:
    with pytest.raises(theirs, match="what"):
        raise ours("what")


def test_errors_are_called_by_our_names_outside_python() -> None:
    assert errors.error_name(errors.NoSuchFile("x")) == "InvalidModelError"
    assert errors.error_name(errors.MisuseError("x")) == "MisuseError"
    assert errors.error_name(errors.ExternalDataError("x")) == "ExternalDataError"


def test_all_that_is_public_is_there() -> None:
    for name in wasmkiln.__all__:
        assert getattr(wasmkiln, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = wasmkiln.nothing


SCRIPT = """
import sys
import numpy as np
{first}
import onnxruntime as ort
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument, NoSuchFile
import onnxruntime.capi._pybind_state as C

options = SessionOptions()
options.intra_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
session = InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
x = np.arange(189, dtype=np.float32).reshape(1, 3, 9, 7) / 100
print(session.run(None, {{name: x}})[0].round(4).tolist())
for call in (
    lambda: session.run(None, {{name: x[0]}}),
    lambda: ort.InferenceSession("none.onnx"),
):
    try:
        call()
    except (C.InvalidArgument, NoSuchFile) as error:
        print("caught")
value = ort.OrtValue.ortvalue_from_numpy(x)
bound = session.io_binding()
bound.bind_ortvalue_input(name, value)
bound.bind_output(session.get_outputs()[0].name)
session.run_with_iobinding(bound)
print(bound.copy_outputs_to_cpu()[0].shape, ort.__version__, ort.get_available_providers()[-1])
"""


def test_an_unchanged_script_runs(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(small_net())
    install = "import wasmkiln; wasmkiln.install_as_onnxruntime()"
    theirs = run_script(SCRIPT.format(first=""), str(path))
    ours = run_script(SCRIPT.format(first=install), str(path))
    assert ours == theirs
    assert ours.count("caught") == 2


def test_the_real_one_stays_unless_forced() -> None:
    run_script("""
import importlib.util, sys
import onnxruntime, onnxruntime.capi.onnxruntime_pybind11_state, wasmkiln
try:
    wasmkiln.install_as_onnxruntime()
except wasmkiln.InvalidInputError as error:
    assert "imported already" in str(error)
else:
    raise SystemExit("it was replaced")
wasmkiln.install_as_onnxruntime(force=True)
wasmkiln.install_as_onnxruntime()  # it is there
import onnxruntime as ours
assert ours.wasmkiln_version == wasmkiln.__version__
assert ours.InferenceSession is wasmkiln.InferenceSession
assert ours.capi.onnxruntime_pybind11_state.Fail is wasmkiln.errors.Fail
assert importlib.util.find_spec("onnxruntime") is not None
""")


def test_the_stand_in_has_what_scripts_take() -> None:
    assert OURS.InferenceSession is wasmkiln.InferenceSession
    assert not hasattr(OURS, "NotImplemented")  # `from onnxruntime import *` stays harmless


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
import array
import wasmkiln
from wasmkiln import InferenceSession, OrtValue

session = InferenceSession(sys.argv[1])
x = OrtValue.from_buffer(array.array("f", range(6)), "float32", (3, 2))
(y,) = session.run_with_ort_values(None, {"x": x})
assert y.tobytes() == x.tobytes() and y.shape() == [3, 2], y.shape()
assert y.data_type() == "tensor(float)" and y.tensor_size_in_bytes() == 24
assert list(memoryview(y.tobytes()).cast("f")) == [0, 1, 2, 3, 4, 5]
bound = session.io_binding()
bound.bind_ortvalue_input("x", x)
out = OrtValue.ortvalue_from_shape_and_type([3, 2], "float32")
bound.bind_ortvalue_output("y", out)
session.run_with_iobinding(bound)
assert out.tobytes() == x.tobytes() and out.data_ptr()
x.update_inplace(OrtValue.from_buffer(bytes(24), 1, (3, 2)))
assert not any(x.tobytes())
for call in (lambda: session.run(None, {"x": x}), x.numpy):
    try:
        call()
    except wasmkiln.MissingDependencyError as error:
        assert "pip install numpy" in str(error), error
    else:
        raise SystemExit("no error")
texts = InferenceSession(sys.argv[2])
(y,) = texts.run_with_ort_values(None, {"x": OrtValue.from_strings(["a", "b"], (1, 2))})
assert y.texts() == ("a", "b") and y.shape() == [1, 2]
assert OrtValue.from_sequence([y, y]).items()[1].texts() == ("a", "b")
for wrong in (lambda: OrtValue.from_buffer(bytes(3), "f32", (1,)), lambda: y.items()):
    try:
        wrong()
    except wasmkiln.InvalidInputError:
        pass
    else:
        raise SystemExit("no error")
assert not [m for m in sys.modules if m.split(".")[0] in ("numpy", "onnx", "onnxruntime")
            and sys.modules[m] is not None]
"""


def test_without_numpy(tmp_path: Path) -> None:
    (tmp_path / "f.onnx").write_bytes(identity())
    (tmp_path / "s.onnx").write_bytes(identity(8))
    run_script(WITHOUT_NUMPY, str(tmp_path / "f.onnx"), str(tmp_path / "s.onnx"))
