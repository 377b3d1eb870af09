"""The browser: the engine that runs code under Pyodide, and the page's door to the compiler.

Beside it, only `pyodide_code` and `onnx.js_source` know of JavaScript.

`PyodideHost` is for Python code in the browser. The page itself calls `inspect_buffer`,
`compile_buffer` and `explain_buffer`, and runs the artifact without Python. They answer with a
plain object that holds either the result or `error: {name, message}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from ..artifact import PAGE, StepTable
from ..compiler import compile_graph, plan_graph
from ..errors import (
    InternalError,
    InvalidInputError,
    LimitError,
    ReleasedError,
    WasmkilnError,
    error_name,
)
from ..ir.const import Buffer
from ..ir.shape import Sym
from ..ir.types import InputType
from ..onnx.js_source import JsSource
from ..onnx.load import load
from ..onnx.source import ByteSource
from ..options import CompileOptions
from .base import Instance, check_status
from .pyodide_code import instantiate

__all__ = ["PyodideHost", "compile_buffer", "explain_buffer", "inspect_buffer"]

MAX_MEMORY = 2 << 30  # browsers give this much; beyond it some fail without saying why

_OPTIONS = frozenset({"simd", "threads", "dims", "shapes"})


class PyodideHost:
    """Runs models in the browser's WebAssembly engine, on this thread."""

    max_memory = MAX_MEMORY

    def open(self, threads: int, shared: bool, nbytes: int, limit: int) -> Instance:
        """A memory."""
        return PyodideInstance(shared, nbytes, limit)


