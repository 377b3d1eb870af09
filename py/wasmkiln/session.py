"""InferenceSession: onnxruntime's names, synchronous, NumPy arrays in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any

from .artifact import Artifact, IOBinding
from .compiler import Compiled, compile_graph
from .errors import (
    DataDependentError,
    InvalidInputError,
    MissingDependencyError,
    ReleasedError,
)
from .host import Instance, default_host
from .ir.const import Const
from .ir.shape import Dim, Shape, Sym, show
from .ir.types import InputType
from .known import needed_inputs, with_values
from .onnx.load import Source, load
from .options import CompileOptions
from .record import record, replace
from .report import ReportRow

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["InferenceSession", "NodeArg"]

MAX_PLANS = 4  # compiled variants kept for different input shapes; each has its own memory

_Key = tuple[tuple[Shape, ...], tuple[tuple[str, Const], ...]]


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
        self._options = options or CompileOptions()
        self._host = default_host()
        self._plans: dict[_Key, tuple[Compiled, Instance]] = {}
        self._needed: dict[str, None] = {}  # inputs that are constants of a plan, in any order
        self._lock = RLock()
        self._released = False
        self._last: Compiled | None = None
        inputs = self._model.graph.inputs
        if all(t.shape is not None and not t.symbols for t in inputs.values()):
            shapes = {name: _concrete(t) for name, t in inputs.items()}
            try:
                self._plan(shapes, {})
            except DataDependentError as error:
                self._needed.update(dict.fromkeys(needed_inputs(error, shapes)))

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
        shapes = dict(zip(declared, _check_arrays(arrays, declared), strict=True))
        with self._lock:
            if self._released:
                raise ReleasedError("this session was released")
            compiled, instance = self._plan_for_values(shapes, arrays)
            outputs = _choose(output_names, compiled.artifact)
            for binding in compiled.artifact.inputs:
                array = np.ascontiguousarray(arrays[binding.name])
                instance.write(binding.offset, array.reshape(-1).view("u1").data)
            instance.run()
            return [_fetch(np, instance, b) for b in outputs]

    def get_inputs(self) -> list[NodeArg]:
        """The inputs in the model's order."""
        return [_node_arg(n, t) for n, t in self._model.graph.inputs.items()]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs in the model's order, as the model declares them."""
        return [_node_arg(n, t) for n, t in self._model.outputs.items()]

    def report(self) -> tuple[ReportRow, ...]:
        """How each node runs, for the shapes of the last run, or sizes of 1 before the first."""
        return self._compiled().report

    def artifact(self) -> Artifact:
        """The compiled model for the shapes of the last run."""
        return self._compiled().artifact

    def timings(self) -> dict[str, float]:
        """Seconds spent in each phase of the last compilation."""
        return self._compiled().timings

    def release(self) -> None:
        """Give up all memory. Raises ReleasedError when called twice."""
        with self._lock:
            if self._released:
                raise ReleasedError("this session was released before")
            self._released = True
            for _, instance in self._plans.values():
                instance.release()
            self._plans.clear()

    def __enter__(self) -> InferenceSession:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._released:
            self.release()

    def _compiled(self) -> Compiled:
        if self._last is None:
            self._last = compile_graph(self._model, self._options)
        return self._last

    def _plan_for_values(
        self, shapes: Mapping[str, Shape], arrays: Mapping[str, Array]
    ) -> tuple[Compiled, Instance]:
        """A plan in which the inputs whose values the compiler needs are constants."""
        while True:
            values = {
                name: Const(self._model.graph.inputs[name].dtype, shape, arrays[name].tobytes())
                for name, shape in shapes.items()
                if name in self._needed
            }
            try:
                return self._plan(shapes, values)
            except DataDependentError as error:
                # Each round makes more inputs constants, and those are not asked for again.
                self._needed.update(dict.fromkeys(needed_inputs(error, shapes)))

    def _plan(
        self, shapes: Mapping[str, Shape], values: Mapping[str, Const]
    ) -> tuple[Compiled, Instance]:
        key = tuple(shapes.values()), tuple(values.items())
        plan = self._plans.pop(key, None)
        if plan is None:
            model = with_values(self._model, values)
            free = {name: shape for name, shape in shapes.items() if name not in values}
            compiled = compile_graph(model, replace(self._options, shapes=free))
            plan = compiled, self._host.load(compiled.artifact, self._model.files)
            while len(self._plans) >= MAX_PLANS:
                _, oldest = self._plans.pop(next(iter(self._plans)))
                oldest.release()
        self._plans[key] = plan  # the last one used stands last
        self._last = plan[0]
        return plan


