"""The package as a module `onnxruntime`, so that scripts written for that run unchanged.

import wasmkiln
wasmkiln.install_as_onnxruntime()
import onnxruntime                # is wasmkiln from here on
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from . import _version, errors
from .api import enums, names, ort_value, providers, runtime
from .api.binding import IOBinding
from .api.device import OrtDevice
from .api.run_options import RunOptions
from .api.session_options import SessionOptions
from .errors import InvalidInputError
from .onnx.load import ModelMetadata
from .session import InferenceSession

__all__ = ["API_VERSION", "as_module", "install_as_onnxruntime"]

# The release of onnxruntime whose names these are. Scripts compare it with what they need.
API_VERSION = "1.32.0"

_STATE = "onnxruntime.capi.onnxruntime_pybind11_state"
_MODULES = (
    "onnxruntime",
    "onnxruntime.capi",
    _STATE,
    "onnxruntime.capi._pybind_state",
    "onnxruntime.capi.onnxruntime_inference_collection",
)

_CLASSES: tuple[Any, ...] = (
    InferenceSession, SessionOptions, RunOptions, IOBinding, OrtDevice, ModelMetadata,
    names.NodeArg, ort_value.OrtValue, ort_value.SparseTensor,
    enums.GraphOptimizationLevel, enums.ExecutionMode, enums.ExecutionOrder,
    enums.OrtSparseFormat,
)  # fmt: skip
_FUNCTIONS: tuple[Any, ...] = (
    providers.get_available_providers, providers.get_all_providers, providers.get_device,
    runtime.set_default_logger_severity, runtime.set_default_logger_verbosity, runtime.set_seed,
    runtime.disable_telemetry_events, runtime.enable_telemetry_events, runtime.get_build_info,
)  # fmt: skip
_ERRORS: tuple[Any, ...] = (
    errors.Fail, errors.InvalidArgument, errors.NoSuchFile, errors.NoModel, errors.EngineError,
    errors.RuntimeException, errors.InvalidProtobuf, errors.ModelLoaded, errors.NotImplemented,
    errors.InvalidGraph, errors.EPFail,
)  # fmt: skip


def install_as_onnxruntime(force: bool = False) -> None:
    """Let `import onnxruntime` give this package.

    force: also where the real onnxruntime has been imported, which is InvalidInputError else;
    modules that hold parts of the real one keep them.
    """
    found = sys.modules.get("onnxruntime")
    if found is not None and getattr(found, "wasmkiln_version", None):
        return
    if found is not None and not force:
        raise InvalidInputError(
            "onnxruntime has been imported already; call install_as_onnxruntime before, or with"
            " force=True"
        )
    for name in [n for n in sys.modules if n == "onnxruntime" or n.startswith("onnxruntime.")]:
        del sys.modules[name]
    for name in _MODULES:
        module = as_module(name)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)
        sys.modules[name] = module


def as_module(name: str) -> ModuleType:
    """A module with everything that scripts take from it, and from those beside it."""
    module = ModuleType(name, f"wasmkiln under the name of {name}.")
    spec = ModuleSpec(name, None, is_package=name in ("onnxruntime", "onnxruntime.capi"))
    module.__spec__ = spec
    if spec.submodule_search_locations is not None:
        module.__path__ = []
    content: dict[str, Any] = {
        "__version__": API_VERSION,
        "wasmkiln_version": _version.__version__,
        "get_version_string": _version_string,
    }
    content.update((thing.__name__, thing) for thing in (*_CLASSES, *_FUNCTIONS))
    if name != "onnxruntime":
        content.update((error.__name__, error) for error in _ERRORS)
    vars(module).update(content)
    return module


def _version_string() -> str:
    """The release of onnxruntime whose API this is."""
    return API_VERSION
