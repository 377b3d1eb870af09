"""InferenceSession: onnxruntime's names, synchronous, NumPy arrays in and out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any

from .artifact import Artifact
from .engine.describe import describe_value
from .engine.runner import Runner
from .errors import (
    InvalidInputError,
    MissingDependencyError,
    ReleasedError,
    UnsupportedOperatorError,
)
from .host import default_host
from .ir.const import Const
from .ir.dtype import STRING, DType
from .ir.shape import Dim, Sym, show
from .ir.types import InputType
from .ir.value import Value
from .onnx.load import Source, load
from .options import CompileOptions
from .record import record
from .report import ReportRow

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["InferenceSession", "NodeArg"]


@record
class NodeArg:
    """An input or output: `type` is like `tensor(float)`, `shape` names symbolic dims."""

    name: str
    type: str
    shape: list[int | str]


class InferenceSession:
    """A model ready to run. Sessions may be used from several threads; runs queue.

        session = InferenceSession("model.onnx")
        (logits,) = session.run(None, {"image": array})

    path_or_bytes: a path, the bytes of a model, or a ByteSource.
    options: what to compile for; by default one thread and relaxed SIMD.

    The model is compiled for each set of input shapes, and, where shapes or parameters inside are
    computed from the values of small inputs (up to 1,024 elements), also for these values. The
    latest few of such plans are kept.

    Raises WasmkilnError subclasses, see `errors`.
    """

    def __init__(self, path_or_bytes: Source, options: CompileOptions | None = None) -> None:
        self._model = load(path_or_bytes)
        self._runner = Runner(self._model, options or CompileOptions(), default_host())
        self._lock = RLock()
        self._released = False
        self._runner.prepare()

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any]) -> list[Array]:
        """Compute outputs, by default all, in the order asked for.

        input_feed: an array for each input by name; dtypes must match exactly, shapes must match
        the declared sizes, and symbolic dimensions take the sizes given.
        Raises InvalidInputError for wrong names, dtypes or shapes; ReleasedError after release.
        """
        np = _numpy()
        declared = self._model.graph.inputs
        _check_names(input_feed, declared)
        arrays = {name: np.asarray(input_feed[name]) for name in declared}
        _check_arrays(arrays, declared)
        outputs = _choose(output_names, self._model.graph.outputs)
        feeds = {n: _const(np, a, declared[n].dtype) for n, a in arrays.items()}
        with self._lock:
            if self._released:
                raise ReleasedError("this session was released")
            results = self._runner.run(feeds, outputs)
        return [_array(np, name, results[name]) for name in outputs]

    def get_inputs(self) -> list[NodeArg]:
        """The inputs in the model's order."""
        return [_node_arg(n, t) for n, t in self._model.graph.inputs.items()]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs in the model's order, as the model declares them."""
        return [_node_arg(n, t) for n, t in self._model.outputs.items()]

    def report(self) -> tuple[ReportRow, ...]:
        """How each node runs, for the shapes of the last run, or sizes of 1 before the first."""
        return self._runner.report()

    def artifact(self) -> Artifact:
        """The compiled model for the shapes of the last run."""
        return self._runner.compiled().artifact

    def timings(self) -> dict[str, float]:
        """Seconds spent in each phase of the last compilation."""
        return self._runner.compiled().timings

    def release(self) -> None:
        """Give up all memory. Raises ReleasedError when called twice."""
        with self._lock:
            if self._released:
                raise ReleasedError("this session was released before")
            self._released = True
            self._runner.release()

    def __enter__(self) -> InferenceSession:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._released:
            self.release()


def _numpy() -> Any:
    try:
        import numpy
    except ImportError as error:
        raise MissingDependencyError(
            "InferenceSession.run needs NumPy: pip install numpy"
        ) from error
    return numpy


def _check_names(feed: Mapping[str, Any], declared: Mapping[str, InputType]) -> None:
    unknown = [n for n in feed if n not in declared]
    missing = [n for n in declared if n not in feed]
    if unknown or missing:
        said = [f"'{n}' is not an input" for n in unknown]
        said += [f"input '{n}' is missing" for n in missing]
        expected = ", ".join(f"'{n}' {t}" for n, t in declared.items()) or "none"
        raise InvalidInputError(f"{'; '.join(said)}. Inputs are: {expected}")


def _check_arrays(arrays: Mapping[str, Array], declared: Mapping[str, InputType]) -> None:
    sizes: dict[str, tuple[int, str]] = {}
    for name, array in arrays.items():
        t = declared[name]
        if t.dtype == STRING and array.dtype.kind in "OSU":
            continue
        given = f"{array.dtype}{show(array.shape)}"
        wanted = f"{t.dtype.full}{'' if t.shape is None else show(t.shape)}"
        if array.dtype.name != t.dtype.full or not array.dtype.isnative:
            raise InvalidInputError(f"input '{name}' is {wanted}; the array given is {given}")
        if t.shape is not None and not _matches(name, array.shape, t.shape, sizes):
            known = ", ".join(f"{s} is {n} in '{i}'" for s, (n, i) in sizes.items())
            hint = f" ({known})" if known else ""
            raise InvalidInputError(f"input '{name}' is {wanted}; the array given is {given}{hint}")


def _matches(
    name: str, given: Sequence[int], declared: Sequence[Dim], sizes: dict[str, tuple[int, str]]
) -> bool:
    if len(given) != len(declared):
        return False
    for size, dim in zip(given, declared, strict=True):
        if isinstance(dim, Sym):
            if sizes.setdefault(dim.name, (size, name))[0] != size:
                return False
        elif dim != size:
            return False
    return True


def _choose(names: Sequence[str] | None, known: Collection[str]) -> list[str]:
    for name in names or ():
        if name not in known:
            raise InvalidInputError(f"'{name}' is not an output; outputs are {', '.join(known)}")
    return list(names or known)


def _const(np: Any, array: Array, dtype: DType) -> Const:
    """The array's own memory as a constant."""
    if dtype == STRING:
        return Const.strings(array.shape, [str(text) for text in array.ravel().tolist()])
    return Const(dtype, array.shape, np.ascontiguousarray(array).reshape(-1).view("u1").data)


def _array(np: Any, name: str, value: Value) -> Array:
    """An array over the constant's buffer."""
    if not isinstance(value, Const):
        raise UnsupportedOperatorError(f"output '{name}' is {describe_value(value)}")
    if value.dtype == STRING:
        texts: Array = np.array(value.texts(), dtype=object).reshape(value.shape)
        return texts
    try:
        dtype = np.dtype(value.dtype.full)
    except TypeError:  # NumPy's own types end at f16; the others are those of ml_dtypes
        raise MissingDependencyError(
            f"output '{name}' is {value.dtype.full}: pip install ml_dtypes, and import it"
        ) from None
    array: Array = np.frombuffer(value.data, dtype).reshape(value.shape)
    return array


_ORT_NAMES = {"float32": "float", "float64": "double", "float4_e2m1fn": "float4e2m1"}


def _node_arg(name: str, t: InputType) -> NodeArg:
    kind = _ORT_NAMES.get(t.dtype.full, t.dtype.full.replace("_", ""))
    shape = [d.name if isinstance(d, Sym) else d for d in t.shape or ()]
    return NodeArg(name, f"tensor({kind})", shape)
