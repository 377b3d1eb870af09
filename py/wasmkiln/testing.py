"""Finds where a model's values begin to differ from a reference runtime's.

    print(wasmkiln.testing.compare("model.onnx", {"image": array}))

For people who test, so it uses the `onnx` package, and whichever reference is installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from .errors import InvalidInputError, MissingDependencyError
from .options import CompileOptions
from .record import record
from .session import InferenceSession

__all__ = ["Comparison", "Difference", "Reference", "compare"]

# Gives all outputs of a model for inputs by name.
Reference = Callable[[bytes, Mapping[str, Any]], Sequence[Any]]


@record
class Difference:
    """A value that differs. ours, theirs: dtype, shape, range and first elements."""

    value: str
    node: str
    operator: str
    how_far: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return (
            f"'{self.value}' of {self.operator} '{self.node}' differs: {self.how_far}\n"
            f"  ours:      {self.ours}\n  reference: {self.theirs}"
        )


@record
class Comparison:
    """What `compare` has found.

    first: the first value that differs, in the order of computation; None if none does.
    checked: how many values were looked at. way: how the first one was found.
    """

    first: Difference | None
    checked: int
    way: str

    @property
    def agrees(self) -> bool:
        """Whether all outputs agree."""
        return self.first is None

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.checked} outputs agree"
        return f"{self.first}\n  found by {self.way}, {self.checked} values checked"


def compare(
    model: Any,
    feeds: Mapping[str, Any],
    reference: Reference | str | None = None,
    *,
    tolerance: float = 1e-3,
    steps: int = 0,
    options: CompileOptions | None = None,
) -> Comparison:
    """Run a model here and in a reference, and name the first value that differs, if any does.

    model: a path, bytes, or an onnx.ModelProto. reference: a function, "onnxruntime", "reference"
    (the onnx package's evaluator), or by default whichever is installed, in this order.
    tolerance: by how much floats may differ, relative to the largest of their tensor; steps: by how
    much integers may.

    Outputs come first. Where one differs, all values between are made outputs; if all of these
    agree, as what is fused is not then fused, each of some is made an output alone, by bisection.
    Raises MissingDependencyError without onnx, NumPy or a reference; what InferenceSession raises.
    """
    return _Comparer(model, feeds, _reference(reference), (tolerance, steps), options).compare()


class _Comparer:
    def __init__(
        self,
        model: Any,
        feeds: Mapping[str, Any],
        reference: Reference,
        limits: tuple[float, int],
        options: CompileOptions | None,
    ) -> None:
        self.onnx = _need("onnx")
        self.np = _need("numpy")
        self.model = self._load(model)
        self.feeds = feeds
        self.reference = reference
        self.limits = limits
        self.options = options
        self.makers = {out: node for node in self.model.graph.node for out in node.output if out}

    def compare(self) -> Comparison:
        """Outputs, then all values, then some alone."""
        outputs = [o.name for o in self.model.graph.output]
        theirs = self._theirs(outputs)
        first = self._first(outputs, theirs, self._ours({}))
        if first is None:
            return Comparison(None, len(outputs), "outputs")
        between = [name for name in self.makers if name not in outputs]
        theirs |= self._theirs(between)
        kept = {name: theirs[name] for name in between if isinstance(theirs[name], self.np.ndarray)}
        everything = [name for name in self.makers if name in kept or name in outputs]
        found = self._first(everything, theirs, self._ours(kept))
        if found is not None:
            return Comparison(found, len(everything), "making all values outputs")
        return self._bisect(list(kept), theirs, first, len(everything))

    def _bisect(
        self, names: list[str], theirs: Mapping[str, Any], last: Difference, checked: int
    ) -> Comparison:
        """Look at values alone, each in a model of its own that fuses all others."""
        low, high, found = 0, len(names), last
        while low < high:
            middle = (low + high) // 2
            name = names[middle]
            checked += 1
            difference = self._first([name], theirs, self._ours({name: theirs[name]}))
            if difference is None:
                low = middle + 1
            else:
                high, found = middle, difference
        return Comparison(found, checked, "making single values outputs")

    def _load(self, model: Any) -> Any:
        if isinstance(model, (str, os.PathLike)):
            return self.onnx.load(os.fspath(model))
        if isinstance(model, (bytes, bytearray)):
            return self.onnx.load_from_string(bytes(model))
        if not isinstance(model, self.onnx.ModelProto):
            raise InvalidInputError(f"a model is a path, bytes or a ModelProto, not {model!r:.80}")
        return model

    def _with_outputs(self, infos: Sequence[Any], alone: bool = False) -> bytes:
        copy = self.onnx.ModelProto()
        copy.CopyFrom(self.model)
        if alone:
            del copy.graph.output[:]
        copy.graph.output.extend(infos)
        return bytes(copy.SerializeToString())

    def _theirs(self, names: Sequence[str]) -> dict[str, Any]:
        """The reference's values. It is left to it which types they have."""
        declared = {o.name: o for o in self.model.graph.output}
        infos = [declared.get(name, self.onnx.ValueInfoProto(name=name)) for name in names]
        data = self._with_outputs(infos, alone=True)
        return dict(zip(names, self.reference(data, self.feeds), strict=True)) if names else {}

    def _ours(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """Our values: the outputs, and others, whose types are those of the reference's."""
        helper = self.onnx.helper
        infos = [
            helper.make_tensor_value_info(name, self._number(array), array.shape)
            for name, array in more.items()
        ]
        names = [*(o.name for o in self.model.graph.output), *more]
        with InferenceSession(self._with_outputs(infos), self.options) as session:
            return dict(zip(names, session.run(names, self.feeds), strict=True))

    def _number(self, array: Any) -> int:
        if array.dtype.kind in "OUS":
            return int(self.onnx.TensorProto.STRING)
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(array.dtype))

    def _first(
        self, names: Sequence[str], theirs: Mapping[str, Any], ours: Mapping[str, Any]
    ) -> Difference | None:
        order = {name: i for i, name in enumerate(self.makers)}
        for name in sorted(names, key=lambda n: order.get(n, -1)):
            how_far = _distance(self.np, ours[name], theirs[name], *self.limits)
            if how_far:
                node = self.makers.get(name)
                return Difference(
                    name,
                    node.name if node else "",
                    node.op_type if node else "the model's inputs",
                    how_far,
                    _summary(self.np, ours[name]),
                    _summary(self.np, theirs[name]),
                )
        return None


def _distance(np: Any, ours: Any, theirs: Any, tolerance: float, steps: int) -> str:
    """How two values differ, in words; '' if they agree."""
    if not isinstance(theirs, np.ndarray) or not isinstance(ours, np.ndarray):
        return _distance_of_others(np, ours, theirs, tolerance, steps)
    if ours.dtype != theirs.dtype and not (ours.dtype.kind in "OU" and theirs.dtype.kind in "OU"):
        return f"dtypes {ours.dtype} and {theirs.dtype}"
    if ours.shape != theirs.shape:
        return f"shapes {ours.shape} and {theirs.shape}"
    if ours.dtype.kind in "OUSb":
        count = int((ours != theirs).sum())
        return f"{count} of {ours.size} elements" if count else ""
    if ours.dtype.kind in "iu":
        differs = ours != theirs  # few, and their difference may be beyond their dtype
        pairs = zip(ours[differs].tolist(), theirs[differs].tolist(), strict=True)
        far = max((abs(a - b) for a, b in pairs), default=0)
        return f"by up to {far}" if far > steps else ""
    wide = np.complex128 if ours.dtype.kind == "c" else np.float64
    a, b = ours.astype(wide), theirs.astype(wide)
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    odd = ~equal & ~(np.isfinite(a) & np.isfinite(b))
    if odd.any():
        return f"{int(odd.sum())} of {a.size} elements are finite in one only"
    finite = np.isfinite(b)
    error = float(np.abs(a - b)[~equal].max(initial=0))
    scale = float(np.abs(b)[finite].max(initial=0))
    if error > tolerance * max(scale, 1e-30):
        return f"by up to {error:.3g}, {error / max(scale, 1e-30):.2g} of the largest element"
    return ""


def _distance_of_others(np: Any, ours: Any, theirs: Any, tolerance: float, steps: int) -> str:
    """How sequences, maps and optionals differ."""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"lengths {len(ours)} and {len(theirs)}"
        pairs = list(enumerate(zip(ours, theirs, strict=True)))
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return f"keys {sorted(ours)} and {sorted(theirs)}"
        pairs = [(key, (ours[key], theirs[key])) for key in ours]
    else:
        a, b = (np.asarray(v) if isinstance(v, (int, float, str)) else v for v in (ours, theirs))
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return _distance(np, a, b, tolerance, steps)
        return "" if a is b else f"{type(ours).__name__} and {type(theirs).__name__}"
    for key, (a, b) in pairs:
        if how_far := _distance(np, a, b, tolerance, steps):
            return f"at {key!r}, {how_far}"
    return ""


def _summary(np: Any, value: Any) -> str:
    """A value in one line."""
    if not isinstance(value, np.ndarray):
        return f"{value!r:.120}"
    title = f"{value.dtype}{list(value.shape)}"
    shown = ", ".join(f"{v:.6g}" if value.dtype.kind == "f" else str(v) for v in value.flat[:6])
    if value.dtype.kind in "fiu" and value.size:
        wide = value.astype(np.float64)
        title += f" from {wide.min():.6g} to {wide.max():.6g}"
    return f"{title}: {shown}{', …' if value.size > 6 else ''}"


def _reference(given: Reference | str | None) -> Reference:
    if callable(given):
        return given
    known = {"onnxruntime": _onnxruntime, "reference": _evaluator}
    if given is not None and given not in known:
        raise InvalidInputError(f"the reference is {' or '.join(known)} or a function: {given!r}")
    if given == "onnxruntime" or (given is None and _real_onnxruntime() is not None):
        return _onnxruntime
    return _evaluator


def _real_onnxruntime() -> Any:
    """onnxruntime, unless it is not there or only another name of this package."""
    try:
        module = import_module("onnxruntime")
    except ImportError:
        return None
    return None if hasattr(module, "wasmkiln_version") else module


def _onnxruntime(model: bytes, feeds: Mapping[str, Any]) -> Sequence[Any]:
    runtime = _real_onnxruntime()
    if runtime is None:
        raise MissingDependencyError("native onnxruntime is needed: pip install onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    results: Sequence[Any] = session.run(None, dict(feeds))
    return results


def _evaluator(model: bytes, feeds: Mapping[str, Any]) -> Sequence[Any]:
    onnx = _need("onnx")
    evaluator = import_module("onnx.reference").ReferenceEvaluator(onnx.load_from_string(model))
    results: Sequence[Any] = evaluator.run(None, dict(feeds))
    return results


def _need(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"wasmkiln.testing needs {name}: pip install {name}"
        ) from error
