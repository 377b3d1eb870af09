"""Every error that wasmkiln raises on purpose, with onnxruntime's names among them.

WasmkilnError
├── InvalidModelError              the bytes are not a model that we can read
│   ├── ExternalDataError          a file that the model refers to is missing or not allowed
│   ├── NoSuchFile                 the model's own file is missing
│   ├── InvalidProtobuf            the bytes are not an ONNX file
│   └── InvalidGraph               they are one, but what it says is not a model
├── NotImplemented
│   ├── UnsupportedOperatorError   an operator, or a form of it, that we don't compile
│   │   └── DataDependentError     a shape or parameter is computed from data, while the model runs
│   └── UnsupportedOptionError     an option or a call of onnxruntime that we can't honour
├── Fail
│   ├── ShapeError                 shapes or dtypes inside the model contradict each other
│   └── TerminatedError            a run was told to end
├── InvalidArgument
│   └── InvalidInputError          a wrong input name, shape or dtype was given to run
│       └── MisuseError            a call doesn't fit the object that it is made on
├── RuntimeException
│   ├── ReleasedError              a handle was used after its release, or never existed
│   ├── LimitError                 the model needs more than WebAssembly or the options allow
│   └── InternalError              a defect of ours; please report it
├── MissingDependencyError         an optional package is needed for this call
└── EngineError, EPFail, ModelLoaded, NoModel, never raised

`except` finds an error of ours by the name that onnxruntime has for it, so that scripts written for
one work with the other.
"""

from __future__ import annotations

__all__ = [
    "DataDependentError",
    "EPFail",
    "EngineError",
    "ExternalDataError",
    "Fail",
    "InternalError",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidInputError",
    "InvalidModelError",
    "InvalidProtobuf",
    "LimitError",
    "MissingDependencyError",
    "MisuseError",
    "ModelLoaded",
    "NoModel",
    "NoSuchFile",
    "NotImplemented",
    "ReleasedError",
    "RuntimeException",
    "ShapeError",
    "TerminatedError",
    "UnsupportedOperatorError",
    "UnsupportedOptionError",
    "UnsupportedOptionWarning",
    "WasmkilnError",
    "error_name",
]


class WasmkilnError(Exception):
    """The root of all errors raised by wasmkiln."""


def error_name(error: WasmkilnError) -> str:
    """The error's name among those of our own: a NoSuchFile is an InvalidModelError."""
    return next(c.__name__ for c in type(error).__mro__ if c.__name__.endswith("Error"))


class Fail(WasmkilnError):
    """onnxruntime's name for what went wrong in a model or in a run."""


class InvalidArgument(WasmkilnError):
    """onnxruntime's name for wrong arguments of a call."""


class NotImplemented(WasmkilnError):
    """onnxruntime's name for what a runtime doesn't know how to do."""


class RuntimeException(WasmkilnError):
    """onnxruntime's name for a runtime that can't go on."""


class EngineError(WasmkilnError):
    """onnxruntime's name for an execution engine that failed; there is only one here."""


class EPFail(WasmkilnError):
    """onnxruntime's name for an execution provider that failed; there is only one here."""


class ModelLoaded(WasmkilnError):
    """onnxruntime's name for a session that is given a second model, which can't happen here."""


class NoModel(WasmkilnError):
    """onnxruntime's name for a session without a model, which can't be made here."""


class InvalidModelError(WasmkilnError, ValueError):
    """The bytes given as a model are damaged, truncated or not an ONNX model at all."""


class ExternalDataError(InvalidModelError):
    """External data named by a tensor is missing, too short or outside the model's folder."""


class NoSuchFile(InvalidModelError, FileNotFoundError):
    """There is no file at the path given for a model."""


class InvalidProtobuf(InvalidModelError):
    """The bytes given as a model are not an ONNX file."""


class InvalidGraph(InvalidModelError):
    """The file is an ONNX file, but its graph breaks ONNX's rules."""


class UnsupportedOperatorError(NotImplemented, NotImplementedError):
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


class UnsupportedOptionError(NotImplemented, NotImplementedError):
    """An option or a call of onnxruntime's API asks for what there is not here."""


class UnsupportedOptionWarning(UserWarning):
    """An option of onnxruntime's API has no effect here; results stay right."""


class ShapeError(Fail, ValueError):
    """Shapes, dtypes or attributes inside a model contradict each other."""


class TerminatedError(Fail):
    """The options of a run say that it should end."""


class InvalidInputError(InvalidArgument, ValueError):
    """An input given to run has a wrong name, shape or dtype, or is missing."""


class MisuseError(InvalidInputError, RuntimeError):
    """A call doesn't fit the object that it is made on; onnxruntime gives a bare RuntimeError."""


class ReleasedError(RuntimeException, RuntimeError):
    """A session or handle was used after release, or the handle never existed."""


class LimitError(RuntimeException, MemoryError):
    """The model needs more memory or more work than the limits allow."""


class InternalError(RuntimeException, AssertionError):
    """A defect in wasmkiln itself."""


class MissingDependencyError(WasmkilnError, ImportError):
    """An optional package is missing; the message says how to install it."""
