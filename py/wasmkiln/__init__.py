"""wasmkiln compiles one ONNX model at a time to WebAssembly, natively or in the browser tab.

session = wasmkiln.InferenceSession("model.onnx")
(logits,) = session.run(None, {"image": array})
"""

from __future__ import annotations

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
    ReleasedError,
    ShapeError,
    UnsupportedOperatorError,
    WasmkilnError,
)
from wasmkiln.options import CompileOptions

if TYPE_CHECKING:
    from wasmkiln.session import InferenceSession, NodeArg

__all__ = [
    "CompileOptions",
    "DataDependentError",
    "ExternalDataError",
    "InferenceSession",
    "InternalError",
    "InvalidInputError",
    "InvalidModelError",
    "LimitError",
    "MissingDependencyError",
    "NodeArg",
    "ReleasedError",
    "ShapeError",
    "UnsupportedOperatorError",
    "WasmkilnError",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load the session on first use: the browser's compiler worker has no need of it."""
    if name in ("InferenceSession", "NodeArg"):
        from wasmkiln import session

        return getattr(session, name)
    raise AttributeError(f"module 'wasmkiln' has no attribute '{name}'")
