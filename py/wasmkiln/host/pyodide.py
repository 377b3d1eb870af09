"""The bridge to JavaScript, inside Pyodide: models come as JS buffers, artifacts go back as JS objects.

Each function returns an object that has either its result or `error: {name, message}`; nothing is
raised into JavaScript, so the caller needs no tracebacks to be parsed.

    inspectModel(Uint8Array) -> {info: JSON}
    compileModel(Uint8Array, JSON of options) -> {meta: JSON, code, data: Uint8Array, report: JSON, timings: JSON}
"""  # noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import js
from pyodide.ffi import JsBuffer, JsProxy, to_js

from ..compiler import compile_model
from ..errors import InvalidInputError, WasmkilnError
from ..ir.shape import Sym
from ..ir.types import InputType
from ..onnx.load import load
from ..options import CompileOptions

__all__ = ["JsSource", "compile_buffer", "inspect_buffer"]


@dataclass(frozen=True, slots=True)
class JsSource:
    """A Uint8Array as a source of bytes: only the ranges that are read are copied into Python."""

    array: JsBuffer

    @property
    def size(self) -> int:
        """The number of bytes."""
        length: int = self.array.length
        return length

    def read(self, offset: int, length: int) -> bytes:
        """A copy of the range."""
        data: bytes = self.array.subarray(offset, offset + length).to_bytes()
        return data


def inspect_buffer(array: JsBuffer) -> JsProxy:
    """What a model takes and gives, before it is compiled."""
    return _answer(lambda: _inspect(JsSource(array)))


def compile_buffer(array: JsBuffer, options: str) -> JsProxy:
    """Compile a model; `options` are the fields of CompileOptions as JSON."""
    return _answer(lambda: _compile(JsSource(array), parse_options(json.loads(options))))


def parse_options(given: Mapping[str, Any]) -> CompileOptions:
    """The options that a page may set; InvalidInputError for any other."""
    unknown = given.keys() - {"simd", "threads", "dims", "shapes"}
    if unknown:
        raise InvalidInputError(f"there is no compile option {', '.join(sorted(unknown))}")
    shapes = {name: tuple(shape) for name, shape in given.get("shapes", {}).items()}
    return CompileOptions(**{**given, "shapes": shapes})


def _inspect(source: JsSource) -> dict[str, Any]:
    model = load(source)
    graph = model.graph
    info = {
        "inputs": [_signature(name, graph.inputs[name]) for name in graph.inputs],
        "outputs": [{"name": name} for name in graph.outputs],
        "nodes": len(graph.nodes),
    }
    return {"info": json.dumps(info)}


def _signature(name: str, declared: InputType) -> dict[str, Any]:
    shape = declared.shape
    return {
        "name": name,
        "dtype": declared.dtype.full,
        "shape": None if shape is None else [d.name if isinstance(d, Sym) else d for d in shape],
    }


def _compile(source: JsSource, options: CompileOptions) -> dict[str, Any]:
    compiled = compile_model(source, options)
    artifact = compiled.artifact
    return {
        "meta": json.dumps(artifact.meta()),
        "code": artifact.code,
        "data": artifact.data,
        "report": json.dumps([row.as_dict() for row in compiled.report]),
        "timings": json.dumps(compiled.timings),
    }


def _answer(work: Callable[[], dict[str, Any]]) -> JsProxy:
    try:
        result = work()
    except BaseException as error:
        result = {"error": _describe(error)}
    answer: JsProxy = to_js(result, dict_converter=js.Object.fromEntries)
    return answer


def _describe(error: BaseException) -> dict[str, str]:
    if isinstance(error, WasmkilnError):
        return {"name": type(error).__name__, "message": str(error)}
    if isinstance(error, MemoryError):
        return {"name": "LimitError", "message": "the compiler ran out of memory"}
    return {"name": "InternalError", "message": _last_line(error)}


def _last_line(error: BaseException) -> str:
    """The exception with the place where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        file = trace.tb_frame.f_code.co_filename.rsplit("/wasmkiln/", 1)[-1]
        where = f" ({file}:{trace.tb_lineno})"
    return f"{type(error).__name__}: {error}{where}"