def _numpy() -> Any:
    try:
        import numpy
    except ImportError as error:
        raise MissingDependencyError(
            "InferenceSession.run needs NumPy: pip install numpy"
        ) from error
    return numpy


def _concrete(t: InputType) -> tuple[int, ...]:
    return tuple(d for d in t.shape or () if isinstance(d, int))


def _check_names(feed: Mapping[str, Any], declared: Mapping[str, InputType]) -> None:
    unknown = [n for n in feed if n not in declared]
    missing = [n for n in declared if n not in feed]
    if unknown or missing:
        said = [f"'{n}' is not an input" for n in unknown]
        said += [f"input '{n}' is missing" for n in missing]
        expected = ", ".join(f"'{n}' {t}" for n, t in declared.items()) or "none"
        raise InvalidInputError(f"{'; '.join(said)}. Inputs are: {expected}")


def _check_arrays(
    arrays: Mapping[str, Array], declared: Mapping[str, InputType]
) -> tuple[tuple[int, ...], ...]:
    sizes: dict[str, tuple[int, str]] = {}
    shapes = []
    for name, array in arrays.items():
        t = declared[name]
        given = f"{array.dtype}{show(array.shape)}"
        wanted = f"{t.dtype.full}{'' if t.shape is None else show(t.shape)}"
        if array.dtype.name != t.dtype.full or not array.dtype.isnative:
            raise InvalidInputError(f"input '{name}' is {wanted}; the array given is {given}")
        if t.shape is not None and not _matches(name, array.shape, t.shape, sizes):
            known = ", ".join(f"{s} is {n} in '{i}'" for s, (n, i) in sizes.items())
            hint = f" ({known})" if known else ""
            raise InvalidInputError(f"input '{name}' is {wanted}; the array given is {given}{hint}")
        shapes.append(tuple(array.shape))
    return tuple(shapes)


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


def _choose(names: Sequence[str] | None, artifact: Artifact) -> list[IOBinding]:
    known = {b.name: b for b in artifact.outputs}
    if not names:
        return list(artifact.outputs)
    for name in names:
        if name not in known:
            raise InvalidInputError(f"'{name}' is not an output; outputs are {', '.join(known)}")
    return [known[n] for n in names]


def _fetch(np: Any, instance: Instance, b: IOBinding) -> Array:
    data = bytearray(instance.read(b.offset, b.type.nbytes))  # writable, and the array's own
    try:
        dtype = np.dtype(b.type.dtype.full)
    except TypeError:  # NumPy's own types end at f16; the others are those of ml_dtypes
        raise MissingDependencyError(
            f"output '{b.name}' is {b.type.dtype.full}: pip install ml_dtypes, and import it"
        ) from None
    array: Array = np.frombuffer(data, dtype).reshape(b.type.shape)
    return array


_ORT_NAMES = {"float32": "float", "float64": "double", "float4_e2m1fn": "float4e2m1"}


def _node_arg(name: str, t: InputType) -> NodeArg:
    kind = _ORT_NAMES.get(t.dtype.full, t.dtype.full.replace("_", ""))
    shape = [d.name if isinstance(d, Sym) else d for d in t.shape or ()]
    return NodeArg(name, f"tensor({kind})", shape)