class PyodideInstance:
    """A model in a memory of its own, which one thread runs."""

    def __init__(self, shared: bool, nbytes: int, limit: int) -> None:
        pages = -(-nbytes // PAGE)
        self._memory: Any = _memory(shared, pages, max(pages, limit // PAGE))
        self._bytes: Any = js.Uint8Array.new(self._memory.buffer)
        self._run: Any = None

    @property
    def nbytes(self) -> int:
        """The size of the memory."""
        length: int = self._bytes.length
        return length

    def install(self, code: bytes) -> None:
        """Compile a module."""
        self._check()
        self._run = instantiate(code, self._memory)

    def reserve(self, nbytes: int) -> None:
        """Make the memory at least so large; what was seen through the old array is stale."""
        self._check()
        missing = -(-(nbytes - self.nbytes) // PAGE)
        if missing > 0:
            try:
                self._memory.grow(missing)
            except JsException as error:
                raise LimitError(f"{nbytes:,} bytes of memory: {error}") from error
            self._bytes = js.Uint8Array.new(self._memory.buffer)

    def write(self, address: int, data: Buffer) -> None:
        """Copy bytes into the model's memory."""
        self._window(address, len(data)).assign(data)

    def read(self, address: int, nbytes: int) -> bytearray:
        """A copy of bytes of the model's memory."""
        data = bytearray(nbytes)
        self._window(address, nbytes).assign_to(data)
        return data

    def copy(self, source: ByteSource, offset: int, nbytes: int, address: int) -> None:
        """Copy a range of a model file; one in JavaScript goes straight from there."""
        if isinstance(source, JsSource):
            self._bytes.set(source.array.subarray(offset, offset + nbytes), address)
        else:
            self.write(address, source.read(offset, nbytes))

    def step(self, table: int, first: int, count: int) -> None:
        """Run step records."""
        try:
            self._run(table, first, count, 0, 1, 0)
        except JsException as error:
            raise InternalError(f"the emitted code failed: {error}") from error

    def run(self, main: StepTable, threads: int) -> None:
        """Run all steps, on this thread alone."""
        self._check()
        self.step(main.table, 0, main.steps)
        check_status(self)

    def release(self) -> None:
        """Give up the memory."""
        self._run = self._bytes = self._memory = None

    def _window(self, address: int, nbytes: int) -> Any:
        self._check()
        return self._bytes.subarray(address, address + nbytes)

    def _check(self) -> None:
        if self._bytes is None:
            raise ReleasedError("this session was released")


def _memory(shared: bool, pages: int, maximum: int) -> Any:
    """A memory that may grow; one that can't where the browser has no room to keep free."""
    limits = {"initial": pages, "maximum": maximum, "shared": shared}
    try:
        return js.WebAssembly.Memory.new(_object(limits))
    except JsException as error:
        if maximum > pages:
            return _memory(shared, pages, pages)
        raise LimitError(f"{pages * PAGE:,} bytes of memory: {error}") from error


def inspect_buffer(array: Any) -> Any:
    """What the model in a Uint8Array takes and gives, before it is compiled: {info: JSON}."""
    return _answer(lambda: {"info": json.dumps(_inspect(JsSource(array)))})


def compile_buffer(array: Any, options: str, external: Any = ()) -> Any:
    """Compile the model in a Uint8Array; `options` is JSON with fields of CompileOptions.

    external: pairs of path and Uint8Array, for weights in other files.
    Answers {meta, files, about: JSON, code, data: Uint8Array}. files: the paths of the external
    files that are used, by their numbers in the artifact from 1 on. about: report, declared,
    steps, timings.
    """
    others = {pair[0]: JsSource(pair[1]) for pair in external}
    return _answer(lambda: _compile(JsSource(array), others, parse_options(json.loads(options))))


def explain_buffer(array: Any, options: str) -> Any:
    """What pictures of the compiled model need: {explanation: JSON} as `wasmkiln.explain` has it.

    The arguments are those of `compile_buffer`.
    """
    return _answer(lambda: _explain(JsSource(array), parse_options(json.loads(options))))


def parse_options(given: Mapping[str, Any]) -> CompileOptions:
    """The options that a page may set; InvalidInputError for any other."""
    if unknown := given.keys() - _OPTIONS:
        raise InvalidInputError(f"there is no compile option {', '.join(sorted(unknown))}")
    shapes = {name: tuple(shape) for name, shape in given.get("shapes", {}).items()}
    return CompileOptions(**{"max_memory": MAX_MEMORY, **given, "shapes": shapes})


def _inspect(source: JsSource) -> dict[str, Any]:
    model = load(source)
    return {
        "inputs": [_signature(name, declared) for name, declared in model.graph.inputs.items()],
        "outputs": list(model.graph.outputs),
        "nodes": len(model.graph.nodes),
        "metadata": dict(model.metadata),
    }


def _signature(name: str, declared: InputType) -> dict[str, Any]:
    shape = declared.shape
    dims = None if shape is None else [d.name if isinstance(d, Sym) else d for d in shape]
    return {"name": name, "dtype": declared.dtype.full, "shape": dims}


def _compile(
    source: JsSource, external: Mapping[str, JsSource], options: CompileOptions
) -> dict[str, Any]:
    start = perf_counter()
    model = load(source, external=external or None)
    timings = {"parse": perf_counter() - start}
    compiled = compile_graph(model, options, timings=timings)
    artifact = compiled.artifact
    paths = [next(p for p, s in external.items() if s is file) for file in model.files[1:]]
    about = {
        "report": [row.as_dict() for row in compiled.report],
        "declared": {
            "inputs": [_signature(*item) for item in model.graph.inputs.items()],
            "outputs": [_signature(*item) for item in model.outputs.items()],
        },
        "steps": [
            {"node": "+".join(call.origin), "kernel": call.kernel.name, "macs": call.macs}
            for call in compiled.program.main
        ],
        "timings": compiled.timings,
    }
    return {
        "meta": json.dumps(artifact.meta()),
        "code": artifact.code,
        "data": artifact.data,
        "files": json.dumps(paths),
        "about": json.dumps(about),
    }


def _explain(source: JsSource, options: CompileOptions) -> dict[str, Any]:
    compiled = plan_graph(load(source), options)
    return {"explanation": json.dumps(compiled.explain(), separators=(",", ":"))}


def _answer(work: Callable[[], dict[str, Any]]) -> Any:
    """The result for JavaScript, or what went wrong, so that no traceback has to be parsed."""
    try:
        return _object(work())
    except Exception as error:
        return _object({"error": _describe(error)})


def _describe(error: Exception) -> dict[str, str]:
    if isinstance(error, WasmkilnError):
        return {"name": error_name(error), "message": str(error)}
    if isinstance(error, MemoryError):
        return {"name": "LimitError", "message": "the compiler ran out of memory"}
    return {"name": "InternalError", "message": f"{type(error).__name__}: {error}{_place(error)}"}


def _place(error: Exception) -> str:
    """Where an exception was raised: the last frame of its traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    file = trace.tb_frame.f_code.co_filename.rsplit("/wasmkiln/", 1)[-1]
    return f" ({file}:{trace.tb_lineno})"


def _object(mapping: Mapping[str, Any]) -> Any:
    """The mapping as a JavaScript object; bytes become a Uint8Array."""
    return to_js(mapping, dict_converter=js.Object.fromEntries)
