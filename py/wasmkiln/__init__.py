"""wasmkiln compiles one ONNX model at a time to WebAssembly, natively or in the browser tab.

session = wasmkiln.InferenceSession("model.onnx")
(logits,) = session.run(None, {"image": array})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from wasmkiln._version import __version__
from wasmkiln.errors import (
    DataDependentError,
    ExternalDataError,
    InternalError,
    InvalidInputError,
    InvalidModelError,
    LimitError,
    MissingDependencyError,
    MisuseError,
    ReleasedError,
    ShapeError,
    TerminatedError,
    UnsupportedOperatorError,
    UnsupportedOptionError,
    UnsupportedOptionWarning,
    WasmkilnError,
)
from wasmkiln.options import CompileOptions

if TYPE_CHECKING:
    from wasmkiln.api.binding import IOBinding
    from wasmkiln.api.device import OrtDevice
    from wasmkiln.api.enums import ExecutionMode, ExecutionOrder, GraphOptimizationLevel
    from wasmkiln.api.ort_value import OrtValue, SparseTensor
    from wasmkiln.api.providers import get_all_providers, get_available_providers, get_device
    from wasmkiln.api.run_options import RunOptions
    from wasmkiln.api.runtime import (
        get_version_string,
        set_default_logger_severity,
        set_default_logger_verbosity,
        set_seed,
    )
    from wasmkiln.api.session_options import SessionOptions
    from wasmkiln.onnx.load import ModelMetadata
    from wasmkiln.onnxruntime import install_as_onnxruntime
    from wasmkiln.session import InferenceSession, NodeArg

__all__ = [
    "CompileOptions",
    "DataDependentError",
    "ExecutionMode",
    "ExecutionOrder",
    "ExternalDataError",
    "GraphOptimizationLevel",
    "IOBinding",
    "InferenceSession",
    "InternalError",
    "InvalidInputError",
    "InvalidModelError",
    "LimitError",
    "MissingDependencyError",
    "MisuseError",
    "ModelMetadata",
    "NodeArg",
    "OrtDevice",
    "OrtValue",
    "ReleasedError",
    "RunOptions",
    "SessionOptions",
    "ShapeError",
    "SparseTensor",
    "TerminatedError",
    "UnsupportedOperatorError",
    "UnsupportedOptionError",
    "UnsupportedOptionWarning",
    "WasmkilnError",
    "__version__",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "get_version_string",
    "install_as_onnxruntime",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
    "set_seed",
]

# Where the rest is, which is loaded on first use: the browser's compiler worker needs none of it.
_PLACES = {
    "api.binding": ("IOBinding",),
    "api.device": ("OrtDevice",),
    "api.enums": ("ExecutionMode", "ExecutionOrder", "GraphOptimizationLevel"),
    "api.ort_value": ("OrtValue", "SparseTensor"),
    "api.providers": ("get_all_providers", "get_available_providers", "get_device"),
    "api.run_options": ("RunOptions",),
    "api.runtime": (
        "get_version_string",
        "set_default_logger_severity",
        "set_default_logger_verbosity",
        "set_seed",
    ),
    "api.session_options": ("SessionOptions",),
    "onnx.load": ("ModelMetadata",),
    "onnxruntime": ("install_as_onnxruntime",),
    "session": ("InferenceSession", "NodeArg"),
}


def __getattr__(name: str) -> object:
    """Load what is asked for."""
    for place, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{place}"), name)
    raise AttributeError(f"module 'wasmkiln' has no attribute '{name}'")
