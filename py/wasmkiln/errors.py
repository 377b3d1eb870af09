"""Every error that wasmkiln raises on purpose.

WasmkilnError
├── InvalidModelError          the bytes are not a model that we can read
│   └── ExternalDataError      a file that the model refers to is missing or not allowed
├── UnsupportedOperatorError   an operator, or a form of it, that we don't compile
│   └── DataDependentError     a shape or parameter is computed from data, while the model runs
├── ShapeError                 shapes or dtypes inside the model contradict each other
├── InvalidInputError          a wrong input name, shape or dtype was given to run
├── ReleasedError              a handle was used after its release, or never existed
├── LimitError                 the model needs more than WebAssembly or the options allow
├── MissingDependencyError     an optional package is needed for this call
└── InternalError              a defect of ours; please report it
"""

from __future__ import annotations

__all__ = [
    "DataDependentError",
    "ExternalDataError",
    "InternalError",
    "InvalidInputError",
    "InvalidModelError",
    "LimitError",
    "MissingDependencyError",
    "ReleasedError",
    "ShapeError",
    "UnsupportedOperatorError",
    "WasmkilnError",
]


class WasmkilnError(Exception):
    """The root of all errors raised by wasmkiln."""


class InvalidModelError(WasmkilnError, ValueError):
    """The bytes given as a model are damaged, truncated or not an ONNX model at all."""


class ExternalDataError(InvalidModelError):
    """External data named by a tensor is missing, too short or outside the model's folder."""


class UnsupportedOperatorError(WasmkilnError, NotImplementedError):
    """An operator, or a form of it, has no compiler; the message names node, opset and types.

    node: the first output of the graph's node at which typing stopped, if it did there.
    """

    node: str = ""


class DataDependentError(UnsupportedOperatorError):
    """A value that has to be known while compiling is computed from the data of a run.

    value: which one: its type, as an operator sees it, or its name, as a graph does.
    inputs: the model's inputs that decide it; an InferenceSession compiles for their values.
    """

    def __init__(self, message: str, value: object = None, inputs: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.value = value
        self.inputs = inputs


class ShapeError(WasmkilnError, ValueError):
    """Shapes, dtypes or attributes inside a model contradict each other."""


class InvalidInputError(WasmkilnError, ValueError):
    """An input given to run has a wrong name, shape or dtype, or is missing."""


class ReleasedError(WasmkilnError, RuntimeError):
    """A session or handle was used after release, or the handle never existed."""


class LimitError(WasmkilnError, MemoryError):
    """The model needs more memory or more work than the limits allow."""


class MissingDependencyError(WasmkilnError, ImportError):
    """An optional package is missing; the message says how to install it."""


class InternalError(WasmkilnError, AssertionError):
    """A defect in wasmkiln itself."""
